#include "restore/packer.h"

#include <errno.h>

#include "format/batch.h"
#include "format/record.h"
#include "random.h"
#include "suite.h"

#define LIMIT 4096

static struct kb_packer *packer;
static struct kb_decoder *decoder;
static int64_t next; /* timestamp that the next record has to have */

static void
setup(void)
{
	ck_ok(kb_packer_new(LIMIT, &packer));
	ck_ok(kb_decoder_new(&decoder));
}

static void
teardown(void)
{
	kb_packer_free(packer);
	kb_decoder_free(decoder);
}

/* A record of that many bytes; its timestamp counts it. */
static int
add(int64_t timestamp, size_t len)
{
	static uint8_t noise[1 << 20];
	struct random random = {77};
	struct kb_record r = {
		.offset = 4711,
		.timestamp = timestamp,
		.value = kb_slice_of(noise, len),
	};

	random_fill(&random, noise, len);
	return kb_packer_add(packer, &r);
}

/* Takes the oldest batch: what a broker asks of it holds. */
static int32_t
take(void)
{
	struct kb_parcel parcel;
	struct kb_records it;
	struct kb_record r;
	struct kb_slice raw;
	struct kb_batch b;
	int64_t offset = 0;

	ck_ok(kb_packer_peek(packer, &parcel));
	ck_ok(kb_batch_parse(kb_slice_of(parcel.batch, parcel.len), &b));
	ck_ok(kb_batch_check(&b));
	ck_assert_uint_eq(b.bytes.len, parcel.len);
	ck_assert_int_eq(b.count, parcel.count);
	ck_assert_int_eq(b.base_offset, 0);
	ck_assert_int_eq(b.last_offset_delta, b.count - 1);
	ck_assert_int_eq(b.attributes, KB_CODEC_ZSTD);
	ck_assert_int_eq(b.producer_id, -1);
	ck_ok(kb_decoder_run(
		decoder, KB_CODEC_ZSTD, b.body, KB_DECODE_MAX, &raw));
	kb_records_init(&it, &b, raw);
	while (kb_records_next(&it, &r) == 0) {
		ck_assert_int_eq(r.offset, offset++);
		ck_assert_int_eq(r.timestamp, next++);
	}
	ck_assert_int_eq(offset, parcel.count);
	kb_packer_done(packer);
	return parcel.count;
}

static void
assert_empty(void)
{
	struct kb_parcel parcel;

	ck_assert_int_eq(kb_packer_peek(packer, &parcel), 1);
	ck_assert_uint_eq(kb_packer_records(packer), 0);
}

START_TEST(packer__makes_batches_that_a_broker_takes)
{
	setup();
	next = -1; /* "no timestamp" among others */
	for (int i = 0; i < 10; i++)
		ck_ok(add(next + i, 30));
	ck_assert_uint_eq(kb_packer_records(packer), 10);
	ck_ok(kb_packer_seal(packer));
	ck_assert_int_eq(take(), 10);
	assert_empty();
	teardown();
}
END_TEST

START_TEST(packer__seals_nothing_of_nothing)
{
	setup();
	ck_ok(kb_packer_seal(packer));
	assert_empty();
	teardown();
}
END_TEST

START_TEST(packer__splits_by_bytes)
{
	setup();
	next = 0;
	ck_ok(add(0, 2000));
	ck_ok(add(1, 1800));
	ck_assert_int_eq(add(2, 400), 1);
	ck_ok(kb_packer_seal(packer));
	ck_assert_int_eq(add(2, 10), 1); /* sealed batches first */
	ck_assert_int_eq(take(), 2);
	ck_ok(add(2, 400));
	teardown();
}
END_TEST

START_TEST(packer__sends_a_large_record_alone)
{
	setup();
	next = 0;
	ck_ok(add(0, 10 * LIMIT));
	ck_assert_int_eq(add(1, 1), 1);
	ck_ok(kb_packer_seal(packer));
	ck_assert_int_eq(take(), 1);
	ck_ok(add(1, 1));
	ck_assert_int_eq(add(2, 10 * LIMIT), 1);
	teardown();
}
END_TEST

START_TEST(packer__halves_down_to_single_records_in_order)
{
	struct kb_parcel parcel;

	setup();
	next = 0;
	for (int i = 0; i < 37; i++)
		ck_ok(add(i, 50));
	ck_ok(kb_packer_seal(packer));
	for (int i = 0; i < 37; i++) {
		for (;;) {
			ck_ok(kb_packer_peek(packer, &parcel));
			if (parcel.count == 1)
				break;
			ck_ok(kb_packer_halve(packer));
			ck_assert_uint_eq(
				kb_packer_records(packer), 37u - (unsigned)i);
		}
		ck_assert_int_eq(kb_packer_halve(packer), 1);
		ck_assert_int_eq(take(), 1);
	}
	assert_empty();
	teardown();
}
END_TEST

START_TEST(packer__remembers_the_limit_that_halving_showed)
{
	setup();
	next = 0;
	for (int i = 0; i < 3; i++)
		ck_ok(add(i, 1200));
	ck_ok(kb_packer_seal(packer));
	ck_ok(kb_packer_halve(packer));
	ck_assert_int_eq(take(), 1);
	ck_assert_int_eq(take(), 2);
	ck_ok(add(3, 1200));
	ck_assert_int_eq(add(4, 1200), 1);
	teardown();
}
END_TEST

START_TEST(packer__gives_memory_back_when_empty)
{
	setup();
	next = 0;
	ck_ok(add(0, 3000));
	kb_packer_shrink(packer);
	ck_assert_uint_ge(kb_packer_memory(packer), 3000);
	ck_ok(kb_packer_seal(packer));
	kb_packer_shrink(packer);
	ck_assert_int_eq(take(), 1);
	kb_packer_shrink(packer);
	ck_assert_uint_eq(kb_packer_memory(packer), 0);
	teardown();
}
END_TEST

KB_SUITE("packer", packer__makes_batches_that_a_broker_takes,
	packer__seals_nothing_of_nothing, packer__splits_by_bytes,
	packer__sends_a_large_record_alone,
	packer__halves_down_to_single_records_in_order,
	packer__remembers_the_limit_that_halving_showed,
	packer__gives_memory_back_when_empty)
