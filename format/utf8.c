/*
 * One sequence at a time, by the ranges its first byte allows for its second;
 * runs of ASCII are skipped eight bytes at a time.
 */
#include "format/utf8.h"

#include <string.h>

#define HIGH_BITS UINT64_C(0x8080808080808080)

/* Length of the well-formed sequence at s (n > 0 bytes), or 0. */
static size_t
sequence(const uint8_t *s, size_t n)
{
	uint8_t low = 0x80, high = 0xbf;
	size_t len;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	len = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (n < len)
		return 0;
	switch (s[0]) {
	case 0xe0: /* shorter would do */
		low = 0xa0;
		break;
	case 0xed: /* surrogates */
		high = 0x9f;
		break;
	case 0xf0: /* shorter would do */
		low = 0x90;
		break;
	case 0xf4: /* above U+10FFFF */
		high = 0x8f;
		break;
	}
	if (s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	return len;
}

bool
kb_utf8_valid(const uint8_t *s, size_t n)
{
	size_t i = 0, len;
	uint64_t word;

	while (i < n) {
		if (n - i >= sizeof(word)) {
			memcpy(&word, s + i, sizeof(word));
			if (!(word & HIGH_BITS)) {
				i += sizeof(word);
				continue;
			}
		}
		len = sequence(s + i, n - i);
		if (!len)
			return false;
		i += len;
	}
	return true;
}

size_t
kb_utf8_write(uint8_t *out, uint32_t c)
{
	if (c < 0x80) {
		out[0] = (uint8_t)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (uint8_t)(0xc0 | c >> 6);
		out[1] = (uint8_t)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (uint8_t)(0xe0 | c >> 12);
		out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		out[2] = (uint8_t)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (uint8_t)(0xf0 | c >> 18);
	out[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
	out[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
	out[3] = (uint8_t)(0x80 | (c & 0x3f));
	return 4;
}
