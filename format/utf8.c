/*
 * Every byte is judged by itself and the three before it, without a branch:
 * the compiler makes wide instructions of that, and text of any script takes
 * the same time.
 *
 * 1. A byte continues a sequence if and only if one of the three before it
 *    asks for that: one before from 0xc0, two from 0xe0, three from 0xf0.
 * 2. Zeros stand before the first byte and behind the last one, which thus
 *    may not ask for more.
 */
#include "format/utf8.h"

#include <string.h>

#include "format/wide.h"

#define BEFORE 3  /* bytes that a byte is judged by */
#define STEP 64	  /* what is judged at once */
#define RUN 16384 /* bytes between two looks whether all is well */

/* Not 0: a byte of s is wrong. n is whole steps; s[-BEFORE] is there. */
static uint8_t
judge(const uint8_t *s, size_t n)
{
	uint8_t wrong = 0;

	for (size_t i = 0; i < n; i++) {
		uint8_t c = s[i], p1 = s[i - 1], p2 = s[i - 2], p3 = s[i - 3];
		bool continues = (c & 0xc0) == 0x80;
		bool should = (p1 >= 0xc0) | (p2 >= 0xe0) | (p3 >= 0xf0);

		wrong |= continues != should;
		wrong |= ((c & 0xfe) == 0xc0) | (c > 0xf4);
		wrong |= (p1 == 0xe0) & (c < 0xa0); /* shorter would do */
		wrong |= (p1 == 0xf0) & (c < 0x90);
		wrong |= (p1 == 0xed) & (c > 0x9f); /* surrogates */
		wrong |= (p1 == 0xf4) & (c > 0x8f); /* above U+10FFFF */
	}
	return wrong;
}

/* The first step and the last, which zeros surround. */
static uint8_t
judge_edge(const uint8_t *s, size_t before, size_t n)
{
	uint8_t edge[BEFORE + STEP] = {0};

	memcpy(edge + BEFORE - before, s - before, before + n);
	return judge(edge + BEFORE, STEP);
}

bool
kb_utf8_valid(const uint8_t *s, size_t n)
{
	size_t i = STEP, run;

	if (n >= KB_WIDE_MIN && kb_wide_here())
		return kb_wide_utf8(s, n);
	if (n < STEP)
		return n == 0 || !judge_edge(s, 0, n);
	if (judge_edge(s, 0, STEP))
		return false;
	for (; n - i >= STEP; i += run) {
		run = n - i < RUN ? (n - i) / STEP * STEP : RUN;
		if (judge(s + i, run))
			return false;
	}
	return !judge_edge(s + i, BEFORE, n - i);
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
