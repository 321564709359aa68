/* Random records, the same in every run, and their comparison. */
#ifndef KB_TESTS_UNIT_RECORDS_H
#define KB_TESTS_UNIT_RECORDS_H

#include "format/record.h"
#include "random.h"
#include "suite.h"

#define RECORDS_MAX 64

struct records {
	struct kb_record r[RECORDS_MAX];
	int count;
	struct kb_buf headers[RECORDS_MAX];
	uint8_t bytes[1 << 18];
	size_t used;
};

static inline void
records_release(struct records *rs)
{
	for (int i = 0; i < RECORDS_MAX; i++)
		kb_buf_release(&rs->headers[i]);
}

/* Null, empty, short or long. */
static inline struct kb_slice
records_bytes(struct records *rs, struct random *rnd)
{
	static const size_t limits[] = {1, 1, 20, 200, 1500};
	size_t kind = random_below(rnd, 5);
	struct kb_slice s = {NULL, 0};

	if (kind == 0)
		return s;
	s.data = rs->bytes + rs->used;
	s.len = random_below(rnd, limits[kind]);
	ck_assert_uint_le(s.len, sizeof(rs->bytes) - rs->used);
	random_fill(rnd, rs->bytes + rs->used, s.len);
	rs->used += s.len;
	return s;
}

static inline int64_t
records_time(struct random *rnd)
{
	static const int64_t times[] = {-1, 0, 1, 1700000000000, 4102444800000,
		INT64_MAX / 2, -62135596800000};

	return times[random_below(rnd, 7)] + (int64_t)random_below(rnd, 2);
}

/* 1..RECORDS_MAX records from offset `first` up, gaps now and then. */
static inline void
records_make(struct records *rs, struct random *rnd, int64_t first)
{
	rs->count = 1 + (int)random_below(rnd, RECORDS_MAX);
	rs->used = 0;
	for (int i = 0; i < rs->count; i++) {
		struct kb_record *r = &rs->r[i];
		size_t headers = random_below(rnd, 8);

		*r = (struct kb_record){.offset = first};
		first += 1 + (int64_t)(random_below(rnd, 4)
					       ? 0
					       : random_below(rnd, 100000));
		r->timestamp = records_time(rnd);
		r->key = records_bytes(rs, rnd);
		r->value = records_bytes(rs, rnd);
		kb_buf_clear(&rs->headers[i]);
		ck_ok(kb_buf_reserve(&rs->headers[i], 1));
		for (; r->header_count + 4 < headers; r->header_count++)
			ck_ok(kb_headers_put(&rs->headers[i],
				records_bytes(rs, rnd),
				records_bytes(rs, rnd)));
		r->headers = kb_buf_slice(&rs->headers[i]);
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
	records_same_bytes(a->headers, b->headers);
}

#endif
