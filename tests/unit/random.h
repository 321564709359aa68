/* Random bytes that are the same in every run (xorshift64). */
#ifndef KB_TESTS_UNIT_RANDOM_H
#define KB_TESTS_UNIT_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct random {
	uint64_t state; /* not 0 */
};

static inline uint64_t
random_next(struct random *r)
{
	r->state ^= r->state << 13;
	r->state ^= r->state >> 7;
	r->state ^= r->state << 17;
	return r->state;
}

/* 0 <= result < n */
static inline size_t
random_below(struct random *r, size_t n)
{
	return (size_t)((random_next(r) >> 11) % n);
}

/* Half words from a small alphabet, half anything: it compresses a bit. */
static inline void
random_fill(struct random *r, uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		uint64_t v = random_next(r) >> 20;

		p[i] = (uint8_t)v;
		if (v & 0x100)
			p[i] = (uint8_t) "kafka \"\\\n"[v % 9];
	}
}

#endif
