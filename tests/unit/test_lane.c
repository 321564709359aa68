/* Lanes over a memory store, fed with batches made here. */
#include "backup/lane.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "backup/deposit.h"
#include "backup/hand.h"
#include "backup/options.h"
#include "format/encoder.h"
#include "index/index.h"
#include "store/repo.h"
#include "store/store.h"
#include "suite.h"

static struct kb_backup_options options;
static struct kb_repo repo;
static struct kb_deposit deposit;
static struct kb_lane lane;
static struct kb_hand *hand;
static struct kb_buf wire;     /* what the broker sends */
static struct kb_slice behind; /* of it, once damage was met */

static void
setup(void)
{
	options = (struct kb_backup_options){
		.segment_bytes = 1 << 20,
		.compression = KB_COMPRESSION_AUTO,
	};
	ck_ok(kb_store_new_memory(&repo.store));
	ck_ok(kb_deposit_init(&deposit, &options, &repo, NULL));
	ck_ok(kb_hand_make((void **)&hand));
	lane = (struct kb_lane){
		.topic = {.name = "t"}, .last_epoch = -1, .cut = INT64_MAX};
	kb_buf_clear(&wire);
}

static void
teardown(void)
{
	kb_lane_release(&lane);
	kb_hand_free(hand);
	kb_deposit_release(&deposit);
	kb_store_free(repo.store);
	kb_buf_release(&wire);
}

/* Changes the batch that begins at `at`. */
static void
reseal(size_t at, int16_t attributes, int32_t epoch, int64_t max_timestamp)
{
	struct kb_batch_header h;
	struct kb_batch b;

	ck_ok(kb_batch_parse(kb_slice_of(wire.data + at, wire.len - at), &b));
	kb_batch_header_of(&b, &h);
	h.attributes = (int16_t)(h.attributes | attributes);
	h.leader_epoch = epoch;
	if (max_timestamp)
		h.max_timestamp = max_timestamp;
	kb_batch_seal(wire.data + at, wire.len - at, &h);
}

/* Appends a batch of one record that does not compress, of so many bytes. */
static void
put_noise(int64_t base, size_t size)
{
	static uint8_t noise[40000];
	struct kb_batch_header h = {.producer_id = 5, .leader_epoch = 7};
	struct kb_record r = {.offset = base, .timestamp = 1};
	struct kb_encoder e = {0};
	uint32_t seed = 1;

	for (size_t i = 0; i < sizeof(noise); i++) {
		seed = seed * 1664525 + 1013904223;
		noise[i] = (uint8_t)(seed >> 24);
	}
	r.value = kb_slice_of(noise, size);
	kb_encoder_init(&e);
	ck_ok(kb_encoder_add(&e, &r));
	ck_ok(kb_encoder_finish(&e, hand->compressor, 1, &h, &wire));
	kb_encoder_release(&e);
}

static void
put_large(int64_t base)
{
	put_noise(base, 40000);
}

/* Appends a batch of n records from offset base to the wire. */
static void
put_batch(int64_t base, int n, bool compressed, int16_t attributes,
	int64_t producer)
{
	struct kb_batch_header h = {.producer_id = producer,
		.leader_epoch = 7,
		.producer_epoch = -1,
		.base_sequence = -1};
	struct kb_encoder e = {0};
	size_t at = wire.len;
	struct kb_batch b;
	char value[32];

	kb_encoder_init(&e);
	for (int i = 0; i < n; i++) {
		struct kb_record r = {
			.offset = base + i, .timestamp = 1000 + base + i};

		snprintf(value, sizeof(value), "v%" PRId64, base + i);
		r.key = kb_slice_str("k");
		r.value = kb_slice_str(value);
		ck_ok(kb_encoder_add(&e, &r));
	}
	ck_ok(kb_encoder_finish(
		&e, compressed ? hand->compressor : NULL, 1, &h, &wire));
	ck_ok(kb_batch_parse(kb_slice_of(wire.data + at, wire.len - at), &b));
	kb_batch_header_of(&b, &h);
	h.attributes = (int16_t)(h.attributes | attributes);
	kb_batch_seal(wire.data + at, wire.len - at, &h);
	kb_encoder_release(&e);
}

/* An abort (0) or commit (1) marker at an offset. */
static void
put_marker(int64_t offset, int64_t producer, uint8_t type)
{
	uint8_t key[4] = {0, 0, 0, type};
	struct kb_batch_header h = {.producer_id = producer};
	struct kb_record r = {.offset = offset, .timestamp = 1};
	struct kb_encoder e = {0};
	size_t at = wire.len;
	struct kb_batch b;

	kb_encoder_init(&e);
	r.key = kb_slice_of(key, sizeof(key));
	ck_ok(kb_encoder_add(&e, &r));
	ck_ok(kb_encoder_finish(&e, NULL, 0, &h, &wire));
	ck_ok(kb_batch_parse(kb_slice_of(wire.data + at, wire.len - at), &b));
	kb_batch_header_of(&b, &h);
	h.attributes |= KB_BATCH_CONTROL | KB_BATCH_TRANSACTIONAL;
	kb_batch_seal(wire.data + at, wire.len - at, &h);
	kb_encoder_release(&e);
}

static int
take(const struct kb_aborted *aborted, size_t n, int64_t *damage_end)
{
	behind = kb_buf_slice(&wire);
	ck_ok(kb_lane_answer(&lane, aborted, n));
	return kb_lane_take(&lane, &deposit, hand, &behind, damage_end);
}

static void
read_object(const char *name, struct kb_buf *out)
{
	out->len = 0;
	ck_ok(kb_store_read_all(repo.store, name, 1 << 24, out));
}

static const char *
segment_name(int64_t start)
{
	static char name[KB_NAME_MAX];

	kb_layout_segment(name, &lane.topic, 0, start);
	return name;
}

/* Every offset of a stored segment, as "1,2,5,". */
static const char *
offsets_of(int64_t start)
{
	static char text[4096];
	struct kb_buf bytes = {0};
	struct kb_slice left, raw;
	struct kb_records it;
	struct kb_record r;
	struct kb_batch b;
	size_t n = 0;

	read_object(segment_name(start), &bytes);
	text[0] = '\0';
	for (left = kb_buf_slice(&bytes); left.len;
		left.data += b.bytes.len, left.len -= b.bytes.len) {
		ck_ok(kb_batch_parse(left, &b));
		ck_ok(kb_batch_check(&b));
		ck_ok(kb_decoder_run(hand->decoder, kb_batch_codec(&b), b.body,
			KB_DECODE_MAX, &raw));
		kb_records_init(&it, &b, raw);
		while (kb_records_next(&it, &r) == 0)
			n += (size_t)snprintf(text + n, sizeof(text) - n,
				"%" PRId64 ",", r.offset);
	}
	kb_buf_release(&bytes);
	return text;
}

START_TEST(lane__keeps_large_compressed_batches_byte_for_byte)
{
	struct kb_buf got = {0};
	int64_t damage;

	for (int i = 0; i < 5; i++)
		put_large(i);
	ck_ok(take(NULL, 0, &damage));
	ck_assert_int_eq(lane.next, 5);
	ck_assert_int_eq(lane.covered, 0);
	ck_ok(kb_lane_publish(&lane, &deposit, hand));
	ck_assert_int_eq(lane.covered, 5);
	read_object(segment_name(0), &got);
	ck_assert_uint_eq(got.len, wire.len);
	ck_assert_mem_eq(got.data, wire.data, wire.len);
	kb_buf_release(&got);
}
END_TEST

/* A gap up to what its header says would swallow sound batches. */
START_TEST(lane__ends_damage_where_the_next_batch_begins)
{
	int64_t damage;

	put_batch(0, 10, true, 0, 5);
	wire.data[24] = 0x7f; /* of the last offset delta */
	put_batch(10, 10, true, 0, 5);
	ck_assert_int_eq(take(NULL, 0, &damage), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(kb_err_text(), "checksum"));
	ck_assert_int_eq(damage, 10);
}
END_TEST

START_TEST(lane__recompresses_what_comes_uncompressed)
{
	struct kb_buf got = {0};
	struct kb_batch b;
	int64_t damage;

	put_batch(0, 200, false, 0, 5);
	ck_ok(take(NULL, 0, &damage));
	ck_ok(kb_lane_publish(&lane, &deposit, hand));
	read_object(segment_name(0), &got);
	ck_ok(kb_batch_parse(kb_buf_slice(&got), &b));
	ck_assert_int_eq(kb_batch_codec(&b), KB_CODEC_ZSTD);
	ck_assert_int_eq(b.count, 200);
	ck_assert_int_eq(b.producer_id, -1);
	ck_assert_int_eq(b.leader_epoch, 7);
	ck_assert_uint_lt(got.len, wire.len);
	kb_buf_release(&got);
}
END_TEST

/* How many batches the segment at `start` has. */
static int
batches_of(int64_t start)
{
	struct kb_buf bytes = {0};
	struct kb_slice left;
	struct kb_batch b;
	int n = 0;

	read_object(segment_name(start), &bytes);
	for (left = kb_buf_slice(&bytes); left.len; n++) {
		ck_ok(kb_batch_parse(left, &b));
		left.data += b.bytes.len;
		left.len -= b.bytes.len;
	}
	kb_buf_release(&bytes);
	return n;
}

START_TEST(lane__merges_small_batches_and_keeps_their_offsets)
{
	int64_t damage;

	put_batch(0, 2, true, 0, 5);
	put_batch(2, 1, false, 0, 6);
	put_batch(9, 2, true, 0, -1);
	ck_ok(take(NULL, 0, &damage));
	ck_assert_int_eq(lane.next, 11);
	ck_ok(kb_lane_publish(&lane, &deposit, hand));
	ck_assert_str_eq(offsets_of(0), "0,1,2,9,10,");
	ck_assert_int_eq(batches_of(0), 1);
	ck_assert_int_eq(lane.covered, 11);
}
END_TEST

START_TEST(lane__merges_up_to_a_size)
{
	int64_t damage;

	deposit.merge_bytes = 100;
	for (int i = 0; i < 20; i++)
		put_batch(i, 1, true, 0, -1);
	ck_ok(take(NULL, 0, &damage));
	ck_ok(kb_lane_publish(&lane, &deposit, hand));
	ck_assert_int_gt(batches_of(0), 1);
	ck_assert_int_lt(batches_of(0), 20);
	ck_assert_str_eq(offsets_of(0),
		"0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,");
}
END_TEST

START_TEST(lane__writes_what_waits_before_a_large_batch)
{
	int64_t damage;

	put_batch(0, 2, true, 0, -1);
	put_large(2);
	put_batch(3, 2, true, 0, -1);
	ck_ok(take(NULL, 0, &damage));
	ck_ok(kb_lane_publish(&lane, &deposit, hand));
	ck_assert_str_eq(offsets_of(0), "0,1,2,3,4,");
	ck_assert_int_eq(batches_of(0), 3);
}
END_TEST

START_TEST(lane__leaves_zstd_batches_alone_sooner)
{
	int64_t damage;

	put_noise(0, 9000);
	put_noise(1, 9000);
	put_noise(2, 8000);
	put_noise(3, 8000);
	ck_ok(take(NULL, 0, &damage));
	ck_ok(kb_lane_publish(&lane, &deposit, hand));
	ck_assert_str_eq(offsets_of(0), "0,1,2,3,");
	ck_assert_int_eq(batches_of(0), 3);
}
END_TEST

START_TEST(lane__merges_all_small_batches_when_told_to_compress)
{
	int64_t damage;

	options.compression = KB_COMPRESSION_ZSTD;
	options.level = 1;
	put_noise(0, 9000);
	put_noise(1, 9000);
	ck_ok(take(NULL, 0, &damage));
	ck_ok(kb_lane_publish(&lane, &deposit, hand));
	ck_assert_int_eq(batches_of(0), 1);
}
END_TEST

/* As an lz4 frame of one block that is not compressed. */
static void
put_lz4(int64_t base, size_t size)
{
	static const uint8_t head[] = {
		0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82};
	struct kb_batch_header h = {.producer_id = -1, .leader_epoch = 7};
	struct kb_buf plain = {0};
	struct kb_batch b;
	size_t at = wire.len, n;

	put_noise(base, size);
	ck_ok(kb_batch_parse(kb_slice_of(wire.data + at, wire.len - at), &b));
	kb_batch_header_of(&b, &h);
	ck_ok(kb_decoder_run(
		hand->decoder, KB_CODEC_ZSTD, b.body, KB_DECODE_MAX, &b.body));
	ck_ok(kb_buf_put(&plain, b.body.data, b.body.len));
	n = plain.len;
	wire.len = at + KB_BATCH_HEADER;
	ck_ok(kb_buf_put(&wire, head, sizeof(head)));
	ck_ok(kb_buf_put_i32(
		&wire, (int32_t)__builtin_bswap32(0x80000000 | (uint32_t)n)));
	ck_ok(kb_buf_put(&wire, plain.data, plain.len));
	ck_ok(kb_buf_put_i32(&wire, 0));
	h.attributes = KB_CODEC_LZ4;
	kb_batch_seal(wire.data + at, wire.len - at, &h);
	kb_buf_release(&plain);
}

START_TEST(lane__merges_small_batches_of_other_codecs)
{
	int64_t damage;

	put_lz4(0, 9000);
	put_lz4(1, 9000);
	ck_ok(take(NULL, 0, &damage));
	ck_ok(kb_lane_publish(&lane, &deposit, hand));
	ck_assert_str_eq(offsets_of(0), "0,1,");
	ck_assert_int_eq(batches_of(0), 1);
}
END_TEST

START_TEST(lane__never_merges_leader_epochs)
{
	int64_t damage;
	size_t at;

	put_batch(0, 2, true, 0, -1);
	at = wire.len;
	put_batch(2, 2, true, 0, -1);
	reseal(at, 0, 8, 0);
	ck_ok(take(NULL, 0, &damage));
	ck_ok(kb_lane_publish(&lane, &deposit, hand));
	ck_assert_int_eq(batches_of(0), 2);
	ck_assert_int_eq(lane.last_epoch, 8);
}
END_TEST

START_TEST(lane__never_merges_log_append_times)
{
	int64_t damage;
	size_t at;

	put_batch(0, 2, false, 0, -1);
	reseal(0, KB_BATCH_LOGAPPEND, 7, 5000);
	at = wire.len;
	put_batch(2, 2, false, 0, -1);
	reseal(at, KB_BATCH_LOGAPPEND, 7, 6000);
	ck_ok(take(NULL, 0, &damage));
	ck_ok(kb_lane_publish(&lane, &deposit, hand));
	ck_assert_int_eq(batches_of(0), 2);
}
END_TEST

/* CRC right, records wrong: none of the batch may be merged. */
START_TEST(lane__merges_no_part_of_a_damaged_batch)
{
	struct kb_batch_header h;
	struct kb_batch b;
	int64_t damage;
	size_t at;

	put_batch(0, 2, false, 0, -1);
	at = wire.len;
	put_batch(2, 3, false, 0, -1);
	ck_ok(kb_batch_parse(kb_slice_of(wire.data + at, wire.len - at), &b));
	kb_batch_header_of(&b, &h);
	h.count = 4;
	kb_batch_seal(wire.data + at, wire.len - at, &h);
	ck_assert_int_eq(take(NULL, 0, &damage), -EBADMSG);
	ck_assert_int_eq(damage, 5);
	ck_ok(kb_lane_publish(&lane, &deposit, hand));
	ck_assert_str_eq(offsets_of(0), "0,1,");
}
END_TEST

/* Its records have waited; what comes behind them says nothing of them. */
START_TEST(lane__keeps_the_epoch_of_what_lies_before_damage)
{
	struct kb_buf bytes = {0};
	struct kb_batch_header h;
	struct kb_batch b;
	int64_t damage;
	size_t at;

	put_batch(0, 2, false, 0, -1);
	at = wire.len;
	put_batch(2, 3, false, 0, -1);
	ck_ok(kb_batch_parse(kb_slice_of(wire.data + at, wire.len - at), &b));
	kb_batch_header_of(&b, &h);
	h.count = 4;
	h.leader_epoch = 8;
	kb_batch_seal(wire.data + at, wire.len - at, &h);
	ck_assert_int_eq(take(NULL, 0, &damage), -EBADMSG);
	ck_ok(kb_lane_publish(&lane, &deposit, hand));
	read_object(segment_name(0), &bytes);
	ck_ok(kb_batch_parse(kb_buf_slice(&bytes), &b));
	ck_assert_int_eq(b.leader_epoch, 7);
	kb_buf_release(&bytes);
}
END_TEST

START_TEST(lane__merges_no_batches_too_far_apart)
{
	const int64_t far = (int64_t)INT32_MAX + 2;
	int64_t damage;

	lane.cut = far + 10;
	put_batch(0, 2, false, 0, -1);
	put_batch(far, 2, false, 0, -1);
	put_batch(far + 2, 1, false, 0, -1);
	ck_ok(take(NULL, 0, &damage));
	ck_ok(kb_lane_publish(&lane, &deposit, hand));
	ck_assert_int_eq(batches_of(0), 2);
	ck_assert_str_eq(
		offsets_of(0), "0,1,2147483649,2147483650,2147483651,");
}
END_TEST

/* From the first record to the last it is more than 64 bits can say. */
START_TEST(lane__stores_alone_what_spans_too_much_time)
{
	struct kb_batch_header h = {.producer_id = -1, .leader_epoch = 7};
	struct kb_encoder e = {0};
	struct kb_buf whole = {0};
	struct kb_batch b;
	int64_t damage;

	kb_encoder_init(&e);
	ck_ok(kb_encoder_add(
		&e, &(struct kb_record){.offset = 0, .timestamp = -5}));
	ck_ok(kb_encoder_finish(&e, NULL, 0, &h, &wire));
	ck_ok(kb_encoder_add(&e, &(struct kb_record){.offset = 1}));
	ck_ok(kb_encoder_add(
		&e, &(struct kb_record){.offset = 2, .timestamp = -2}));
	ck_ok(kb_encoder_add(&e,
		&(struct kb_record){.offset = 3, .timestamp = INT64_MAX - 1}));
	ck_ok(kb_encoder_finish(&e, NULL, 0, &h, &whole));
	ck_ok(kb_batch_parse(kb_buf_slice(&whole), &b));
	ck_ok(kb_encoder_trim(
		&b, kb_encoder_raw(&e), 2, 4, hand->compressor, 1, &wire));
	put_batch(4, 1, false, 0, -1);
	ck_ok(take(NULL, 0, &damage));
	ck_ok(kb_lane_publish(&lane, &deposit, hand));
	ck_assert_int_eq(batches_of(0), 3);
	ck_assert_str_eq(offsets_of(0), "0,2,3,4,");
	kb_encoder_release(&e);
	kb_buf_release(&whole);
}
END_TEST

START_TEST(lane__rolls_by_records)
{
	int64_t damage;

	options.compression = KB_COMPRESSION_VERBATIM;
	options.segment_records = 4;
	for (int i = 0; i < 10; i += 2)
		put_batch(i, 2, true, 0, -1);
	ck_ok(take(NULL, 0, &damage));
	ck_ok(kb_lane_publish(&lane, &deposit, hand));
	ck_assert_uint_eq(deposit.totals.segments, 3);
	ck_assert_str_eq(offsets_of(4), "4,5,6,7,");
}
END_TEST

START_TEST(lane__verbatim_means_verbatim)
{
	struct kb_buf got = {0};
	int64_t damage;

	options.compression = KB_COMPRESSION_VERBATIM;
	put_batch(0, 20, false, 0, 5);
	ck_ok(take(NULL, 0, &damage));
	ck_ok(kb_lane_publish(&lane, &deposit, hand));
	read_object(segment_name(0), &got);
	ck_assert_uint_eq(got.len, wire.len);
	ck_assert_mem_eq(got.data, wire.data, wire.len);
	kb_buf_release(&got);
}
END_TEST

START_TEST(lane__cuts_inside_batches_at_both_ends)
{
	int64_t damage;

	lane.covered = lane.next = 2;
	lane.cut = 8;
	put_batch(0, 5, true, 0, -1);
	put_batch(5, 5, true, 0, -1);
	ck_ok(take(NULL, 0, &damage));
	ck_assert_int_eq(lane.next, 8);
	ck_ok(kb_lane_publish(&lane, &deposit, hand));
	ck_assert_str_eq(offsets_of(2), "2,3,4,5,6,7,");
	ck_assert_int_eq(lane.covered, 8);
}
END_TEST

START_TEST(lane__stores_nothing_at_or_after_the_cut)
{
	int64_t damage;

	lane.cut = 3;
	put_batch(0, 3, true, 0, -1);
	put_batch(3, 3, true, 0, -1);
	ck_ok(take(NULL, 0, &damage));
	ck_ok(kb_lane_publish(&lane, &deposit, hand));
	ck_assert_str_eq(offsets_of(0), "0,1,2,");
}
END_TEST

START_TEST(lane__leaves_out_aborted_records_and_markers)
{
	const struct kb_aborted aborted = {9, 2};
	int64_t damage;

	put_batch(0, 2, true, KB_BATCH_TRANSACTIONAL, 8);
	put_batch(2, 2, true, KB_BATCH_TRANSACTIONAL, 9);
	put_batch(4, 1, true, KB_BATCH_TRANSACTIONAL, 8);
	put_marker(5, 9, 0);
	put_marker(6, 8, 1);
	put_batch(7, 1, true, KB_BATCH_TRANSACTIONAL, 9);
	put_marker(8, 9, 1);
	ck_ok(take(&aborted, 1, &damage));
	ck_assert_int_eq(lane.next, 9);
	ck_ok(kb_lane_publish(&lane, &deposit, hand));
	ck_assert_str_eq(offsets_of(0), "0,1,4,7,");
	/* the marker at the end belongs to the next segment */
	ck_assert_int_eq(lane.covered, 8);
	ck_assert_uint_eq(deposit.totals.dropped, 4);
}
END_TEST

START_TEST(lane__takes_what_lies_before_damage_and_names_it)
{
	int64_t damage;
	size_t first;

	put_batch(0, 3, true, 0, -1);
	first = wire.len;
	put_batch(3, 3, true, 0, -1);
	wire.data[first + KB_BATCH_HEADER + 2] ^= 1;
	ck_assert_int_eq(take(NULL, 0, &damage), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(kb_err_text(), "t/0: at offset 3"));
	ck_assert_int_eq(damage, 6);
	ck_assert_int_eq(lane.next, 3);
	ck_ok(kb_lane_put_gap(
		&lane, &deposit, hand, damage, KB_GAP_DAMAGED, "x"));
	ck_assert_str_eq(offsets_of(0), "0,1,2,");
	ck_assert_int_eq(lane.covered, 6);
	ck_assert_int_eq(lane.next, 6);
}
END_TEST

/* The base offset is not in the checksum: a flipped bit there. */
START_TEST(lane__refuses_a_batch_that_comes_late)
{
	int64_t damage;
	size_t at;

	lane.covered = lane.next = 8;
	put_batch(8, 3, true, 0, -1);
	at = wire.len;
	put_batch(11, 3, true, 0, -1);
	wire.data[at + 7] ^= 8; /* 3 */
	put_batch(14, 3, true, 0, -1);
	ck_assert_int_eq(take(NULL, 0, &damage), -EBADMSG);
	ck_assert_int_eq(lane.next, 11);
	ck_assert_int_eq(damage, 14);
}
END_TEST

START_TEST(lane__refuses_a_batch_that_overlaps_the_next)
{
	int64_t damage;

	put_batch(0, 3, true, 0, -1);
	wire.data[7] ^= 4; /* 4 to 6 */
	put_batch(3, 3, true, 0, -1);
	ck_assert_int_eq(take(NULL, 0, &damage), -EBADMSG);
	ck_assert_int_eq(lane.next, 0);
}
END_TEST

/* A marker before the damage has ended its transaction for good. */
START_TEST(lane__goes_on_behind_damage)
{
	const struct kb_aborted aborted = {9, 0};
	int64_t damage;
	size_t at;

	put_batch(0, 2, true, KB_BATCH_TRANSACTIONAL, 9);
	put_marker(2, 9, 0);
	at = wire.len;
	put_batch(3, 2, true, 0, -1);
	wire.data[at + KB_BATCH_HEADER + 2] ^= 1;
	put_batch(5, 2, true, KB_BATCH_TRANSACTIONAL, 9);
	put_marker(7, 9, 1);
	ck_assert_int_eq(take(&aborted, 1, &damage), -EBADMSG);
	ck_assert_int_eq(damage, 5);
	ck_ok(kb_lane_put_gap(
		&lane, &deposit, hand, damage, KB_GAP_DAMAGED, "x"));
	ck_ok(kb_lane_take(&lane, &deposit, hand, &behind, &damage));
	ck_assert_int_eq(lane.next, 8);
	ck_ok(kb_lane_publish(&lane, &deposit, hand));
	ck_assert_str_eq(offsets_of(5), "5,6,");
}
END_TEST

START_TEST(lane__cannot_say_where_a_torn_header_ends)
{
	int64_t damage;

	put_batch(0, 3, true, 0, -1);
	wire.data[16] = 9; /* magic */
	ck_assert_int_lt(take(NULL, 0, &damage), 0);
	ck_assert_int_eq(damage, -1);
}
END_TEST

START_TEST(lane__waits_for_the_rest_of_a_torn_tail)
{
	int64_t damage;

	put_batch(0, 3, true, 0, -1);
	put_batch(3, 3, true, 0, -1);
	wire.len -= 1;
	ck_ok(take(NULL, 0, &damage));
	ck_assert_int_eq(lane.next, 3);
}
END_TEST

START_TEST(lane__rolls_segments_that_follow_each_other)
{
	int64_t damage;

	options.segment_bytes = 1;
	options.compression = KB_COMPRESSION_VERBATIM;
	put_batch(0, 3, true, 0, -1);
	put_batch(10, 3, true, 0, -1);
	ck_ok(take(NULL, 0, &damage));
	ck_assert_uint_eq(deposit.totals.segments, 2);
	ck_assert_str_eq(offsets_of(0), "0,1,2,");
	ck_assert_str_eq(offsets_of(3), "10,11,12,");
	ck_assert_int_eq(lane.covered, 13);
}
END_TEST

START_TEST(lane__stops_where_another_writer_was_first)
{
	struct kb_blob_writer *w;
	int64_t damage;

	ck_ok(kb_store_create(repo.store, segment_name(0), &w));
	ck_ok(kb_blob_write(w, kb_slice_str("theirs")));
	ck_ok(kb_blob_publish(w));
	put_batch(0, 3, true, 0, -1);
	ck_ok(take(NULL, 0, &damage));
	ck_assert_int_eq(kb_lane_publish(&lane, &deposit, hand), -EEXIST);
	ck_assert(lane.broken);
	ck_assert_int_eq(lane.published_failure.code, -EEXIST);
	ck_assert_uint_eq(deposit.totals.segments, 0);
	ck_assert_ptr_null(lane.writer);
}
END_TEST

START_TEST(lane__publishes_before_a_gap_and_joins_it)
{
	int64_t damage;
	char name[KB_NAME_MAX];
	struct kb_gap gap;

	put_batch(0, 3, true, 0, -1);
	ck_ok(take(NULL, 0, &damage));
	ck_ok(kb_lane_put_gap(
		&lane, &deposit, hand, 20, KB_GAP_RETENTION, "why"));
	kb_layout_gap(name, &lane.topic, 0, 3, 20);
	ck_ok(kb_gap_read(repo.store, name, &gap));
	ck_assert_int_eq(gap.reason, KB_GAP_RETENTION);
	ck_assert_str_eq(gap.detail, "why");
	ck_assert_int_eq(lane.next, 20);
	ck_ok(kb_lane_put_gap(&lane, &deposit, hand, 20, KB_GAP_RETENTION, ""));
	ck_assert_uint_eq(deposit.totals.gaps, 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("lane");
	TCase *c = tcase_create("lane");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, lane__keeps_large_compressed_batches_byte_for_byte);
	tcase_add_test(c, lane__merges_small_batches_and_keeps_their_offsets);
	tcase_add_test(c, lane__merges_up_to_a_size);
	tcase_add_test(c, lane__leaves_zstd_batches_alone_sooner);
	tcase_add_test(c, lane__merges_all_small_batches_when_told_to_compress);
	tcase_add_test(c, lane__merges_small_batches_of_other_codecs);
	tcase_add_test(c, lane__writes_what_waits_before_a_large_batch);
	tcase_add_test(c, lane__never_merges_leader_epochs);
	tcase_add_test(c, lane__never_merges_log_append_times);
	tcase_add_test(c, lane__merges_no_part_of_a_damaged_batch);
	tcase_add_test(c, lane__keeps_the_epoch_of_what_lies_before_damage);
	tcase_add_test(c, lane__merges_no_batches_too_far_apart);
	tcase_add_test(c, lane__stores_alone_what_spans_too_much_time);
	tcase_add_test(c, lane__rolls_by_records);
	tcase_add_test(c, lane__ends_damage_where_the_next_batch_begins);
	tcase_add_test(c, lane__recompresses_what_comes_uncompressed);
	tcase_add_test(c, lane__verbatim_means_verbatim);
	tcase_add_test(c, lane__cuts_inside_batches_at_both_ends);
	tcase_add_test(c, lane__stores_nothing_at_or_after_the_cut);
	tcase_add_test(c, lane__leaves_out_aborted_records_and_markers);
	tcase_add_test(c, lane__takes_what_lies_before_damage_and_names_it);
	tcase_add_test(c, lane__refuses_a_batch_that_comes_late);
	tcase_add_test(c, lane__refuses_a_batch_that_overlaps_the_next);
	tcase_add_test(c, lane__goes_on_behind_damage);
	tcase_add_test(c, lane__cannot_say_where_a_torn_header_ends);
	tcase_add_test(c, lane__waits_for_the_rest_of_a_torn_tail);
	tcase_add_test(c, lane__rolls_segments_that_follow_each_other);
	tcase_add_test(c, lane__stops_where_another_writer_was_first);
	tcase_add_test(c, lane__publishes_before_a_gap_and_joins_it);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_set_tap(r, "-");
	srunner_run_all(r, CK_SILENT);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
