#include "format/batch.h"

#include <errno.h>

#include "common/bytes.h"
#include "suite.h"

#define LEN (KB_BATCH_HEADER + 10)

static uint8_t bytes[LEN + 100];

/* A batch at offset 1000 of three records' place and ten bytes of body. */
static const struct kb_batch_header header = {
	.base_offset = 1000,
	.leader_epoch = 7,
	.attributes = KB_CODEC_ZSTD | KB_BATCH_LOGAPPEND,
	.last_offset_delta = 5,
	.base_timestamp = 1700000000123,
	.max_timestamp = 1700000009999,
	.producer_id = 42,
	.producer_epoch = 3,
	.base_sequence = 17,
	.count = 3,
};

static void
make(void)
{
	memset(bytes, 0xa5, sizeof(bytes));
	memcpy(bytes + KB_BATCH_HEADER, "0123456789", 10);
	kb_batch_seal(bytes, LEN, &header);
}

static int
parse(size_t len, struct kb_batch *out)
{
	return kb_batch_parse(kb_slice_of(bytes, len), out);
}

START_TEST(batch_parse__reads_back_what_seal_wrote)
{
	struct kb_batch_header h;
	struct kb_batch b;

	make();
	ck_ok(parse(sizeof(bytes), &b));
	kb_batch_header_of(&b, &h);
	ck_assert_int_eq(h.base_offset, header.base_offset);
	ck_assert_int_eq(h.leader_epoch, header.leader_epoch);
	ck_assert_int_eq(h.attributes, header.attributes);
	ck_assert_int_eq(h.last_offset_delta, header.last_offset_delta);
	ck_assert_int_eq(h.base_timestamp, header.base_timestamp);
	ck_assert_int_eq(h.max_timestamp, header.max_timestamp);
	ck_assert_int_eq(h.producer_id, header.producer_id);
	ck_assert_int_eq(h.producer_epoch, header.producer_epoch);
	ck_assert_int_eq(h.base_sequence, header.base_sequence);
	ck_assert_int_eq(h.count, header.count);
	ck_assert_int_eq(kb_batch_codec(&b), KB_CODEC_ZSTD);
	ck_assert_int_eq(kb_batch_last(&b), 1005);
	ck_assert_ptr_eq(b.bytes.data, bytes);
	ck_assert_uint_eq(b.bytes.len, LEN);
	ck_assert_uint_eq(b.body.len, 10);
	ck_assert_mem_eq(b.body.data, "0123456789", 10);
	ck_ok(kb_batch_check(&b));
}
END_TEST

START_TEST(batch_parse__asks_for_more_at_every_torn_length)
{
	struct kb_batch b;

	make();
	for (size_t n = 0; n < LEN; n++)
		ck_assert_int_eq(parse(n, &b), 1);
}
END_TEST

START_TEST(batch_parse__never_judges_fewer_than_17_bytes)
{
	struct kb_batch b;

	memset(bytes, 0xff, sizeof(bytes));
	for (size_t n = 0; n < 17; n++)
		ck_assert_int_eq(parse(n, &b), 1);
	ck_assert_int_eq(parse(17, &b), -EBADMSG);
}
END_TEST

START_TEST(batch_check__finds_every_flipped_bit)
{
	struct kb_batch b;

	make();
	/* base offset and leader epoch are outside the checksum */
	for (size_t bit = 16 * 8; bit < LEN * 8; bit++) {
		int r;

		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		r = parse(LEN, &b);
		ck_assert(r < 0 || kb_batch_check(&b) == -EBADMSG);
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	ck_ok(parse(LEN, &b));
	ck_ok(kb_batch_check(&b));
}
END_TEST

START_TEST(batch_parse__refuses_lengths_no_batch_can_have)
{
	static const uint32_t bad[] = {
		0, 48, 0x7ffffff4, 0x7fffffff, 0x80000000, 0xffffffff};
	struct kb_batch b;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		make();
		kb_store_be32(bytes + 8, bad[i]);
		ck_assert_int_eq(parse(sizeof(bytes), &b), -EBADMSG);
		ck_assert_int_eq(parse(17, &b), -EBADMSG);
	}
	kb_store_be32(bytes + 8, 0x7ffffff3);
	ck_assert_int_eq(parse(sizeof(bytes), &b), 1);
}
END_TEST

START_TEST(batch_parse__takes_a_batch_without_a_body)
{
	struct kb_batch b;

	make();
	kb_batch_seal(bytes, KB_BATCH_HEADER, &header);
	ck_ok(parse(sizeof(bytes), &b));
	ck_ok(kb_batch_check(&b));
	ck_assert_uint_eq(b.body.len, 0);
	ck_assert_ptr_nonnull(b.body.data);
}
END_TEST

START_TEST(batch_parse__names_old_magics)
{
	struct kb_batch b;

	for (uint8_t magic = 0; magic < 2; magic++) {
		make();
		bytes[16] = magic;
		ck_assert_int_eq(parse(LEN, &b), -EPROTONOSUPPORT);
		ck_assert_ptr_nonnull(
			strstr(kb_err_text(), magic ? "magic 1" : "magic 0"));
	}
	bytes[16] = 3;
	ck_assert_int_eq(parse(LEN, &b), -EBADMSG);
}
END_TEST

START_TEST(batch_parse__calls_zeros_damage)
{
	struct kb_batch b;

	memset(bytes, 0, sizeof(bytes));
	ck_assert_int_eq(parse(64, &b), -EBADMSG);
}
END_TEST

static int
parse_with(struct kb_batch_header h)
{
	struct kb_batch b;

	make();
	kb_batch_seal(bytes, LEN, &h);
	return parse(LEN, &b);
}

START_TEST(batch_parse__refuses_numbers_that_make_no_sense)
{
	struct kb_batch_header h = header;

	h.base_offset = -1;
	ck_assert_int_eq(parse_with(h), -EBADMSG);
	h.base_offset = INT64_MAX - 5; /* the end would overflow */
	ck_assert_int_eq(parse_with(h), -EBADMSG);
	h.base_offset = INT64_MAX - 6;
	ck_assert_int_eq(parse_with(h), 0);
	h = header;
	h.last_offset_delta = -1;
	ck_assert_int_eq(parse_with(h), -EBADMSG);
	h = header;
	h.count = -1;
	ck_assert_int_eq(parse_with(h), -EBADMSG);
	h.count = 0;
	ck_assert_int_eq(parse_with(h), 0);
	for (int16_t codec = 5; codec < 8; codec++) {
		h.attributes = codec;
		ck_assert_int_eq(parse_with(h), -EBADMSG);
	}
}
END_TEST

KB_SUITE("batch", batch_parse__reads_back_what_seal_wrote,
	batch_parse__asks_for_more_at_every_torn_length,
	batch_parse__never_judges_fewer_than_17_bytes,
	batch_check__finds_every_flipped_bit,
	batch_parse__refuses_lengths_no_batch_can_have,
	batch_parse__takes_a_batch_without_a_body,
	batch_parse__names_old_magics, batch_parse__calls_zeros_damage,
	batch_parse__refuses_numbers_that_make_no_sense)
