/*
 * JSON (RFC 8259), as much as a line of the text view needs: objects and
 * arrays by their punctuation, strings, whole numbers, null. Strings are
 * bytes: what is not UTF-8 inside one is taken as it is.
 */
#ifndef KB_FORMAT_JSON_H
#define KB_FORMAT_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"

/* A place in a text. Copy it to be able to go back. */
struct kb_json {
	const uint8_t *start;
	const uint8_t *at;
	const uint8_t *end;
	const uint8_t *fault; /* where the first error shows */
	uint8_t *spare;	      /* where strings with escapes are put */
};

/*
 * Begins to read text. spare has room for as many bytes as text has; strings
 * borrow it, or text.
 */
void
kb_json_init(struct kb_json *j, struct kb_slice text, uint8_t *spare);

/* -EINVAL with a sentence; `fault` is set to `at`. */
int
kb_json_fail(struct kb_json *j, const uint8_t *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The first byte of the next token, not taken; -1 at the end. */
int
kb_json_peek(struct kb_json *j);

/* Takes the next token if it is this character. */
bool
kb_json_accept(struct kb_json *j, char c);

/* The same, or -EINVAL that says `what` was expected. */
int
kb_json_expect(struct kb_json *j, char c, const char *what);

/* 0: took a string. Never null. -EINVAL. */
int
kb_json_string(struct kb_json *j, struct kb_slice *out);

/* 0: took a whole number of 64 bits. -EINVAL for any other. */
int
kb_json_number(struct kb_json *j, int64_t *out);

/* 0: took `null`. -EINVAL. */
int
kb_json_null(struct kb_json *j);

#endif
