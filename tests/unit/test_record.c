#include "format/record.h"

#include <errno.h>

#include "format/batch.h"
#include "suite.h"

static struct kb_buf raw;

/* The parts of a record; put() frames them, right or wrong. */
struct parts {
	int64_t time_delta;
	int64_t offset_delta;
	const char *key; /* NULL is null */
	const char *value;
	const char *headers; /* encoded */
	size_t headers_len;
	int64_t header_count;
	int64_t lie; /* added to the record's length */
};

static void
put_text(struct kb_buf *to, const char *s)
{
	ck_ok(kb_buf_put_varint(to, s ? (int64_t)strlen(s) : -1));
	if (s)
		ck_ok(kb_buf_put(to, s, strlen(s)));
}

static void
put(struct parts p)
{
	struct kb_buf body = {0};

	ck_ok(kb_buf_put_i8(&body, 0x5a)); /* attributes mean nothing */
	ck_ok(kb_buf_put_varint(&body, p.time_delta));
	ck_ok(kb_buf_put_varint(&body, p.offset_delta));
	put_text(&body, p.key);
	put_text(&body, p.value);
	ck_ok(kb_buf_put_varint(&body, p.header_count));
	ck_ok(kb_buf_put(&body, p.headers, p.headers_len));
	ck_ok(kb_buf_put_varint(&raw, (int64_t)body.len + p.lie));
	ck_ok(kb_buf_put(&raw, body.data, body.len));
	kb_buf_release(&body);
}

static struct kb_records
walk(int32_t count)
{
	const struct kb_batch b = {.base_offset = 100,
		.base_timestamp = 5000,
		.max_timestamp = 9000,
		.last_offset_delta = 10,
		.count = count};
	struct kb_records it;

	kb_records_init(&it, &b, kb_buf_slice(&raw));
	return it;
}

static int
next_of_one(void)
{
	struct kb_records it = walk(1);
	struct kb_record r;
	int n = kb_records_next(&it, &r);

	kb_buf_clear(&raw);
	return n;
}

START_TEST(records__come_in_order_with_null_and_empty_told_apart)
{
	struct kb_records it;
	struct kb_record r;

	put((struct parts){.key = NULL, .value = ""});
	put((struct parts){.key = "",
		.value = NULL,
		.time_delta = -5001,
		.offset_delta = 3});
	put((struct parts){.key = "k",
		.value = "value",
		.time_delta = 1LL << 40,
		.offset_delta = 10});
	it = walk(3);
	ck_ok(kb_records_next(&it, &r));
	ck_assert_int_eq(r.offset, 100);
	ck_assert_int_eq(r.timestamp, 5000);
	ck_assert(!r.logappend);
	ck_assert_ptr_null(r.key.data);
	ck_assert_ptr_nonnull(r.value.data);
	ck_assert_uint_eq(r.value.len, 0);
	ck_ok(kb_records_next(&it, &r));
	ck_assert_int_eq(r.offset, 103);
	ck_assert_int_eq(r.timestamp, -1);
	ck_assert_ptr_nonnull(r.key.data);
	ck_assert_ptr_null(r.value.data);
	ck_ok(kb_records_next(&it, &r));
	ck_assert_int_eq(r.offset, 110);
	ck_assert_int_eq(r.timestamp, 5000 + (1LL << 40));
	ck_assert_uint_eq(r.value.len, 5);
	ck_assert_mem_eq(r.value.data, "value", 5);
	ck_assert_int_eq(kb_records_next(&it, &r), 1);
	ck_assert_int_eq(kb_records_next(&it, &r), 1);
}
END_TEST

START_TEST(records__take_the_append_time_of_the_batch)
{
	struct kb_records it;
	struct kb_record r;

	put((struct parts){.time_delta = 77});
	it = walk(1);
	it.logappend = true;
	ck_ok(kb_records_next(&it, &r));
	ck_assert_int_eq(r.timestamp, 9000);
	ck_assert(r.logappend);
}
END_TEST

START_TEST(records__keep_headers_in_order_with_duplicates)
{
	struct kb_buf h = {0};
	struct kb_slice name, value;
	struct kb_headers hs;
	struct kb_records it;
	struct kb_record r;

	ck_ok(kb_headers_put(&h, kb_slice_str("a"), kb_slice_str("1")));
	ck_ok(kb_headers_put(&h, kb_slice_str("a"), kb_slice_str("")));
	ck_ok(kb_headers_put(&h, kb_slice_str(""), (struct kb_slice){0}));
	put((struct parts){.headers = (char *)h.data,
		.headers_len = h.len,
		.header_count = 3});
	it = walk(1);
	ck_ok(kb_records_next(&it, &r));
	ck_assert_uint_eq(r.header_count, 3);
	ck_assert_uint_eq(r.headers.len, h.len);
	kb_headers_init(&hs, &r);
	ck_ok(kb_headers_next(&hs, &name, &value));
	ck_assert_mem_eq(name.data, "a", 1);
	ck_assert_mem_eq(value.data, "1", 1);
	ck_ok(kb_headers_next(&hs, &name, &value));
	ck_assert_uint_eq(name.len, 1);
	ck_assert_uint_eq(value.len, 0);
	ck_assert_ptr_nonnull(value.data);
	ck_ok(kb_headers_next(&hs, &name, &value));
	ck_assert_uint_eq(name.len, 0);
	ck_assert_ptr_nonnull(name.data);
	ck_assert_ptr_null(value.data);
	ck_assert_int_eq(kb_headers_next(&hs, &name, &value), 1);
	kb_buf_release(&h);
}
END_TEST

START_TEST(records__refuse_a_length_that_is_not_used_exactly)
{
	put((struct parts){.key = "k", .value = "v"});
	ck_ok(next_of_one());
	put((struct parts){.key = "k", .value = "v", .lie = 1});
	ck_ok(kb_buf_put(&raw, "\0\0", 2));
	ck_assert_int_eq(next_of_one(), -EBADMSG);
	put((struct parts){.key = "k", .value = "v", .lie = -1});
	ck_assert_int_eq(next_of_one(), -EBADMSG);
	put((struct parts){.key = "k", .value = "v", .lie = -100});
	ck_assert_int_eq(next_of_one(), -EBADMSG);
	put((struct parts){.key = "k", .lie = INT64_MAX / 2});
	ck_assert_int_eq(next_of_one(), -EBADMSG);
}
END_TEST

START_TEST(records__refuse_offsets_that_do_not_rise_or_fit)
{
	static const int64_t bad[] = {-1, 11, INT64_MAX, INT64_MIN};
	struct kb_records it;
	struct kb_record r;

	for (size_t i = 0; i < 4; i++) {
		put((struct parts){.offset_delta = bad[i]});
		ck_assert_int_eq(next_of_one(), -EBADMSG);
	}
	put((struct parts){.offset_delta = 4});
	put((struct parts){.offset_delta = 4});
	it = walk(2);
	ck_ok(kb_records_next(&it, &r));
	ck_assert_int_eq(kb_records_next(&it, &r), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(kb_err_text(), "does not rise"));
}
END_TEST

START_TEST(records__refuse_a_timestamp_that_overflows)
{
	put((struct parts){.time_delta = INT64_MAX - 5000});
	ck_ok(next_of_one());
	put((struct parts){.time_delta = INT64_MAX - 4999});
	ck_assert_int_eq(next_of_one(), -EBADMSG);
}
END_TEST

START_TEST(records__refuse_implausible_header_counts)
{
	static const int64_t bad[] = {-1, 1, 2, INT32_MAX, INT64_MAX};

	for (size_t i = 0; i < 5; i++) {
		put((struct parts){.header_count = bad[i]});
		ck_assert_int_eq(next_of_one(), -EBADMSG);
	}
	/* two bytes a header, but what they say does not fit */
	put((struct parts){
		.header_count = 2, .headers = "\4\4\4\4", .headers_len = 4});
	ck_assert_int_eq(next_of_one(), -EBADMSG);
	/* a null name */
	put((struct parts){
		.header_count = 1, .headers = "\1\1", .headers_len = 2});
	ck_assert_int_eq(next_of_one(), -EBADMSG);
	/* one header more than counted */
	put((struct parts){
		.header_count = 1, .headers = "\0\0\0\0", .headers_len = 4});
	ck_assert_int_eq(next_of_one(), -EBADMSG);
}
END_TEST

START_TEST(records__refuse_bytes_left_over_and_records_missing)
{
	struct kb_records it;
	struct kb_record r;

	put((struct parts){.value = "v"});
	it = walk(0);
	ck_assert_int_eq(kb_records_next(&it, &r), -EBADMSG);
	it = walk(2);
	ck_ok(kb_records_next(&it, &r));
	ck_assert_int_eq(kb_records_next(&it, &r), -EBADMSG);
	it = walk(INT32_MAX);
	ck_ok(kb_records_next(&it, &r));
	ck_assert_int_eq(kb_records_next(&it, &r), -EBADMSG);
}
END_TEST

START_TEST(records__survive_truncation_at_every_length)
{
	struct kb_slice all;

	put((struct parts){.key = "key",
		.value = "value",
		.time_delta = 1000,
		.offset_delta = 1,
		.header_count = 2,
		.headers = "\2a\2b\2a\1",
		.headers_len = 7});
	all = kb_buf_slice(&raw);
	for (; raw.len; raw.len--) {
		struct kb_records it = walk(1);
		struct kb_record r;

		ck_assert_int_eq(kb_records_next(&it, &r),
			raw.len == all.len ? 0 : -EBADMSG);
	}
}
END_TEST

KB_SUITE("record", records__come_in_order_with_null_and_empty_told_apart,
	records__take_the_append_time_of_the_batch,
	records__keep_headers_in_order_with_duplicates,
	records__refuse_a_length_that_is_not_used_exactly,
	records__refuse_offsets_that_do_not_rise_or_fit,
	records__refuse_a_timestamp_that_overflows,
	records__refuse_implausible_header_counts,
	records__refuse_bytes_left_over_and_records_missing,
	records__survive_truncation_at_every_length)
