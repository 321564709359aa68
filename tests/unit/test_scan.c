#include "index/scan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cancel.h"
#include "common/bytes.h"
#include "format/codec.h"
#include "format/encoder.h"
#include "stores.h"

#define NAME "data/orders/x/0/00000000000000000005.log"

static const struct kb_topic_ref orders = {"orders", {{1}}};
static struct kb_store *store;
static struct kb_scan *scan;
static struct kb_compressor *zstd;
static struct kb_encoder encoder;
static struct kb_buf segment;
static struct kb_cancel cancel;

static void
setup(void)
{
	ck_ok(kb_store_new_memory(&store));
	ck_ok(kb_cancel_init(&cancel));
	ck_ok(kb_scan_new(&cancel, &scan));
	ck_ok(kb_compressor_new(&zstd));
	kb_encoder_init(&encoder);
}

static void
teardown(void)
{
	kb_scan_free(scan);
	kb_compressor_free(zstd);
	kb_encoder_release(&encoder);
	kb_buf_release(&segment);
	kb_store_free(store);
	kb_cancel_release(&cancel);
}

/* Appends a batch of one record whose value is `size` bytes. */
static void
add_batch(int64_t offset, size_t size, bool compress)
{
	struct kb_batch_header h = {.producer_id = -1};
	char *value = malloc(size + 1);

	memset(value, 'x', size);
	ck_ok(kb_encoder_add(
		&encoder, &(struct kb_record){.offset = offset,
				  .timestamp = 7,
				  .value = kb_slice_of(value, size)}));
	ck_ok(kb_encoder_finish(
		&encoder, compress ? zstd : NULL, 1, &h, &segment));
	free(value);
}

static void
put_segment(size_t len)
{
	struct kb_blob_writer *w;

	kb_store_remove(store, NAME);
	ck_ok(kb_store_create(store, NAME, &w));
	ck_ok(kb_blob_write(w, kb_slice_of(segment.data, len)));
	ck_ok(kb_blob_publish(w));
}

static int
run(struct kb_segment *out)
{
	const struct kb_block *blocks;
	int r = kb_scan_run(scan, store, NAME, &orders, 0, 5, out, &blocks);

	if (r == 0)
		ck_assert_uint_eq(blocks[0].position, 0);
	return r;
}

START_TEST(scan__sums_batches_of_all_sizes)
{
	struct kb_segment sum;

	setup();
	add_batch(5, 10, false);
	add_batch(6, 3 << 20, false);
	add_batch(7, 3 << 20, true);
	add_batch(8, (1 << 20) - 70, false);
	add_batch(9, 12 << 20, false);
	for (int i = 0; i < 3000; i++)
		add_batch(10 + i, 1000, false);
	put_segment(segment.len);
	for (int i = 0; i < 2; i++) {
		ck_ok(run(&sum));
		ck_assert_uint_eq(sum.bytes, segment.len);
		ck_assert_uint_eq(sum.records, 3005);
		ck_assert_int_eq(sum.first, 5);
		ck_assert_int_eq(sum.end, 3010);
	}
	teardown();
}
END_TEST

START_TEST(scan__refuses_a_cut_at_every_byte)
{
	struct kb_segment sum;
	size_t one;

	setup();
	add_batch(5, 40, false);
	one = segment.len;
	add_batch(6, 40, false);
	for (size_t len = 0; len < segment.len; len++) {
		put_segment(len);
		if (len == one) {
			ck_ok(run(&sum)); /* shorter, but whole */
			ck_assert_uint_eq(sum.records, 1);
			continue;
		}
		ck_assert_int_eq(run(&sum), -EBADMSG);
		ck_assert_ptr_nonnull(strstr(kb_err_text(), NAME));
	}
	teardown();
}
END_TEST

START_TEST(scan__sees_a_flip_of_every_bit)
{
	struct kb_segment sum, flipped;

	setup();
	add_batch(5, 40, false);
	add_batch(6, 40, true);
	put_segment(segment.len);
	ck_ok(run(&sum));
	for (size_t bit = 0; bit < segment.len * 8; bit++) {
		segment.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		put_segment(segment.len);
		segment.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		/* What no checksum covers, the SHA-256 does. */
		if (run(&flipped) == 0)
			ck_assert_mem_ne(
				sum.sha256, flipped.sha256, sizeof(sum.sha256));
		else
			ck_assert_ptr_nonnull(strstr(kb_err_text(), NAME));
	}
	teardown();
}
END_TEST

START_TEST(scan__asks_no_memory_for_a_damaged_length)
{
	struct kb_segment sum;

	setup();
	add_batch(5, 40, false);
	kb_store_be32(segment.data + 8, INT32_MAX - 12);
	put_segment(segment.len);
	ck_assert_int_eq(run(&sum), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(kb_err_text(), NAME ": position 0: "));
	teardown();
}
END_TEST

START_TEST(scan__ends_when_cancelled)
{
	struct kb_segment sum;

	setup();
	add_batch(5, 40, false);
	put_segment(segment.len);
	kb_cancel_fire(&cancel, 15);
	ck_assert_int_eq(run(&sum), -ECANCELED);
	teardown();
}
END_TEST

KB_SUITE("scan", scan__sums_batches_of_all_sizes,
	scan__refuses_a_cut_at_every_byte, scan__sees_a_flip_of_every_bit,
	scan__asks_no_memory_for_a_damaged_length, scan__ends_when_cancelled)
