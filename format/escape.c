/*
 * Sixteen bytes at a time, where the machine can shuffle bytes. Of each eight,
 * a mask says which need a backslash; a table has the shuffle for each of the
 * 256 masks, which spreads the eight over sixteen places and takes the
 * backslashes from a spare lane. Where the next eight go is known from the
 * mask alone, so there is no branch for a quote, however many there are.
 *
 * 1. Control characters with a letter of their own become that letter first;
 *    the others, six bytes each, are rare and take the plain way.
 */
#include "format/escape.h"

#include <stdbool.h>
#include <string.h>

#include "format/special.h"

#define GROUP 16

const char kb_escape_letter[128] = {
	[0x00 ... 0x07] = 'u',
	['\b'] = 'b',
	['\t'] = 't',
	['\n'] = 'n',
	['\v'] = 'u',
	['\f'] = 'f',
	['\r'] = 'r',
	[0x0e ... 0x1f] = 'u',
	['"'] = '"',
	['\\'] = '\\',
};

/* ---- any machine ---- */

static char *
put_one(char *out, uint8_t c)
{
	static const char hex[] = "0123456789ABCDEF";

	*out++ = '\\';
	*out++ = kb_escape_letter[c];
	if (kb_escape_letter[c] == 'u') {
		*out++ = '0';
		*out++ = '0';
		*out++ = hex[c >> 4];
		*out++ = hex[c & 15];
	}
	return out;
}

/* Eight bytes are stored at a time; what is too much is overwritten. */
char *
kb_escape_put_plain(char *out, const uint8_t *s, size_t n)
{
	const uint8_t *end = s + n;

	while (end - s >= KB_SPECIAL_STEP) {
		size_t plain = kb_special_find(s);

		memcpy(out, s, KB_SPECIAL_STEP);
		s += plain;
		out += plain;
		if (plain < KB_SPECIAL_STEP)
			out = put_one(out, *s++);
	}
	for (; s < end; s++) {
		if (*s < 0x80 && kb_escape_letter[*s])
			out = put_one(out, *s);
		else
			*out++ = (char)*s;
	}
	return out;
}

/* ---- SSSE3 ---- */

#if defined(__x86_64__)

#include <tmmintrin.h>

#define SHUFFLES __attribute__((target("ssse3,popcnt")))
#define SPARE 8 /* the lane that holds a backslash */

static uint8_t spread[256][GROUP];
static bool shuffles;

/* Before main(), so that nobody has to ask whether it was done. */
static void __attribute__((constructor)) fill_spread(void)
{
	for (unsigned mask = 0; mask < 256; mask++) {
		uint8_t *to = spread[mask];

		for (uint8_t i = 0; i < 8; i++) {
			if (mask >> i & 1)
				*to++ = SPARE;
			*to++ = i;
		}
	}
	__builtin_cpu_init();
	shuffles = __builtin_cpu_supports("ssse3") &&
		   __builtin_cpu_supports("popcnt");
}

/* Eight bytes, spread out; above them v has backslashes. */
SHUFFLES static inline void
store_spread(char *out, __m128i v, unsigned mask)
{
	const __m128i *way = (const __m128i *)spread[mask];

	_mm_storeu_si128(
		(__m128i *)out, _mm_shuffle_epi8(v, _mm_loadu_si128(way)));
}

/* A group of which n bytes count; NULL: one of them is \u00XX. */
SHUFFLES static inline __attribute__((always_inline)) char *
put_group(char *out, __m128i v, unsigned n)
{
	const __m128i letters = _mm_setr_epi8(
		0, 0, 0, 0, 0, 0, 0, 0, 'b', 't', 'n', 0, 'f', 'r', 0, 0);
	const __m128i backslashes = _mm_set1_epi8('\\');
	unsigned counted = (1u << n) - 1;
	__m128i control, letter, special;
	unsigned mask;

	control = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);
	special = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')),
		_mm_cmpeq_epi8(v, backslashes));
	mask = (unsigned)_mm_movemask_epi8(control) & counted;
	if (mask) {
		/* of indices from 0x70 on the shuffle makes none */
		letter = _mm_shuffle_epi8(
			letters, _mm_adds_epu8(v, _mm_set1_epi8(0x70)));
		if (mask & ~(unsigned)_mm_movemask_epi8(
				   _mm_cmpgt_epi8(letter, _mm_setzero_si128())))
			return NULL;
		v = _mm_or_si128(_mm_andnot_si128(control, v), letter);
		special = _mm_or_si128(special, control);
	}
	mask = (unsigned)_mm_movemask_epi8(special) & counted;
	store_spread(out, _mm_unpacklo_epi64(v, backslashes), mask & 0xff);
	store_spread(out + 8 + __builtin_popcount(mask & 0xff),
		_mm_unpackhi_epi64(v, backslashes), mask >> 8);
	return out + n + __builtin_popcount(mask);
}

SHUFFLES static char *
put_shuffled(char *out, const uint8_t *s, size_t n)
{
	uint8_t rest[GROUP] = {0};
	char *end;

	for (; n >= GROUP; n -= GROUP) {
		end = put_group(
			out, _mm_loadu_si128((const __m128i *)s), GROUP);
		out = end ? end : kb_escape_put_plain(out, s, GROUP);
		s += GROUP;
	}
	if (n == 0)
		return out;
	memcpy(rest, s, n);
	end = put_group(
		out, _mm_loadu_si128((const __m128i *)rest), (unsigned)n);
	return end ? end : kb_escape_put_plain(out, s, n);
}

char *
kb_escape_put(char *out, const uint8_t *s, size_t n)
{
	return shuffles ? put_shuffled(out, s, n)
			: kb_escape_put_plain(out, s, n);
}

#else

char *
kb_escape_put(char *out, const uint8_t *s, size_t n)
{
	return kb_escape_put_plain(out, s, n);
}

#endif
