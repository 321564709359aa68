#include "format/encoder.h"

#include <errno.h>

#include "common/bytes.h"
#include "format/codec.h"
#include "records.h"

static struct kb_compressor *compressor;
static struct kb_decoder *decoder;
static struct kb_encoder encoder;
static struct records in;
static struct kb_buf out;

static void
setup(void)
{
	ck_ok(kb_compressor_new(&compressor));
	ck_ok(kb_decoder_new(&decoder));
	kb_encoder_init(&encoder);
}

static void
teardown(void)
{
	kb_compressor_free(compressor);
	kb_decoder_free(decoder);
	kb_encoder_release(&encoder);
	kb_buf_release(&out);
	records_release(&in);
}

static const struct kb_batch_header session = {
	.leader_epoch = 9,
	.attributes = 0x7fff, /* must not get through */
	.producer_id = 77,
	.producer_epoch = 2,
	.base_sequence = 1000,
};

/* The batch that starts at `at` in out, checked, and its decoded body. */
static void
open_batch(size_t at, struct kb_batch *b, struct kb_slice *raw)
{
	ck_ok(kb_batch_parse(kb_slice_of(out.data + at, out.len - at), b));
	ck_ok(kb_batch_check(b));
	ck_ok(kb_decoder_run(
		decoder, kb_batch_codec(b), b->body, KB_DECODE_MAX, raw));
}

/* Encodes all of `in` into out. */
static void
encode(struct kb_compressor *c)
{
	struct kb_batch_header h = session;

	for (int i = 0; i < in.count; i++)
		ck_ok(kb_encoder_add(&encoder, &in.s[i].record));
	ck_ok(kb_encoder_finish(&encoder, c, 1, &h, &out));
}

START_TEST(encoder__round_trips_random_records)
{
	struct random rnd = {20261123};
	struct kb_records it;
	struct kb_record r;
	struct kb_slice raw;
	struct kb_batch b;

	setup();
	for (int round = 0; round < 300; round++) {
		records_make(&in, &rnd, (int64_t)random_below(&rnd, 1 << 30));
		kb_buf_clear(&out);
		ck_ok(kb_buf_put(&out, "before", 6));
		encode(round % 2 ? compressor : NULL);
		open_batch(6, &b, &raw);
		ck_assert_int_eq(b.count, in.count);
		ck_assert_int_eq(b.base_offset, in.s[0].record.offset);
		ck_assert_int_eq(
			kb_batch_last(&b), in.s[in.count - 1].record.offset);
		ck_assert_uint_eq(b.bytes.len, out.len - 6);
		kb_records_init(&it, &b, raw);
		for (int i = 0; i < in.count; i++) {
			ck_ok(kb_records_next(&it, &r));
			records_same(&r, &in.s[i].record);
			ck_assert_int_ge(b.max_timestamp, r.timestamp);
		}
		ck_assert_int_eq(kb_records_next(&it, &r), 1);
	}
	teardown();
}
END_TEST

START_TEST(encoder_finish__fills_in_the_header)
{
	struct kb_batch_header h = session;
	struct kb_record r = {.offset = 50, .timestamp = 7};
	struct kb_slice raw;
	struct kb_batch b;
	size_t size;

	setup();
	ck_assert_int_eq(
		kb_encoder_finish(&encoder, NULL, 0, &h, &out), -EINVAL);
	ck_ok(kb_encoder_add(&encoder, &r));
	r.offset = 60;
	r.timestamp = 3;
	ck_ok(kb_encoder_add(&encoder, &r));
	size = kb_encoder_size(&encoder);
	ck_ok(kb_encoder_finish(&encoder, NULL, 0, &h, &out));
	ck_assert_uint_eq(out.len, size);
	ck_assert_int_eq(h.base_offset, 50);
	ck_assert_int_eq(h.last_offset_delta, 10);
	ck_assert_int_eq(h.base_timestamp, 7);
	ck_assert_int_eq(h.max_timestamp, 7);
	ck_assert_int_eq(h.count, 2);
	ck_assert_int_eq(h.attributes, 0);
	open_batch(0, &b, &raw);
	ck_assert_int_eq(b.leader_epoch, 9);
	ck_assert_int_eq(b.producer_id, 77);
	ck_assert_int_eq(b.producer_epoch, 2);
	ck_assert_int_eq(b.base_sequence, 1000);
	ck_assert_int_eq(b.attributes, KB_CODEC_NONE);
	/* afresh */
	ck_assert_uint_eq(kb_encoder_size(&encoder), KB_BATCH_HEADER);
	r.offset = 1;
	ck_ok(kb_encoder_add(&encoder, &r));
	ck_ok(kb_encoder_finish(&encoder, compressor, 1, &h, &out));
	open_batch(size, &b, &raw);
	ck_assert_int_eq(b.base_offset, 1);
	ck_assert_int_eq(b.attributes, KB_CODEC_ZSTD);
	ck_assert_int_eq(b.max_timestamp, 3);
	teardown();
}
END_TEST

START_TEST(encoder_add__stops_where_a_batch_must_end)
{
	struct kb_record r = {.offset = 5};
	size_t size;

	setup();
	ck_ok(kb_encoder_add(&encoder, &r));
	size = kb_encoder_size(&encoder);
	r.offset = 5 + (int64_t)INT32_MAX + 1;
	ck_assert_int_eq(kb_encoder_add(&encoder, &r), 1);
	r.offset--;
	ck_ok(kb_encoder_add(&encoder, &r));
	ck_assert_int_eq(kb_encoder_add(&encoder, &r), -EINVAL);
	ck_assert_uint_gt(kb_encoder_size(&encoder), size);
	teardown();
}
END_TEST

START_TEST(encoder_add__stops_where_timestamps_are_too_far_apart)
{
	struct kb_record r = {.offset = 5, .timestamp = -2};

	setup();
	ck_ok(kb_encoder_add(&encoder, &r));
	r.offset = 6;
	r.timestamp = INT64_MAX - 2;
	ck_ok(kb_encoder_add(&encoder, &r));
	r.offset = 7;
	r.timestamp = INT64_MAX - 1;
	ck_assert_int_eq(kb_encoder_add(&encoder, &r), 1);
	ck_assert_int_eq(encoder.count, 2);
	teardown();
}
END_TEST

START_TEST(encoder_add__refuses_a_record_no_batch_can_hold)
{
	/* never touched: the length alone decides */
	struct kb_record r = {.value = {(const uint8_t *)"", KB_DECODE_MAX}};

	setup();
	ck_assert_int_eq(kb_encoder_add(&encoder, &r), -EMSGSIZE);
	ck_assert_uint_eq(kb_encoder_size(&encoder), KB_BATCH_HEADER);
	teardown();
}
END_TEST

/* Puts into out a transactional batch at 100, 103, ... 127. */
static void
make_batch(int16_t attributes, struct kb_batch *b, struct kb_slice *raw)
{
	struct kb_record r = {.offset = 100};
	struct kb_batch_header h = session;

	for (; r.offset < 130; r.offset += 3) {
		r.timestamp = 1000 - r.offset;
		r.value = kb_slice_str("a value, a value, a value");
		ck_ok(kb_encoder_add(&encoder, &r));
	}
	ck_ok(kb_encoder_finish(&encoder, NULL, 0, &h, &out));
	h.attributes = attributes;
	h.last_offset_delta = 40; /* compaction took the last ones */
	h.max_timestamp = 5555;
	kb_batch_seal(out.data, out.len, &h);
	open_batch(0, b, raw);
}

START_TEST(encoder_rewind__leaves_no_trace)
{
	struct kb_batch_header plain = session, rewound = session;
	struct kb_record r = {.offset = 5, .timestamp = 3};
	struct kb_record other = {.offset = 6, .timestamp = 9};
	struct kb_buf expected = {0};
	struct kb_encoder mark;

	setup();
	ck_ok(kb_encoder_add(&encoder, &r));
	ck_ok(kb_encoder_finish(&encoder, NULL, 0, &plain, &expected));
	mark = encoder;
	ck_ok(kb_encoder_add(&encoder, &other));
	kb_encoder_rewind(&encoder, &mark); /* to nothing */
	ck_ok(kb_encoder_add(&encoder, &r));
	mark = encoder;
	for (int i = 0; i < 1000; i++, other.offset++)
		ck_ok(kb_encoder_add(&encoder, &other));
	kb_encoder_rewind(&encoder, &mark);
	ck_ok(kb_encoder_finish(&encoder, NULL, 0, &rewound, &out));
	ck_assert_uint_eq(out.len, expected.len);
	ck_assert_mem_eq(out.data, expected.data, out.len);
	kb_buf_release(&expected);
	teardown();
}
END_TEST

START_TEST(encoder_recompress__keeps_records_and_forgets_the_producer)
{
	struct kb_slice raw, again;
	struct kb_batch b, made;
	struct kb_buf copy = {0};
	size_t at;

	setup();
	make_batch(KB_BATCH_LOGAPPEND | KB_BATCH_TRANSACTIONAL |
			   KB_BATCH_DELETE_HORIZON,
		&b, &raw);
	at = out.len;
	/* out moves as it grows, and b borrows it */
	ck_ok(kb_buf_put(&copy, out.data, out.len));
	ck_ok(kb_batch_parse(kb_buf_slice(&copy), &b));
	ck_ok(kb_encoder_recompress(&b, b.body, compressor, 1, &out));
	open_batch(at, &made, &again);
	ck_assert_uint_lt(made.bytes.len, b.bytes.len);
	ck_assert_int_eq(made.attributes, KB_CODEC_ZSTD | KB_BATCH_LOGAPPEND);
	ck_assert_int_eq(made.producer_id, -1);
	ck_assert_int_eq(made.producer_epoch, -1);
	ck_assert_int_eq(made.base_sequence, -1);
	ck_assert_int_eq(made.leader_epoch, b.leader_epoch);
	ck_assert_int_eq(made.base_offset, b.base_offset);
	ck_assert_int_eq(made.last_offset_delta, 40);
	ck_assert_int_eq(made.base_timestamp, b.base_timestamp);
	ck_assert_int_eq(made.max_timestamp, 5555);
	ck_assert_int_eq(made.count, b.count);
	records_same_bytes(again, b.body);
	kb_buf_release(&copy);
	teardown();
}
END_TEST

/* Compares what trim gives for [from, until) with the records there. */
static void
trim_is_a_filter(const struct kb_batch *b, struct kb_slice raw, int64_t from,
	int64_t until)
{
	struct kb_buf cut = {0};
	struct kb_records it, made_it = {0};
	struct kb_record r, made_r;
	struct kb_slice made_raw;
	struct kb_batch made;
	int64_t last = -1;
	int n = 0, got;

	got = kb_encoder_trim(b, raw, from, until, compressor, 1, &cut);
	if (got == 0) {
		ck_ok(kb_batch_parse(kb_buf_slice(&cut), &made));
		ck_ok(kb_batch_check(&made));
		ck_ok(kb_decoder_run(decoder, kb_batch_codec(&made), made.body,
			KB_DECODE_MAX, &made_raw));
		kb_records_init(&made_it, &made, made_raw);
	}
	kb_records_init(&it, b, raw);
	while (kb_records_next(&it, &r) == 0) {
		if (r.offset < from || r.offset >= until)
			continue;
		ck_assert_int_eq(got, 0);
		if (!n++)
			ck_assert_int_eq(made.base_offset, r.offset);
		ck_ok(kb_records_next(&made_it, &made_r));
		records_same(&made_r, &r);
		last = r.offset;
	}
	if (!n) {
		ck_assert_int_eq(got, 1);
		ck_assert_uint_eq(cut.len, 0);
	} else {
		ck_assert_int_eq(made.count, n);
		ck_assert_int_eq(kb_batch_last(&made), last);
		ck_assert_int_eq(kb_records_next(&made_it, &made_r), 1);
		ck_assert_int_eq(made.producer_id, -1);
		ck_assert_int_eq(made.leader_epoch, b->leader_epoch);
	}
	kb_buf_release(&cut);
}

START_TEST(encoder_trim__is_a_filter_of_records)
{
	struct kb_slice raw;
	struct kb_batch b;

	setup();
	for (int logappend = 0; logappend < 2; logappend++) {
		kb_buf_clear(&out);
		make_batch(logappend ? KB_BATCH_LOGAPPEND : 0, &b, &raw);
		for (int64_t from = 98; from < 145; from++) {
			for (int64_t until = 98; until < 145; until++)
				trim_is_a_filter(&b, raw, from, until);
		}
	}
	teardown();
}
END_TEST

START_TEST(encoder_trim__keeps_append_time_and_the_times_beneath)
{
	struct kb_buf cut = {0};
	struct kb_slice raw;
	struct kb_records it;
	struct kb_record r;
	struct kb_batch b, made;

	setup();
	make_batch(KB_BATCH_LOGAPPEND | KB_BATCH_TRANSACTIONAL, &b, &raw);
	ck_ok(kb_encoder_trim(&b, raw, 110, 120, NULL, 0, &cut));
	ck_ok(kb_batch_parse(kb_buf_slice(&cut), &made));
	ck_assert_int_eq(made.attributes, KB_BATCH_LOGAPPEND);
	ck_assert_int_eq(made.max_timestamp, 5555);
	kb_records_init(&it, &made, made.body);
	it.logappend = false;
	ck_ok(kb_records_next(&it, &r));
	ck_assert_int_eq(r.offset, 112);
	ck_assert_int_eq(r.timestamp, 1000 - 112);
	kb_buf_release(&cut);
	teardown();
}
END_TEST

START_TEST(encoder_trim__refuses_a_damaged_batch)
{
	struct kb_buf cut = {0};
	struct kb_slice raw;
	struct kb_batch b;

	setup();
	make_batch(0, &b, &raw);
	raw.len--;
	ck_assert_int_eq(
		kb_encoder_trim(&b, raw, 100, 101, compressor, 1, &cut),
		-EBADMSG);
	ck_assert_uint_eq(cut.len, 0);
	kb_buf_release(&cut);
	teardown();
}
END_TEST

KB_SUITE("encoder", encoder__round_trips_random_records,
	encoder_finish__fills_in_the_header,
	encoder_add__stops_where_a_batch_must_end,
	encoder_add__stops_where_timestamps_are_too_far_apart,
	encoder_add__refuses_a_record_no_batch_can_hold,
	encoder_rewind__leaves_no_trace,
	encoder_recompress__keeps_records_and_forgets_the_producer,
	encoder_trim__is_a_filter_of_records,
	encoder_trim__keeps_append_time_and_the_times_beneath,
	encoder_trim__refuses_a_damaged_batch)
