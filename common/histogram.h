/*
 * Latencies counted in buckets whose width grows with the value: fixed memory,
 * no lock, any thread adds and looks at any time.
 */
#ifndef KB_COMMON_HISTOGRAM_H
#define KB_COMMON_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

#define KB_HISTOGRAM_DECADES 8
#define KB_HISTOGRAM_BUCKETS (101 + 90 * KB_HISTOGRAM_DECADES)

/* Larger values count as this one: 10,000 s when they are microseconds. */
#define KB_HISTOGRAM_MAX UINT64_C(10000000000)

/* {0} is empty. */
struct kb_histogram {
	atomic_uint_fast64_t buckets[KB_HISTOGRAM_BUCKETS];
	atomic_uint_fast64_t sum;
};

/* A negative value counts as 0. */
void
kb_histogram_add(struct kb_histogram *h, int64_t value);

uint64_t
kb_histogram_count(const struct kb_histogram *h);

/* Of the values as given, but for KB_HISTOGRAM_MAX. */
uint64_t
kb_histogram_sum(const struct kb_histogram *h);

/*
 * The value that a share q of all values does not exceed, rounded up to two
 * significant digits; 0 when there are none. q: 0 to 1.
 */
uint64_t
kb_histogram_quantile(const struct kb_histogram *h, double q);

/*
 * How many values do not exceed `bound`; exact when that has two significant
 * digits, else it is rounded up to them. What is asked later, or for a larger
 * bound, is never less.
 */
uint64_t
kb_histogram_upto(const struct kb_histogram *h, uint64_t bound);

#endif
