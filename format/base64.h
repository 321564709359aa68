/* Base 64 with padding (RFC 4648, section 4), one form for each content. */
#ifndef KB_FORMAT_BASE64_H
#define KB_FORMAT_BASE64_H

#include <stddef.h>
#include <stdint.h>

/* Length of n bytes in base 64. */
static inline uint64_t
kb_base64_size(uint64_t n)
{
	return (n / 3 + (n % 3 != 0)) * 4;
}

/* Writes exactly kb_base64_size(n) characters, no final zero. */
size_t
kb_base64_encode(char *out, const uint8_t *data, size_t n);

/*
 * Writes the bytes that text stands for: at most n / 4 * 3 of them; out may be
 * text itself. 0. 1: not base 64 in its one form (length, alphabet, padding,
 * unused bits); *out_len is then the place in text where that shows.
 */
int
kb_base64_decode(uint8_t *out, const uint8_t *text, size_t n, size_t *out_len);

#endif
