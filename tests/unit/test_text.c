#include "index/text.h"

#include <errno.h>
#include <stdio.h>

#include "format/encoder.h"
#include "format/period.h"
#include "records.h"
#include "store/store.h"
#include "suite.h"

#define OBJECT "data/t/x/0/00000000000000000100.log"

static const struct kb_topic_ref topic = {.name = "t"};

/* A segment of three batches of three records, and its one block. */
static struct kb_store *store;
static struct kb_text *text;
static struct kb_buf segment, want, got;
static struct kb_block block;
static size_t batch_at[4];
static size_t line_at[10];

static void
put_line(const struct kb_record *r)
{
	struct kb_jsonl v;

	kb_jsonl_init(&v, topic.name, 7);
	ck_ok(kb_buf_reserve(&want, kb_jsonl_measure(&v, r) + KB_JSONL_SLACK));
	want.len += kb_jsonl_render(&v, r, (char *)want.data + want.len);
}

/* Offsets 100, 110, ... 180; compressed unless c is NULL. */
static void
make_segment(struct kb_compressor *c)
{
	struct kb_batch_header h = {.producer_id = -1};
	struct kb_encoder e;

	kb_encoder_init(&e);
	for (int i = 0; i < 9; i++) {
		struct kb_record r = {
			.offset = 100 + 10 * i,
			.timestamp = 1000 + i,
			.value = kb_slice_str("\"value\"\n"),
		};

		line_at[i] = want.len;
		put_line(&r);
		ck_ok(kb_encoder_add(&e, &r));
		if (i % 3 == 2) {
			batch_at[i / 3] = segment.len;
			ck_ok(kb_encoder_finish(&e, c, 1, &h, &segment));
		}
	}
	line_at[9] = want.len;
	batch_at[3] = segment.len;
	kb_encoder_release(&e);
	block = (struct kb_block){
		.first = 100,
		.last = 180,
		.size = segment.len,
		.records = 9,
		.text_length = want.len,
	};
}

static void
setup(void)
{
	struct kb_compressor *c;

	ck_ok(kb_store_new_memory(&store));
	ck_ok(kb_text_new(&text));
	ck_ok(kb_compressor_new(&c));
	make_segment(c);
	kb_compressor_free(c);
}

static void
teardown(void)
{
	kb_store_free(store);
	kb_text_free(text);
	kb_buf_release(&segment);
	kb_buf_release(&want);
	kb_buf_release(&got);
}

/* Publishes the segment as it is now, and reads the block. */
static int
read_block(int64_t from, int64_t to)
{
	struct kb_blob_writer *w;
	struct kb_blob *blob;
	struct kb_pick pick = {from, to, kb_period_always()};
	struct kb_text_survey found;
	int r;

	ck_ok(kb_store_create(store, OBJECT, &w));
	ck_ok(kb_blob_write(w, kb_buf_slice(&segment)));
	ck_ok(kb_blob_publish(w));
	ck_ok(kb_store_open(store, OBJECT, &blob, NULL));
	kb_buf_clear(&got);
	r = kb_text_block(
		text, blob, OBJECT, &topic, 7, &block, from, to, &got);
	if (r == 0) {
		ck_ok(kb_text_sift(text, blob, OBJECT, &topic, 7, &block, &pick,
			false, NULL, &found));
		ck_assert_uint_eq(found.length, got.len);
	}
	kb_blob_close(blob);
	ck_ok(kb_store_remove(store, OBJECT));
	return r;
}

/* The block from..to gives lines first..last-1 of all. */
static void
gives(int64_t from, int64_t to, size_t first, size_t last)
{
	ck_ok(read_block(from, to));
	ck_assert_uint_eq(got.len, line_at[last] - line_at[first]);
	ck_assert(got.len == 0 ||
		  memcmp(got.data, want.data + line_at[first], got.len) == 0);
}

static void
fails(int64_t from, int64_t to, int code, const char *words)
{
	ck_assert_int_eq(read_block(from, to), code);
	ck_assert_uint_eq(got.len, 0);
	ck_assert_msg(
		strstr(kb_err_text(), OBJECT) != NULL, "%s", kb_err_text());
	ck_assert_msg(
		strstr(kb_err_text(), words) != NULL, "%s", kb_err_text());
}

START_TEST(text__renders_a_whole_block)
{
	setup();
	gives(INT64_MIN, INT64_MAX, 0, 9);
	gives(100, 180, 0, 9);
	teardown();
}
END_TEST

START_TEST(text__renders_uncompressed_batches)
{
	setup();
	kb_buf_clear(&segment);
	kb_buf_clear(&want);
	make_segment(NULL);
	gives(0, 1000, 0, 9);
	teardown();
}
END_TEST

START_TEST(text__renders_any_range_inside)
{
	setup();
	gives(100, 100, 0, 1);
	gives(101, 109, 0, 0);
	gives(110, 169, 1, 7);
	gives(175, 300, 8, 9);
	gives(0, 99, 0, 0);
	gives(181, 200, 0, 0);
	teardown();
}
END_TEST

START_TEST(text__appends)
{
	struct kb_blob_writer *w;
	struct kb_blob *blob;

	setup();
	ck_ok(kb_store_create(store, OBJECT, &w));
	ck_ok(kb_blob_write(w, kb_buf_slice(&segment)));
	ck_ok(kb_blob_publish(w));
	ck_ok(kb_store_open(store, OBJECT, &blob, NULL));
	ck_ok(kb_buf_put(&got, "before", 6));
	ck_ok(kb_text_block(
		text, blob, OBJECT, &topic, 7, &block, 180, 180, &got));
	ck_assert_uint_eq(got.len, 6 + line_at[9] - line_at[8]);
	ck_assert_mem_eq(got.data, "before{", 7);
	kb_blob_close(blob);
	teardown();
}
END_TEST

START_TEST(text__names_object_and_position_of_damage)
{
	char words[40];

	setup();
	snprintf(words, sizeof(words), "batch at %zu: ", batch_at[1]);
	segment.data[batch_at[1] + KB_BATCH_HEADER + 3] ^= 1;
	fails(100, 180, -EBADMSG, words);
	fails(150, 150, -EBADMSG, words);
	teardown();
}
END_TEST

START_TEST(text__reads_around_a_damaged_batch)
{
	setup();
	segment.data[batch_at[1] + KB_BATCH_HEADER + 3] ^= 1;
	gives(100, 129, 0, 3);
	gives(160, 180, 6, 9);
	teardown();
}
END_TEST

START_TEST(text__refuses_a_segment_that_was_cut)
{
	setup();
	segment.len -= 1;
	fails(100, 180, -EBADMSG, "ends at");
	teardown();
}
END_TEST

START_TEST(text__refuses_a_block_that_ends_inside_a_batch)
{
	setup();
	block.size -= 1;
	fails(100, 180, -EBADMSG, "cut off");
	teardown();
}
END_TEST

START_TEST(text__says_reindex_when_a_row_is_wrong)
{
	setup();
	block.text_length++;
	fails(100, 180, -ESTALE, "kbak reindex");
	gives(110, 180, 1, 9); /* not a whole block: nothing to compare */
	block.text_length--;
	block.size = batch_at[2];
	fails(100, 180, -ESTALE, "kbak reindex");
	block.size = UINT64_MAX;
	fails(100, 180, -ESTALE, "kbak reindex");
	teardown();
}
END_TEST

/* Publishes the segment; the caller closes. */
static struct kb_blob *
open_segment(void)
{
	struct kb_blob_writer *w;
	struct kb_blob *blob;

	ck_ok(kb_store_create(store, OBJECT, &w));
	ck_ok(kb_blob_write(w, kb_buf_slice(&segment)));
	ck_ok(kb_blob_publish(w));
	ck_ok(kb_store_open(store, OBJECT, &blob, NULL));
	return blob;
}

/* Each value is `"value"` and a newline. */
#define VALUE "\"value\"\n\n"
#define VALUE_LEN (sizeof(VALUE) - 1)

START_TEST(text__values_have_a_newline_each)
{
	struct kb_blob *blob;

	setup();
	blob = open_segment();
	block.values_length = 9 * VALUE_LEN;
	ck_ok(kb_text_values(text, blob, OBJECT, &block, &got));
	ck_assert_uint_eq(got.len, 9 * VALUE_LEN);
	for (size_t i = 0; i < 9; i++)
		ck_assert_mem_eq(got.data + i * VALUE_LEN, VALUE, VALUE_LEN);
	block.values_length++;
	ck_assert_int_eq(
		kb_text_values(text, blob, OBJECT, &block, &got), -ESTALE);
	ck_assert_uint_eq(got.len, 9 * VALUE_LEN);
	kb_blob_close(blob);
	teardown();
}
END_TEST

START_TEST(text__stored_bytes_are_given_as_they_are)
{
	struct kb_blob *blob;

	setup();
	segment.data[batch_at[1] + KB_BATCH_HEADER + 3] ^= 1;
	blob = open_segment();
	ck_ok(kb_text_stored(blob, OBJECT, &block, &got));
	ck_assert_uint_eq(got.len, segment.len);
	ck_assert_mem_eq(got.data, segment.data, segment.len);
	block.size++;
	ck_assert_int_eq(kb_text_stored(blob, OBJECT, &block, &got), -EBADMSG);
	ck_assert_uint_eq(got.len, segment.len);
	kb_blob_close(blob);
	teardown();
}
END_TEST

START_TEST(text__marks_say_where_values_end)
{
	const struct kb_text_mark *marks;
	struct kb_blob *blob;

	setup();
	blob = open_segment();
	block.values_length = 9 * VALUE_LEN;
	ck_ok(kb_text_marks(text, blob, OBJECT, &block, &got));
	ck_assert_uint_eq(got.len, 9 * sizeof(*marks));
	marks = (const struct kb_text_mark *)got.data;
	for (int i = 0; i < 9; i++) {
		ck_assert_int_eq(marks[i].offset, 100 + 10 * i);
		ck_assert_int_eq(marks[i].timestamp, 1000 + i);
		ck_assert_uint_eq(marks[i].end, ((size_t)i + 1) * VALUE_LEN);
		ck_assert(marks[i].newline);
	}
	block.values_length--;
	ck_assert_int_eq(
		kb_text_marks(text, blob, OBJECT, &block, &got), -ESTALE);
	ck_assert_uint_eq(got.len, 9 * sizeof(*marks));
	kb_blob_close(blob);
	teardown();
}
END_TEST

#define BATCHES 20

/* Random records in random batches; some share the time that they came at. */
static struct records batch[BATCHES];

static void
make_random(struct random *rnd)
{
	struct kb_compressor *c;
	struct kb_encoder e;
	int64_t next = 50;

	ck_ok(kb_compressor_new(&c));
	kb_encoder_init(&e);
	for (int i = 0; i < BATCHES; i++) {
		struct kb_batch_header h = {.producer_id = -1};
		size_t at = segment.len;
		int n;

		records_make(&batch[i], rnd, next);
		n = batch[i].count;
		for (int j = 0; j < n; j++) {
			struct kb_record *r = &batch[i].s[j].record;

			r->timestamp = (int64_t)random_below(rnd, 20) - 1;
			ck_ok(kb_encoder_add(&e, r));
		}
		next = batch[i].s[n - 1].record.offset + 1;
		ck_ok(kb_encoder_finish(&e, i % 2 ? c : NULL, 1, &h, &segment));
		if (i % 3)
			continue;
		h.attributes |= KB_BATCH_LOGAPPEND;
		kb_batch_seal(segment.data + at, segment.len - at, &h);
		for (int j = 0; j < n; j++) {
			batch[i].s[j].record.timestamp = h.max_timestamp;
			batch[i].s[j].record.logappend = true;
		}
	}
	block = (struct kb_block){
		.first = 50, .last = next - 1, .size = segment.len};
	kb_encoder_release(&e);
	kb_compressor_free(c);
}

/* What `pick` means, by the records themselves. */
static void
sift_by_hand(const struct kb_pick *pick, bool values, uint64_t *out_records)
{
	kb_buf_clear(&want);
	*out_records = 0;
	for (int i = 0; i < BATCHES; i++) {
		for (int j = 0; j < batch[i].count; j++) {
			const struct kb_record *r = &batch[i].s[j].record;

			if (r->offset < pick->first || r->offset > pick->last ||
				!kb_period_has(&pick->period, r->timestamp))
				continue;
			++*out_records;
			if (!values) {
				put_line(r);
				continue;
			}
			ck_ok(kb_buf_put(&want, r->value.data, r->value.len));
			ck_ok(kb_buf_put(&want, "\n", 1));
		}
	}
}

static void
sifts(struct kb_blob *blob, const struct kb_pick *pick, bool values)
{
	struct kb_text_survey measured, found;
	uint64_t records;

	kb_buf_clear(&got);
	ck_ok(kb_text_sift(text, blob, OBJECT, &topic, 7, &block, pick, values,
		NULL, &measured));
	ck_ok(kb_text_sift(text, blob, OBJECT, &topic, 7, &block, pick, values,
		&got, &found));
	sift_by_hand(pick, values, &records);
	ck_assert_uint_eq(measured.length, want.len);
	ck_assert_uint_eq(measured.records, records);
	ck_assert_uint_eq(got.len, want.len);
	ck_assert(!want.len || !memcmp(got.data, want.data, want.len));
	ck_assert_mem_eq(&measured, &found, sizeof(found));
	ck_assert(found.max_timestamp == KB_NO_TIME ||
		  (kb_period_has(&pick->period, found.max_timestamp) &&
			  kb_period_has(&pick->period, found.min_timestamp)));
}

START_TEST(text__sifts_exactly_the_records_meant)
{
	struct random rnd = {12};
	struct kb_blob *blob;

	setup();
	kb_buf_clear(&segment);
	make_random(&rnd);
	blob = open_segment();
	for (int i = 0; i < 500; i++) {
		struct kb_pick pick = {0, INT64_MAX,
			{(int64_t)random_below(&rnd, 20),
				(int64_t)random_below(&rnd, 20),
				random_below(&rnd, 2)}};

		if (random_below(&rnd, 2)) {
			size_t n = (size_t)block.last;

			pick.first = (int64_t)random_below(&rnd, n);
			pick.last = (int64_t)random_below(&rnd, n);
		}
		sifts(blob, &pick, i % 2);
	}
	for (int i = 0; i < BATCHES; i++)
		records_release(&batch[i]);
	kb_blob_close(blob);
	teardown();
}
END_TEST

KB_SUITE("text", text__values_have_a_newline_each,
	text__stored_bytes_are_given_as_they_are,
	text__marks_say_where_values_end, text__renders_a_whole_block,
	text__renders_uncompressed_batches, text__renders_any_range_inside,
	text__appends, text__names_object_and_position_of_damage,
	text__reads_around_a_damaged_batch,
	text__refuses_a_segment_that_was_cut,
	text__refuses_a_block_that_ends_inside_a_batch,
	text__says_reindex_when_a_row_is_wrong,
	text__sifts_exactly_the_records_meant)
