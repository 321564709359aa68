#include "kafka/fetch.h"

#include <errno.h>

#include "suite.h"

static const struct kb_fetch_limits limits = {
	500, 1, 0x100000, KB_READ_COMMITTED};
static const struct kb_uuid id_a = {{0xa, 0xa}}, id_b = {{0xb, 0xb}};

static const struct kb_fetch_want wants[] = {
	{"a", &id_a, 0, 7, 42, 0x1000},
	{"a", &id_a, 3, -1, 43, 0x1000},
	{"bc", &id_b, 1, 8, 44, 0x1000},
};

static void
check_request(int version, const char *bytes, size_t len)
{
	struct kb_buf out = {0};

	ck_ok(kb_fetch_request_put(&out, version, &limits, wants, 3));
	ck_assert_uint_eq(out.len, len);
	ck_assert_mem_eq(out.data, bytes, len);
	kb_buf_release(&out);
}

#define CHECK_REQUEST(version, bytes)                                          \
	check_request(version, bytes, sizeof(bytes) - 1)

START_TEST(fetch_request__writes_version_4)
{
	CHECK_REQUEST(4, "\xff\xff\xff\xff" /* replica */
			 "\0\0\1\xf4"
			 "\0\0\0\1"
			 "\0\x10\0\0"
			 "\1"
			 "\0\0\0\2" /* topics */
			 "\0\1a"
			 "\0\0\0\2" /* partitions */
			 "\0\0\0\0\0\0\0\0\0\0\0\x2a\0\0\x10\0"
			 "\0\0\0\3\0\0\0\0\0\0\0\x2b\0\0\x10\0"
			 "\0\2bc"
			 "\0\0\0\1"
			 "\0\0\0\1\0\0\0\0\0\0\0\x2c\0\0\x10\0");
}
END_TEST

START_TEST(fetch_request__writes_version_11)
{
	CHECK_REQUEST(11, "\xff\xff\xff\xff\0\0\1\xf4\0\0\0\1\0\x10\0\0\1"
			  "\0\0\0\0\xff\xff\xff\xff" /* no session */
			  "\0\0\0\2"
			  "\0\1a"
			  "\0\0\0\2"
			  "\0\0\0\0\0\0\0\7\0\0\0\0\0\0\0\x2a"
			  "\xff\xff\xff\xff\xff\xff\xff\xff\0\0\x10\0"
			  "\0\0\0\3\xff\xff\xff\xff\0\0\0\0\0\0\0\x2b"
			  "\xff\xff\xff\xff\xff\xff\xff\xff\0\0\x10\0"
			  "\0\2bc"
			  "\0\0\0\1"
			  "\0\0\0\1\0\0\0\x8\0\0\0\0\0\0\0\x2c"
			  "\xff\xff\xff\xff\xff\xff\xff\xff\0\0\x10\0"
			  "\0\0\0\0" /* forgotten */
			  "\0\0" /* rack */);
}
END_TEST

START_TEST(fetch_request__writes_version_13_by_id)
{
	CHECK_REQUEST(13, "\xff\xff\xff\xff\0\0\1\xf4\0\0\0\1\0\x10\0\0\1"
			  "\0\0\0\0\xff\xff\xff\xff"
			  "\3"
			  "\xa\xa\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
			  "\3"
			  "\0\0\0\0\0\0\0\7\0\0\0\0\0\0\0\x2a\xff\xff\xff\xff"
			  "\xff\xff\xff\xff\xff\xff\xff\xff\0\0\x10\0\0"
			  "\0\0\0\3\xff\xff\xff\xff\0\0\0\0\0\0\0\x2b"
			  "\xff\xff\xff\xff"
			  "\xff\xff\xff\xff\xff\xff\xff\xff\0\0\x10\0\0"
			  "\0" /* tags of topic a */
			  "\xb\xb\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
			  "\2"
			  "\0\0\0\1\0\0\0\x8\0\0\0\0\0\0\0\x2c\xff\xff\xff\xff"
			  "\xff\xff\xff\xff\xff\xff\xff\xff\0\0\x10\0\0"
			  "\0"
			  "\1\1\0");
}
END_TEST

START_TEST(fetch_request__has_no_replica_from_version_15)
{
	struct kb_buf v14 = {0}, v15 = {0};

	ck_ok(kb_fetch_request_put(&v14, 14, &limits, wants, 3));
	ck_ok(kb_fetch_request_put(&v15, 15, &limits, wants, 3));
	ck_assert_uint_eq(v15.len, v14.len - 4);
	ck_assert_mem_eq(v15.data, v14.data + 4, v15.len);
	kb_buf_release(&v14);
	kb_buf_release(&v15);
}
END_TEST

static const char answer_4[] = "\0\0\0\x9" /* throttle */
			       "\0\0\0\1"
			       "\0\1a"
			       "\0\0\0\2"
			       "\0\0\0\3\0\0"
			       "\0\0\0\0\0\0\0\x1d\0\0\0\0\0\0\0\x17"
			       "\0\0\0\1"
			       "\0\0\0\0\0\0\3\xe8\0\0\0\0\0\0\0\5"
			       "\0\0\0\3xyz"
			       "\0\0\0\4\0\1"
			       "\xff\xff\xff\xff\xff\xff\xff\xff"
			       "\xff\xff\xff\xff\xff\xff\xff\xff"
			       "\xff\xff\xff\xff"
			       "\xff\xff\xff\xff";

static const char answer_11[] = "\0\0\0\0\0\0\0\0\0\0" /* error, session */
				"\0\0\0\2"
				"\0\1z\0\0\0\0" /* a topic without any */
				"\0\1a"
				"\0\0\0\1"
				"\0\0\0\3\0\0"
				"\0\0\0\0\0\0\0\x1d\0\0\0\0\0\0\0\x17"
				"\0\0\0\0\0\0\0\6"
				"\0\0\0\0"
				"\0\0\0\1" /* preferred replica */
				"\0\0\0\1x";

static const char answer_13[] =
	"\0\0\0\0\0\0\0\0\0\0"
	"\3"
	"\xa\xa\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
	"\2"
	"\0\0\0\3\0\x4a"
	"\0\0\0\0\0\0\0\x1d\0\0\0\0\0\0\0\x17\0\0\0\0\0\0\0\6"
	"\3"
	"\0\0\0\0\0\0\3\xe8\0\0\0\0\0\0\0\5\0"
	"\0\0\0\0\0\0\3\xe9\0\0\0\0\0\0\0\2\1\5\1!" /* a tag */
	"\xff\xff\xff\xff"
	"\3xy"
	"\1\1\x9\0\0\0\2\0\0\0\7\0" /* current leader */
	"\0"
	"\xb\xb\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
	"\2"
	"\0\0\0\0\0\0"
	"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
	"\0"
	"\xff\xff\xff\xff"
	"\0"
	"\0"
	"\0"
	"\0";

#define SLICE(text) kb_slice_of(text, sizeof(text) - 1)

START_TEST(fetch_answer__reads_version_4)
{
	struct kb_fetch_answer a;
	struct kb_fetched f;
	struct kb_aborted aborted[1];

	ck_ok(kb_fetch_answer_init(&a, 4, SLICE(answer_4)));
	ck_assert_int_eq(a.throttle_ms, 9);
	ck_assert_int_eq(a.error, 0);
	ck_ok(kb_fetch_answer_next(&a, &f));
	ck_assert_uint_eq(f.topic.len, 1);
	ck_assert_mem_eq(f.topic.data, "a", 1);
	ck_assert_int_eq(f.partition, 3);
	ck_assert_int_eq(f.error, 0);
	ck_assert_int_eq(f.high_watermark, 29);
	ck_assert_int_eq(f.last_stable, 23);
	ck_assert_int_eq(f.log_start, -1);
	ck_assert_int_eq(f.preferred, -1);
	ck_assert_uint_eq(f.aborted_count, 1);
	kb_fetched_aborted(&f, aborted);
	ck_assert_int_eq(aborted[0].producer_id, 1000);
	ck_assert_int_eq(aborted[0].first_offset, 5);
	ck_assert_uint_eq(f.records.len, 3);
	ck_assert_mem_eq(f.records.data, "xyz", 3);
	ck_ok(kb_fetch_answer_next(&a, &f));
	ck_assert_int_eq(f.error, 1);
	ck_assert_int_eq(f.high_watermark, -1);
	ck_assert_uint_eq(f.aborted_count, 0);
	ck_assert_uint_eq(f.records.len, 0);
	ck_assert_int_eq(kb_fetch_answer_next(&a, &f), 1);
}
END_TEST

START_TEST(fetch_answer__reads_version_11_over_an_empty_topic)
{
	struct kb_fetch_answer a;
	struct kb_fetched f;

	ck_ok(kb_fetch_answer_init(&a, 11, SLICE(answer_11)));
	ck_ok(kb_fetch_answer_next(&a, &f));
	ck_assert_mem_eq(f.topic.data, "a", 1);
	ck_assert_int_eq(f.log_start, 6);
	ck_assert_int_eq(f.preferred, 1);
	ck_assert_uint_eq(f.records.len, 1);
	ck_assert_int_eq(kb_fetch_answer_next(&a, &f), 1);
}
END_TEST

START_TEST(fetch_answer__reads_version_13_and_skips_tags)
{
	struct kb_fetch_answer a;
	struct kb_fetched f;
	struct kb_aborted aborted[2];

	ck_ok(kb_fetch_answer_init(&a, 13, SLICE(answer_13)));
	ck_ok(kb_fetch_answer_next(&a, &f));
	ck_assert_ptr_null(f.topic.data);
	ck_assert(kb_uuid_equal(&f.id, &id_a));
	ck_assert_int_eq(f.error, 74);
	ck_assert_uint_eq(f.aborted_count, 2);
	kb_fetched_aborted(&f, aborted);
	ck_assert_int_eq(aborted[1].producer_id, 1001);
	ck_assert_int_eq(aborted[1].first_offset, 2);
	ck_assert_uint_eq(f.records.len, 2);
	ck_ok(kb_fetch_answer_next(&a, &f));
	ck_assert(kb_uuid_equal(&f.id, &id_b));
	ck_assert_uint_eq(f.records.len, 0);
	ck_assert_int_eq(kb_fetch_answer_next(&a, &f), 1);
}
END_TEST

/* At every alignment, with and without tags between the entries. */
static void
decode_in_place(int version, struct kb_slice whole, const char *records)
{
	struct kb_aborted expected[2];
	uint8_t bytes[256 + 8];

	for (size_t shift = 0; shift < 8; shift++) {
		struct kb_fetch_answer a;
		struct kb_fetched f;
		struct kb_aborted *got;

		memcpy(bytes + shift, whole.data, whole.len);
		ck_ok(kb_fetch_answer_init(
			&a, version, kb_slice_of(bytes + shift, whole.len)));
		ck_ok(kb_fetch_answer_next(&a, &f));
		kb_fetched_aborted(&f, expected);
		got = kb_fetched_in_place(&f);
		ck_assert_uint_eq((uintptr_t)got % sizeof(int64_t), 0);
		kb_fetched_aborted(&f, got);
		ck_assert_mem_eq(got, expected, f.aborted_count * sizeof(*got));
		ck_assert_uint_eq(f.records.len, strlen(records));
		ck_assert_mem_eq(f.records.data, records, f.records.len);
		ck_ok(kb_fetch_answer_next(&a, &f));
		ck_assert_int_eq(kb_fetch_answer_next(&a, &f), 1);
	}
}

START_TEST(fetch_answer__aborted_transactions_fit_in_place)
{
	decode_in_place(4, SLICE(answer_4), "xyz");
	decode_in_place(13, SLICE(answer_13), "xy");
}
END_TEST

static int
walk(int version, struct kb_slice bytes)
{
	struct kb_fetch_answer a;
	struct kb_fetched f;
	int r = kb_fetch_answer_init(&a, version, bytes);

	while (!r)
		r = kb_fetch_answer_next(&a, &f);
	return r;
}

static void
refuse_cut(int version, struct kb_slice whole)
{
	uint8_t more[512] = {0};

	ck_assert_int_eq(walk(version, whole), 1);
	for (size_t n = 0; n < whole.len; n++) {
		/* of its own, so that a sanitizer sees a step outside */
		uint8_t *cut = malloc(n + 1);

		memcpy(cut, whole.data, n);
		ck_assert_int_eq(walk(version, kb_slice_of(cut, n)), -EBADMSG);
		free(cut);
	}
	memcpy(more, whole.data, whole.len);
	ck_assert_int_eq(
		walk(version, kb_slice_of(more, whole.len + 1)), -EBADMSG);
}

START_TEST(fetch_answer__refuses_cut_and_surplus_bytes)
{
	refuse_cut(4, SLICE(answer_4));
	refuse_cut(11, SLICE(answer_11));
	refuse_cut(13, SLICE(answer_13));
}
END_TEST

START_TEST(fetch_answer__refuses_lengths_beyond_the_bytes)
{
	static const char many[] = "\0\0\0\0\x7f\xff\xff\xff";
	static const char negative[] = "\0\0\0\0\xff\xff\xff\xfe";
	static const char wide[] = "\0\0\0\0\0\0\0\0\0\0"
				   "\xff\xff\xff\xff\xff\xff\xff\xff\xff\1";

	ck_assert_int_eq(walk(4, SLICE(many)), -EBADMSG);
	ck_assert_int_eq(walk(4, SLICE(negative)), -EBADMSG);
	ck_assert_int_eq(walk(13, SLICE(wide)), -EBADMSG);
}
END_TEST

KB_SUITE("fetch", fetch_request__writes_version_4,
	fetch_request__writes_version_11,
	fetch_request__writes_version_13_by_id,
	fetch_request__has_no_replica_from_version_15,
	fetch_answer__reads_version_4,
	fetch_answer__reads_version_11_over_an_empty_topic,
	fetch_answer__reads_version_13_and_skips_tags,
	fetch_answer__aborted_transactions_fit_in_place,
	fetch_answer__refuses_cut_and_surplus_bytes,
	fetch_answer__refuses_lengths_beyond_the_bytes)
