/*
 * The last step of a string is its last 32 bytes, some of which the step
 * before has seen: nothing is copied, nothing read that is not there.
 *
 * UTF-8 is judged as in format/utf8.c, each byte by itself and the three
 * before it, all at once. Most rules are about two neighbours, and of these
 * about the first one's halves and the second one's upper half: each half is
 * looked up in a table of the rules that it may break, and what all three
 * tables say is broken. That two continuations follow each other is right if
 * and only if a lead two or three bytes before asks for it.
 */
#include "format/wide.h"

#include <immintrin.h>

#define STEP 32
#define COUNT_MAX 255

#define WIDE __attribute__((target("avx2")))

bool
kb_wide_here(void)
{
	return __builtin_cpu_supports("avx2");
}

WIDE static inline __m256i
load(const uint8_t *s)
{
	return _mm256_loadu_si256((const __m256i *)s);
}

WIDE static inline __m256i
all(uint8_t c)
{
	return _mm256_set1_epi8((char)c);
}

/* ---- escapes ---- */

/* 0xff for a quote or a backslash. */
WIDE static inline __m256i
quoted(__m256i c)
{
	return _mm256_or_si256(_mm256_cmpeq_epi8(c, all('"')),
		_mm256_cmpeq_epi8(c, all('\\')));
}

WIDE static inline size_t
sum(__m256i bytes)
{
	__m256i n = _mm256_sad_epu8(bytes, _mm256_setzero_si256());
	__m128i half = _mm_add_epi64(
		_mm256_castsi256_si128(n), _mm256_extracti128_si256(n, 1));

	return (size_t)(_mm_cvtsi128_si64(half) + _mm_extract_epi64(half, 1));
}

WIDE void
kb_wide_look_at(const uint8_t *s, size_t n, struct kb_wide_look *out)
{
	__m256i high = _mm256_setzero_si256(), lowest = all(0xff), c, count;
	size_t i = 0, total = 0;
	uint32_t last;

	while (n - i >= STEP) {
		size_t most = (n - i) / STEP;

		count = _mm256_setzero_si256();
		if (most > COUNT_MAX)
			most = COUNT_MAX;
		for (; most; most--, i += STEP) {
			c = load(s + i);
			count = _mm256_sub_epi8(count, quoted(c));
			lowest = _mm256_min_epu8(lowest, c);
			high = _mm256_or_si256(high, c);
		}
		total += sum(count);
	}
	if (i < n) {
		c = load(s + n - STEP);
		last = (uint32_t)_mm256_movemask_epi8(quoted(c));
		last >>= STEP - (n - i); /* without those counted already */
		total += (size_t)__builtin_popcount(last);
		lowest = _mm256_min_epu8(lowest, c);
		high = _mm256_or_si256(high, c);
	}
	/* equal to the smaller of itself and 0x1f: below a space */
	c = _mm256_cmpeq_epi8(_mm256_min_epu8(lowest, all(0x1f)), lowest);
	out->quoted = total;
	out->control = _mm256_movemask_epi8(c) != 0;
	out->high = _mm256_movemask_epi8(high) != 0;
}

/* ---- UTF-8 ---- */

/* What two neighbours may have done wrong. */
enum {
	SHORT = 0x01,	  /* a lead, then no continuation */
	LONG = 0x02,	  /* ASCII, then a continuation */
	OVERLONG2 = 0x04, /* 0xc0 or 0xc1 */
	OVERLONG3 = 0x08, /* 0xe0, below 0xa0 */
	SURROGATE = 0x10, /* 0xed, from 0xa0 */
	OVERLONG4 = 0x20, /* 0xf0, below 0x90 */
	LARGE = 0x40,	  /* 0xf4, from 0x90 */
	TWO = 0x80,	  /* two continuations */
	ANY = SHORT | LONG | TWO,
	CONTINUES = LONG | TWO | OVERLONG2,
};

static const uint8_t upper_first[16] = {
	[0x0 ... 0x7] = LONG,
	[0x8 ... 0xb] = TWO,
	[0xc] = SHORT | OVERLONG2,
	[0xd] = SHORT,
	[0xe] = SHORT | OVERLONG3 | SURROGATE,
	[0xf] = SHORT | OVERLONG4 | LARGE,
};

static const uint8_t lower_first[16] = {
	[0x0] = ANY | OVERLONG2 | OVERLONG3 | OVERLONG4,
	[0x1] = ANY | OVERLONG2,
	[0x2 ... 0x3] = ANY,
	[0x4] = ANY | LARGE,
	[0x5 ... 0xc] = ANY,
	[0xd] = ANY | SURROGATE,
	[0xe ... 0xf] = ANY,
};

static const uint8_t upper_second[16] = {
	[0x0 ... 0x7] = SHORT,
	[0x8] = CONTINUES | OVERLONG3 | OVERLONG4,
	[0x9] = CONTINUES | OVERLONG3 | LARGE,
	[0xa ... 0xb] = CONTINUES | SURROGATE | LARGE,
	[0xc ... 0xf] = SHORT,
};

WIDE static inline __m256i
look_up(const uint8_t table[16], __m256i half)
{
	__m128i t = _mm_loadu_si128((const __m128i *)table);

	return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(t), half);
}

WIDE static inline __m256i
lower(__m256i c)
{
	return _mm256_and_si256(c, all(0x0f));
}

WIDE static inline __m256i
upper(__m256i c)
{
	return lower(_mm256_srli_epi16(c, 4));
}

/* Not 0: a byte of c is wrong; p1, p2, p3: those one, two, three before. */
WIDE static inline __m256i
judge(__m256i c, __m256i p1, __m256i p2, __m256i p3)
{
	__m256i pair, asks;

	pair = _mm256_and_si256(look_up(upper_first, upper(p1)),
		look_up(lower_first, lower(p1)));
	pair = _mm256_and_si256(pair, look_up(upper_second, upper(c)));
	/* from 0x80 only for leads of three or four, of four */
	asks = _mm256_or_si256(_mm256_subs_epu8(p2, all(0xe0 - 0x80)),
		_mm256_subs_epu8(p3, all(0xf0 - 0x80)));
	asks = _mm256_and_si256(asks, all(0x80));
	return _mm256_or_si256(
		_mm256_xor_si256(asks, pair), _mm256_subs_epu8(c, all(0xf4)));
}

/* Zeros stand before the first byte. */
WIDE static inline __m256i
judge_first(const uint8_t *s)
{
	__m256i c = load(s), before = _mm256_permute2x128_si256(c, c, 0x08);

	return judge(c, _mm256_alignr_epi8(c, before, 15),
		_mm256_alignr_epi8(c, before, 14),
		_mm256_alignr_epi8(c, before, 13));
}

WIDE static inline __m256i
judge_at(const uint8_t *s)
{
	return judge(load(s), load(s - 1), load(s - 2), load(s - 3));
}

WIDE bool
kb_wide_utf8(const uint8_t *s, size_t n)
{
	__m256i wrong = judge_first(s);
	size_t i;

	for (i = STEP; n - i >= STEP; i += STEP)
		wrong = _mm256_or_si256(wrong, judge_at(s + i));
	if (i < n)
		wrong = _mm256_or_si256(wrong, judge_at(s + n - STEP));
	/* the last bytes may not ask for more */
	return s[n - 1] < 0xc0 && s[n - 2] < 0xe0 && s[n - 3] < 0xf0 &&
	       _mm256_testz_si256(wrong, wrong);
}
