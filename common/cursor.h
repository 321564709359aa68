/*
 * A bounded reader of bytes from disk or network. It can never step outside
 * its bytes: the first read that would, marks it bad; every later read then
 * gives zero and leaves it bad. So a decoder reads on and asks once at the end.
 */
#ifndef KB_COMMON_CURSOR_H
#define KB_COMMON_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/bytes.h"

struct kb_cursor {
	const uint8_t *at;
	const uint8_t *end;
	bool bad;
};

static inline struct kb_cursor
kb_cursor_of(struct kb_slice s)
{
	return (struct kb_cursor){s.data, s.data ? s.data + s.len : s.data, 0};
}

static inline size_t
kb_cursor_left(const struct kb_cursor *c)
{
	return (size_t)(c->end - c->at);
}

/* Borrows the next n bytes, or NULL and bad. */
static inline const uint8_t *
kb_cursor_take(struct kb_cursor *c, uint64_t n)
{
	const uint8_t *p = c->at;

	if (c->bad || n > kb_cursor_left(c)) {
		c->bad = true;
		return NULL;
	}
	c->at += n;
	return p;
}

static inline int8_t
kb_cursor_i8(struct kb_cursor *c)
{
	const uint8_t *p = kb_cursor_take(c, 1);

	return p ? (int8_t)*p : 0;
}

static inline int16_t
kb_cursor_i16(struct kb_cursor *c)
{
	const uint8_t *p = kb_cursor_take(c, 2);

	return p ? (int16_t)kb_load_be16(p) : 0;
}

static inline int32_t
kb_cursor_i32(struct kb_cursor *c)
{
	const uint8_t *p = kb_cursor_take(c, 4);

	return p ? (int32_t)kb_load_be32(p) : 0;
}

static inline int64_t
kb_cursor_i64(struct kb_cursor *c)
{
	const uint8_t *p = kb_cursor_take(c, 8);

	return p ? (int64_t)kb_load_be64(p) : 0;
}

/* Unsigned LEB128, at most 64 bits; more is bad. */
static inline uint64_t
kb_cursor_uvarint(struct kb_cursor *c)
{
	uint64_t v = 0;

	if (!c->bad && c->at < c->end && *c->at < 0x80)
		return *c->at++; /* most are short */
	for (unsigned shift = 0; shift < 64 && c->at < c->end; shift += 7) {
		uint8_t b = *c->at;

		if (c->bad || (shift == 63 && b > 1))
			break;
		c->at++;
		v |= (uint64_t)(b & 0x7f) << shift;
		if (b < 0x80)
			return v;
	}
	c->bad = true;
	return 0;
}

/* Zig-zag LEB128. */
static inline int64_t
kb_cursor_varint(struct kb_cursor *c)
{
	return kb_unzigzag(kb_cursor_uvarint(c));
}

/* n bytes, n >= 0; a negative n gives the null slice. */
static inline struct kb_slice
kb_cursor_bytes(struct kb_cursor *c, int64_t n)
{
	struct kb_slice s = {NULL, 0};

	if (n >= 0) {
		s.data = kb_cursor_take(c, (uint64_t)n);
		s.len = s.data ? (size_t)n : 0;
	}
	return s;
}

#endif
