/*
 * Buckets are decimal, two significant digits each: 0, 1, ..., 100, 110, ...,
 * 1000, 1100 and so on, and a bucket holds what lies above the one before, up
 * to and including its own value. So a quantile is at most a tenth too large,
 * and bounds that people like (2.5 ms) are bounds of buckets.
 */
#include "common/histogram.h"

#include <stddef.h>

static size_t
bucket_of(uint64_t value)
{
	uint64_t scale = 1;
	size_t decade = 0;

	if (value > KB_HISTOGRAM_MAX)
		value = KB_HISTOGRAM_MAX;
	while (value > 100 * scale) {
		scale *= 10;
		decade++;
	}
	value = (value + scale - 1) / scale;
	return decade ? 101 + (decade - 1) * 90 + (size_t)value - 11
		      : (size_t)value;
}

/* The largest value that it holds. */
static uint64_t
bound_of(size_t bucket)
{
	uint64_t scale = 1;

	while (bucket > 100) {
		bucket -= 90;
		scale *= 10;
	}
	return bucket * scale;
}

static uint64_t
get(const struct kb_histogram *h, size_t bucket)
{
	return atomic_load_explicit(&h->buckets[bucket], memory_order_relaxed);
}

void
kb_histogram_add(struct kb_histogram *h, int64_t value)
{
	uint64_t v = value > 0 ? (uint64_t)value : 0;

	if (v > KB_HISTOGRAM_MAX)
		v = KB_HISTOGRAM_MAX;
	atomic_fetch_add_explicit(
		&h->buckets[bucket_of(v)], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&h->sum, v, memory_order_relaxed);
}

uint64_t
kb_histogram_count(const struct kb_histogram *h)
{
	return kb_histogram_upto(h, KB_HISTOGRAM_MAX);
}

uint64_t
kb_histogram_sum(const struct kb_histogram *h)
{
	return atomic_load_explicit(&h->sum, memory_order_relaxed);
}

uint64_t
kb_histogram_quantile(const struct kb_histogram *h, double q)
{
	double rank = q * (double)kb_histogram_count(h);
	uint64_t seen = 0, bound = 0;

	for (size_t i = 0; i < KB_HISTOGRAM_BUCKETS; i++) {
		uint64_t n = get(h, i);

		if (!n)
			continue;
		seen += n;
		bound = bound_of(i);
		if ((double)seen >= rank)
			break;
	}
	return bound;
}

uint64_t
kb_histogram_upto(const struct kb_histogram *h, uint64_t bound)
{
	size_t last = bucket_of(bound);
	uint64_t n = 0;

	for (size_t i = 0; i <= last; i++)
		n += get(h, i);
	return n;
}
