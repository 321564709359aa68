#include <errno.h>
#include <zstd.h>

#include "format/codec.h"
#include "random.h"
#include "suite.h"

START_TEST(compressor__round_trips_at_every_level)
{
	static const int levels[] = {-5, -1, 1, 3, 12, 19, 22};
	static const size_t sizes[] = {0, 1, 1000, 300000};
	struct random rnd = {5};
	struct kb_compressor *c;
	struct kb_decoder *d;
	struct kb_buf in = {0}, out = {0};
	struct kb_slice back;

	ck_ok(kb_compressor_new(&c));
	ck_ok(kb_decoder_new(&d));
	for (size_t i = 0; i < 7 * 4; i++) {
		kb_buf_clear(&in);
		kb_buf_clear(&out);
		ck_ok(kb_buf_reserve(&in, sizes[i % 4] + 1));
		in.len = sizes[i % 4];
		random_fill(&rnd, in.data, in.len);
		ck_ok(kb_buf_put(&out, "head", 4));
		ck_ok(kb_compressor_run(
			c, levels[i / 4], kb_buf_slice(&in), &out));
		ck_assert_mem_eq(out.data, "head", 4);
		ck_ok(kb_decoder_run(d, KB_CODEC_ZSTD,
			kb_slice_of(out.data + 4, out.len - 4), in.len, &back));
		ck_assert_uint_eq(back.len, in.len);
		ck_assert(!memcmp(back.data, in.data, in.len));
	}
	kb_buf_release(&in);
	kb_buf_release(&out);
	kb_compressor_free(c);
	kb_decoder_free(d);
}
END_TEST

/* RFC 8878, 3.1.1.1: what clients need of a frame. */
START_TEST(compressor__writes_frames_that_every_client_reads)
{
	const size_t len = 20 << 20;
	struct kb_compressor *c;
	struct kb_buf in = {0}, out = {0};

	ck_ok(kb_compressor_new(&c));
	ck_ok(kb_buf_reserve(&in, len));
	memset(in.data, 0, len);
	in.len = len;
	for (int level = -1; level <= 22; level += 23) {
		uint8_t descriptor;

		kb_buf_clear(&out);
		ck_ok(kb_compressor_run(c, level, kb_buf_slice(&in), &out));
		ck_assert_uint_eq(
			ZSTD_getFrameContentSize(out.data, out.len), len);
		descriptor = out.data[4];
		ck_assert_int_eq(descriptor & 0x04, 0);	       /* checksum */
		ck_assert_int_eq(descriptor & 0x03, 0);	       /* dictionary */
		ck_assert_int_eq(descriptor & 0x20, 0);	       /* one segment */
		ck_assert_int_le(10 + (out.data[5] >> 3), 23); /* window */
	}
	kb_buf_release(&in);
	kb_buf_release(&out);
	kb_compressor_free(c);
}
END_TEST

KB_SUITE("compressor", compressor__round_trips_at_every_level,
	compressor__writes_frames_that_every_client_reads)
