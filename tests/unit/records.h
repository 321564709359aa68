/* A row of samples with rising offsets, as a batch has them. */
#ifndef KB_TESTS_UNIT_RECORDS_H
#define KB_TESTS_UNIT_RECORDS_H

#include "sample.h"
#include "suite.h"

#define RECORDS_MAX 64

struct records {
	struct sample s[RECORDS_MAX];
	int count;
};

static inline void
records_release(struct records *rs)
{
	for (int i = 0; i < RECORDS_MAX; i++)
		sample_release(&rs->s[i]);
}

/*
 * 1..RECORDS_MAX CreateTime records from offset `first` up, gaps now and then;
 * no two times are too far apart for one batch.
 */
static inline void
records_make(struct records *rs, struct random *rnd, int64_t first)
{
	rs->count = 1 + (int)random_below(rnd, RECORDS_MAX);
	for (int i = 0; i < rs->count; i++) {
		struct kb_record *r = &rs->s[i].record;

		rs->s[i].random.state = random_next(rnd);
		sample_next(&rs->s[i]);
		r->offset = first++;
		r->timestamp /= 2;
		r->logappend = false;
		if (!random_below(rnd, 4))
			first += (int64_t)random_below(rnd, 100000);
	}
}

static inline void
records_same_bytes(struct kb_slice a, struct kb_slice b)
{
	ck_assert_uint_eq(a.len, b.len);
	ck_assert_int_eq(!a.data, !b.data);
	ck_assert(!a.len || !memcmp(a.data, b.data, a.len));
}

static inline void
records_same(const struct kb_record *a, const struct kb_record *b)
{
	ck_assert_int_eq(a->offset, b->offset);
	ck_assert_int_eq(a->timestamp, b->timestamp);
	ck_assert_int_eq(a->logappend, b->logappend);
	ck_assert_uint_eq(a->header_count, b->header_count);
	records_same_bytes(a->key, b->key);
	records_same_bytes(a->value, b->value);
	ck_assert_uint_eq(a->headers.len, b->headers.len);
	ck_assert(!a->headers.len ||
		  !memcmp(a->headers.data, b->headers.data, a->headers.len));
}

#endif
