#include "format/segment.h"

#include <errno.h>

#include "format/codec.h"
#include "format/encoder.h"
#include "records.h"

#define TOPIC "orders"
#define PARTITION 3

static struct kb_summary *summary;
static struct kb_encoder encoder;
static struct kb_buf segment; /* uncompressed batches */
static struct records in;

static void
setup(void)
{
	ck_ok(kb_summary_new(&summary));
	kb_encoder_init(&encoder);
}

static void
teardown(void)
{
	kb_summary_free(summary);
	kb_encoder_release(&encoder);
	kb_buf_release(&segment);
	records_release(&in);
}

/* Ends the batch of what the encoder holds; it covers up to `last`. */
static void
end_batch(int64_t last)
{
	struct kb_batch_header h = {.leader_epoch = 4, .producer_id = -1};
	size_t at = segment.len;

	ck_ok(kb_encoder_finish(&encoder, NULL, 0, &h, &segment));
	h.last_offset_delta = (int32_t)(last - h.base_offset);
	kb_batch_seal(segment.data + at, segment.len - at, &h);
}

/* A batch of one record. */
static void
put_batch(int64_t offset, int64_t last, int64_t time, struct kb_slice value)
{
	struct kb_record r = {
		.offset = offset, .timestamp = time, .value = value};

	ck_ok(kb_encoder_add(&encoder, &r));
	end_batch(last);
}

/* Adds every batch of segment from byte `at`; the first error, or 0. */
static int
add_from(size_t at)
{
	struct kb_batch b;
	int r = 0;

	while (r == 0 && at < segment.len) {
		ck_ok(kb_batch_parse(
			kb_slice_of(segment.data + at, segment.len - at), &b));
		r = kb_summary_add(summary, &b, b.body);
		at += b.bytes.len;
	}
	return r;
}

START_TEST(summary__sums_up_a_small_segment)
{
	const struct kb_block *blocks;
	struct kb_segment s;
	struct kb_sha256 *h;
	uint8_t digest[KB_SHA256_SIZE];

	setup();
	kb_summary_begin(summary, TOPIC, PARTITION, 10);
	ck_assert_int_eq(kb_summary_end(summary), 10);
	put_batch(12, 12, 500, kb_slice_str("ab"));
	put_batch(13, 19, KB_NO_TIME, (struct kb_slice){0});
	put_batch(20, 25, 400, kb_slice_str(""));
	ck_ok(add_from(0));
	ck_assert_uint_eq(kb_summary_bytes(summary), segment.len);
	ck_assert_uint_eq(kb_summary_records(summary), 3);
	ck_assert_int_eq(kb_summary_end(summary), 26);
	ck_ok(kb_summary_finish(summary, &s, &blocks));
	ck_assert_int_eq(s.start, 10);
	ck_assert_int_eq(s.end, 26);
	ck_assert_int_eq(s.first, 12);
	ck_assert_int_eq(s.last, 20);
	ck_assert_uint_eq(s.bytes, segment.len);
	ck_assert_uint_eq(s.records, 3);
	ck_assert_uint_eq(s.dropped, 13); /* 10 11, 14..19, 21..25 */
	ck_assert_int_eq(s.min_timestamp, 400);
	ck_assert_int_eq(s.max_timestamp, 500);
	ck_assert_uint_eq(s.undated, 1);
	ck_assert_uint_eq(blocks[0].undated, 1);
	ck_assert_uint_eq(s.values_length, 3 + 1 + 1);
	ck_assert(!s.newline_in_value);
	ck_assert_int_eq(s.leader_epoch, 4);
	ck_assert_uint_eq(s.raw_length, segment.len - 3 * KB_BATCH_HEADER);
	ck_assert_uint_eq(s.block_count, 1);
	ck_assert_int_eq(blocks[0].first, 12);
	ck_assert_int_eq(blocks[0].last, 20);
	ck_assert_uint_eq(blocks[0].position, 0);
	ck_assert_uint_eq(blocks[0].size, segment.len);
	ck_assert_uint_eq(blocks[0].dropped, 13);
	ck_ok(kb_sha256_new(&h));
	kb_sha256_add(h, segment.data, segment.len);
	kb_sha256_finish(h, digest);
	kb_sha256_free(h);
	ck_assert_mem_eq(s.sha256, digest, sizeof(digest));
	teardown();
}
END_TEST

START_TEST(summary__measures_the_text_it_will_be)
{
	static const char text[] =
		"{\"topic\":\"orders\",\"partition\":3,\"offset\":7,"
		"\"tstype\":\"create\",\"ts\":5,\"key\":null,"
		"\"payload\":\"a\\n\"}\n";
	const struct kb_block *blocks;
	struct kb_segment s;

	setup();
	kb_summary_begin(summary, TOPIC, PARTITION, 0);
	put_batch(7, 7, 5, kb_slice_str("a\n"));
	ck_ok(add_from(0));
	ck_ok(kb_summary_finish(summary, &s, &blocks));
	ck_assert_uint_eq(s.text_length, strlen(text));
	ck_assert(s.newline_in_value);
	ck_assert(blocks[0].newline_in_value);
	teardown();
}
END_TEST

START_TEST(summary__closes_a_block_at_256_kib_raw)
{
	static uint8_t value[KB_BLOCK_RAW / 2];
	const struct kb_block *blocks;
	struct kb_segment s;

	setup();
	memset(value, 'v', sizeof(value));
	kb_summary_begin(summary, TOPIC, PARTITION, 0);
	/* a record adds 11 bytes to its value */
	put_batch(0, 0, 1, kb_slice_of(value, sizeof(value)));
	put_batch(1, 4, 2, kb_slice_of(value, sizeof(value)));
	put_batch(5, 5, 3, kb_slice_of(value, sizeof(value) - 15));
	put_batch(6, 6, 4, kb_slice_of(value, sizeof(value) - 15));
	put_batch(7, 7, 5, kb_slice_str("line\n"));
	put_batch(8, 9, 6, kb_slice_str("in the last block"));
	ck_ok(add_from(0));
	ck_ok(kb_summary_finish(summary, &s, &blocks));
	ck_assert_uint_eq(s.block_count, 3);
	ck_assert_int_eq(blocks[0].first, 0);
	ck_assert_int_eq(blocks[0].last, 1);
	ck_assert_uint_eq(blocks[0].dropped, 3);
	ck_assert_int_eq(blocks[1].first, 5);
	ck_assert_int_eq(blocks[1].last, 7);
	ck_assert_uint_eq(blocks[1].dropped, 0);
	ck_assert_int_eq(blocks[1].min_timestamp, 3);
	ck_assert_int_eq(blocks[1].max_timestamp, 5);
	ck_assert(blocks[1].newline_in_value);
	ck_assert(!blocks[2].newline_in_value);
	ck_assert_int_eq(blocks[2].first, 8);
	ck_assert_uint_eq(blocks[2].dropped, 1);
	ck_assert_uint_eq(blocks[2].position + blocks[2].size, segment.len);
	teardown();
}
END_TEST

/* The blocks lie side by side, and s is their sum. */
static void
blocks_make_up(const struct kb_segment *s, const struct kb_block *blocks)
{
	struct kb_segment sum = {0};

	for (uint32_t i = 0; i < s->block_count; i++) {
		const struct kb_block *b = &blocks[i];

		ck_assert_uint_eq(b->position, sum.bytes);
		ck_assert_int_ge(b->first, i ? sum.last + 1 : s->start);
		ck_assert(i + 1 == s->block_count ||
			  b->raw_length >= KB_BLOCK_RAW);
		sum.last = b->last;
		sum.bytes += b->size;
		sum.records += b->records;
		sum.dropped += b->dropped;
		sum.undated += b->undated;
		sum.text_length += b->text_length;
		sum.values_length += b->values_length;
		sum.raw_length += b->raw_length;
	}
	ck_assert_int_eq(s->first, blocks[0].first);
	ck_assert_int_eq(s->last, sum.last);
	ck_assert_uint_eq(s->bytes, sum.bytes);
	ck_assert_uint_eq(s->records, sum.records);
	ck_assert_uint_eq(s->dropped, sum.dropped);
	ck_assert_uint_eq(s->undated, sum.undated);
	ck_assert_uint_eq(s->text_length, sum.text_length);
	ck_assert_uint_eq(s->values_length, sum.values_length);
	ck_assert_uint_eq(s->raw_length, sum.raw_length);
	ck_assert_int_eq((int64_t)(s->records + s->dropped), s->end - s->start);
}

START_TEST(summary__of_random_records_is_what_its_blocks_add_up_to)
{
	struct random rnd = {4711};
	const struct kb_block *blocks;
	struct kb_segment s, again;
	uint64_t text = 0, values = 0, records = 0;
	struct kb_jsonl view;
	int64_t next = 5;

	setup();
	kb_jsonl_init(&view, TOPIC, PARTITION);
	kb_summary_begin(summary, TOPIC, PARTITION, 5);
	for (int batch = 0; batch < 200; batch++) {
		records_make(&in, &rnd, next);
		for (int i = 0; i < in.count; i++) {
			ck_ok(kb_encoder_add(&encoder, &in.s[i].record));
			text += kb_jsonl_measure(&view, &in.s[i].record);
			values += in.s[i].record.value.len + 1;
			records++;
		}
		next = in.s[in.count - 1].record.offset + 3;
		end_batch(next - 1);
	}
	ck_ok(add_from(0));
	ck_ok(kb_summary_finish(summary, &s, &blocks));
	ck_assert_uint_gt(s.block_count, 2);
	blocks_make_up(&s, blocks);
	ck_assert_uint_eq(s.text_length, text);
	ck_assert_uint_eq(s.values_length, values);
	ck_assert_uint_eq(s.records, records);
	ck_assert_int_eq(s.end, next);
	/* the same once more, in the same summary */
	kb_summary_begin(summary, TOPIC, PARTITION, 5);
	ck_ok(add_from(0));
	ck_ok(kb_summary_finish(summary, &again, &blocks));
	ck_assert_mem_eq(&s, &again, sizeof(s));
	teardown();
}
END_TEST

START_TEST(summary__refuses_a_batch_and_keeps_no_trace_of_it)
{
	const struct kb_block *blocks;
	struct kb_segment with, without;
	struct kb_batch b;
	size_t second;

	setup();
	put_batch(5, 6, 1, kb_slice_str("one"));
	second = segment.len;
	put_batch(7, 7, 2, kb_slice_str("two"));
	kb_summary_begin(summary, TOPIC, PARTITION, 5);
	ck_ok(add_from(0));
	ck_ok(kb_summary_finish(summary, &without, &blocks));

	kb_summary_begin(summary, TOPIC, PARTITION, 5);
	ck_ok(kb_batch_parse(kb_slice_of(segment.data, second), &b));
	ck_ok(kb_summary_add(summary, &b, b.body));
	/* once more: it overlaps */
	ck_assert_int_eq(kb_summary_add(summary, &b, b.body), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(kb_err_text(), "position"));
	/* damaged inside */
	b.base_offset = 7;
	b.body.len--;
	ck_assert_int_eq(kb_summary_add(summary, &b, b.body), -EBADMSG);
	/* without records */
	b.count = 0;
	b.body.len = 0;
	ck_assert_int_eq(kb_summary_add(summary, &b, b.body), -EBADMSG);
	ck_ok(add_from(second));
	ck_ok(kb_summary_finish(summary, &with, &blocks));
	ck_assert_mem_eq(&with, &without, sizeof(with));
	teardown();
}
END_TEST

START_TEST(summary__refuses_a_batch_below_the_start)
{
	setup();
	put_batch(5, 6, 1, kb_slice_str("one"));
	kb_summary_begin(summary, TOPIC, PARTITION, 6);
	ck_assert_int_eq(add_from(0), -EBADMSG);
	ck_assert_uint_eq(kb_summary_bytes(summary), 0);
	teardown();
}
END_TEST

START_TEST(summary__of_nothing_is_an_error)
{
	const struct kb_block *blocks;
	struct kb_segment s;

	setup();
	kb_summary_begin(summary, TOPIC, PARTITION, 6);
	ck_assert_int_eq(kb_summary_finish(summary, &s, &blocks), -EINVAL);
	teardown();
}
END_TEST

KB_SUITE("segment", summary__sums_up_a_small_segment,
	summary__measures_the_text_it_will_be,
	summary__closes_a_block_at_256_kib_raw,
	summary__of_random_records_is_what_its_blocks_add_up_to,
	summary__refuses_a_batch_and_keeps_no_trace_of_it,
	summary__refuses_a_batch_below_the_start,
	summary__of_nothing_is_an_error)
