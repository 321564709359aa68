/*
 * What strings of bytes hold, looked at 32 bytes at a time where the machine
 * can do that (AVX2), and at all of it elsewhere in loops that a compiler may
 * widen. Both give the same answers.
 */
#ifndef KB_FORMAT_WIDE_H
#define KB_FORMAT_WIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The fewest bytes that the functions below take: a step, and three before. */
#define KB_WIDE_MIN 35

struct kb_wide_look {
	size_t quoted; /* quotes and backslashes */
	bool control;  /* a byte is below a space */
	bool high;     /* a byte is above ASCII */
};

/* May the other functions be called on this machine? */
bool
kb_wide_here(void);

/* n >= KB_WIDE_MIN */
void
kb_wide_look_at(const uint8_t *s, size_t n, struct kb_wide_look *out);

/* Is it UTF-8? As kb_utf8_valid(), for n >= KB_WIDE_MIN. */
bool
kb_wide_utf8(const uint8_t *s, size_t n);

#endif
