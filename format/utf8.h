/* UTF-8 as RFC 3629 and table 3-7 of the Unicode standard have it. */
#ifndef KB_FORMAT_UTF8_H
#define KB_FORMAT_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No overlong form, no surrogate, nothing above U+10FFFF, nothing cut off. */
bool
kb_utf8_valid(const uint8_t *s, size_t n);

/*
 * Writes code point c (<= U+10FFFF, no surrogate) at out, which has room for
 * four bytes; returns how many were written.
 */
size_t
kb_utf8_write(uint8_t *out, uint32_t c);

#endif
