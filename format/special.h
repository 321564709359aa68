/* Bytes that a JSON string cannot hold as they are, eight looked at at once. */
#ifndef KB_FORMAT_SPECIAL_H
#define KB_FORMAT_SPECIAL_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define KB_SPECIAL_STEP 8

/*
 * How many of the eight bytes at s stand before the first quote, backslash or
 * control character; 8 when there is none.
 */
static inline size_t
kb_special_find(const uint8_t *s)
{
	const uint64_t each = UINT64_C(0x0101010101010101);
	uint64_t word, quote, slash, hit;

	memcpy(&word, s, sizeof(word));
	word = le64toh(word);
	quote = word ^ each * '"';
	slash = word ^ each * '\\';
	/* a borrow reaches only bytes behind the first hit */
	hit = ((quote - each) & ~quote) | ((slash - each) & ~slash) |
	      ((word - each * 0x20) & ~word);
	hit &= each * 0x80;
	return hit ? (size_t)__builtin_ctzll(hit) / 8 : KB_SPECIAL_STEP;
}

#endif
