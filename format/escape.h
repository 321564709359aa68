/* Bytes as they stand inside a JSON string. */
#ifndef KB_FORMAT_ESCAPE_H
#define KB_FORMAT_ESCAPE_H

#include <stddef.h>
#include <stdint.h>

/*
 * What follows the backslash: 'u' stands for \u00XX, 0 for a byte that needs
 * no escape.
 */
extern const char kb_escape_letter[128];

/* A store may touch so many bytes behind the text. */
#define KB_ESCAPE_SLACK 32

/*
 * Writes s with its escapes; out has room for them and KB_ESCAPE_SLACK more.
 * Returns the text's end. Nothing outside of s is read.
 */
char *
kb_escape_put(char *out, const uint8_t *s, size_t n);

/* The same with no instruction that a machine may lack. */
char *
kb_escape_put_plain(char *out, const uint8_t *s, size_t n);

#endif
