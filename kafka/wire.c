/*
 * The flexible encoding writes lengths as one more than they are, so that 0 is
 * null; the old one writes null as -1, in 16 bits for strings and 32 for
 * arrays.
 */
#include "kafka/wire.h"

#include <errno.h>
#include <stdlib.h>

#include "common/err.h"

int
kb_wire_put_string(struct kb_buf *out, bool flexible, const char *s)
{
	size_t len = s ? strlen(s) : 0;
	int r;

	if (len > KB_WIRE_STRING_MAX)
		return kb_err(-EINVAL,
			"%.40s...: a string of %zu bytes is too "
			"long for Kafka",
			s, len);
	if (flexible)
		r = kb_buf_put_uvarint(out, s ? len + 1 : 0);
	else
		r = kb_buf_put_i16(out, s ? (int16_t)len : -1);
	return r ? r : kb_buf_put(out, s, len);
}

int
kb_wire_put_array(struct kb_buf *out, bool flexible, size_t count)
{
	if (count > INT32_MAX - 1)
		return kb_err(
			-EINVAL, "%zu items are too many for Kafka", count);
	if (flexible)
		return kb_buf_put_uvarint(out, count + 1);
	return kb_buf_put_i32(out, (int32_t)count);
}

int
kb_wire_put_null_array(struct kb_buf *out, bool flexible)
{
	if (flexible)
		return kb_buf_put_uvarint(out, 0);
	return kb_buf_put_i32(out, -1);
}

int
kb_wire_put_tags(struct kb_buf *out, bool flexible)
{
	return flexible ? kb_buf_put_uvarint(out, 0) : 0;
}

/* A length: -1 null; less is bad and also -1. */
static int64_t
length(int64_t n, struct kb_cursor *c)
{
	if (n < -1)
		c->bad = true;
	return c->bad || n < -1 ? -1 : n;
}

/* One more than the length, as KIP-482 writes it. */
static int64_t
compact_length(struct kb_cursor *c)
{
	uint64_t n = kb_cursor_uvarint(c);

	if (n > (uint64_t)INT32_MAX + 1)
		c->bad = true;
	return c->bad ? -1 : (int64_t)n - 1;
}

struct kb_slice
kb_wire_string(struct kb_cursor *c, bool flexible)
{
	int64_t n = flexible ? compact_length(c) : length(kb_cursor_i16(c), c);

	return kb_cursor_bytes(c, n);
}

size_t
kb_wire_array(struct kb_cursor *c, bool flexible, size_t least)
{
	int64_t n = flexible ? compact_length(c) : length(kb_cursor_i32(c), c);

	if (n <= 0)
		return 0;
	if ((uint64_t)n > kb_cursor_left(c) / least) {
		c->bad = true;
		return 0;
	}
	return (size_t)n;
}

void
kb_wire_tags(struct kb_cursor *c, bool flexible)
{
	uint64_t n = flexible ? kb_cursor_uvarint(c) : 0;

	for (; n > 0 && !c->bad; n--) {
		kb_cursor_uvarint(c); /* the tag */
		kb_cursor_take(c, kb_cursor_uvarint(c));
	}
}

int
kb_wire_copy(struct kb_slice s, char **out)
{
	char *copy;

	if (s.len && memchr(s.data, 0, s.len))
		return kb_err(-EBADMSG, "a name with a zero byte in it");
	copy = malloc(s.len + 1);
	if (!copy)
		return kb_err(-ENOMEM, "out of memory: %zu bytes", s.len + 1);
	if (s.len)
		memcpy(copy, s.data, s.len);
	copy[s.len] = '\0';
	*out = copy;
	return 0;
}
