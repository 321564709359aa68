#include "format/codec.h"

#include <errno.h>
#include <lz4frame.h>
#include <snappy-c.h>
#include <stdbool.h>
#include <zlib.h>
#include <zstd.h>

#include "random.h"
#include "suite.h"

static struct kb_decoder *decoder;

static void
setup(void)
{
	if (!decoder)
		ck_ok(kb_decoder_new(&decoder));
}

/* ---- the libraries' own encoders, straight ---- */

static void
put_gzip(struct kb_buf *out, struct kb_slice in)
{
	z_stream z = {0};

	ck_assert_int_eq(deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8,
				 Z_DEFAULT_STRATEGY),
		Z_OK);
	ck_ok(kb_buf_reserve(out, deflateBound(&z, in.len)));
	z.next_in = (Bytef *)in.data;
	z.avail_in = (uInt)in.len;
	z.next_out = out->data + out->len;
	z.avail_out = (uInt)(out->cap - out->len);
	ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
	out->len += z.total_out;
	deflateEnd(&z);
}

static void
put_snappy(struct kb_buf *out, struct kb_slice in)
{
	size_t n = snappy_max_compressed_length(in.len);

	ck_ok(kb_buf_reserve(out, n));
	ck_assert_int_eq(snappy_compress((const char *)in.data, in.len,
				 (char *)out->data + out->len, &n),
		SNAPPY_OK);
	out->len += n;
}

static void
put_xerial(struct kb_buf *out, struct kb_slice in)
{
	static const uint8_t head[16] = {
		0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0, 0, 0, 0, 1, 0, 0, 0, 1};
	struct kb_buf block = {0};

	ck_ok(kb_buf_put(out, head, sizeof(head)));
	while (in.len) {
		size_t n = in.len < 32768 ? in.len : 32768;

		kb_buf_clear(&block);
		put_snappy(&block, kb_slice_of(in.data, n));
		ck_ok(kb_buf_put_i32(out, (int32_t)block.len));
		ck_ok(kb_buf_put(out, block.data, block.len));
		in.data += n;
		in.len -= n;
	}
	kb_buf_release(&block);
}

static void
put_lz4(struct kb_buf *out, struct kb_slice in)
{
	size_t n = LZ4F_compressFrameBound(in.len, NULL);

	ck_ok(kb_buf_reserve(out, n));
	n = LZ4F_compressFrame(out->data + out->len, n, in.data, in.len, NULL);
	ck_assert(!LZ4F_isError(n));
	out->len += n;
}

static void
put_zstd(struct kb_buf *out, struct kb_slice in)
{
	size_t n = ZSTD_compressBound(in.len);

	ck_ok(kb_buf_reserve(out, n));
	n = ZSTD_compress(out->data + out->len, n, in.data, in.len, 3);
	ck_assert(!ZSTD_isError(n));
	out->len += n;
}

/* A frame that does not say how much is in it. */
static void
put_zstd_stream(struct kb_buf *out, struct kb_slice in)
{
	ZSTD_CCtx *c = ZSTD_createCCtx();
	ZSTD_inBuffer src = {in.data, in.len, 0};
	ZSTD_outBuffer dst;

	ck_ok(kb_buf_reserve(out, ZSTD_compressBound(in.len)));
	dst = (ZSTD_outBuffer){out->data + out->len, out->cap - out->len, 0};
	ZSTD_CCtx_setParameter(c, ZSTD_c_contentSizeFlag, 0);
	ck_assert_uint_eq(ZSTD_compressStream2(c, &dst, &src, ZSTD_e_end), 0);
	out->len += dst.pos;
	ZSTD_freeCCtx(c);
}

static const struct way {
	enum kb_codec codec;
	void (*put)(struct kb_buf *out, struct kb_slice in);
	bool joins;   /* one after another decode to both */
	bool trailer; /* every byte is needed and none may follow */
} ways[] = {
	{KB_CODEC_GZIP, put_gzip, true, true},
	{KB_CODEC_SNAPPY, put_snappy, false, true},
	{KB_CODEC_SNAPPY, put_xerial, true, false},
	{KB_CODEC_LZ4, put_lz4, true, true},
	{KB_CODEC_ZSTD, put_zstd, true, true},
	{KB_CODEC_ZSTD, put_zstd_stream, true, true},
};
#define WAYS (sizeof(ways) / sizeof(*ways))

/* A test that is run once a way. */
#define EACH_WAY(name)                                                         \
	static void name##_of(const struct way *w);                            \
	START_TEST(name)                                                       \
	{                                                                      \
		setup();                                                       \
		for (size_t way = 0; way < WAYS; way++)                        \
			name##_of(&ways[way]);                                 \
	}                                                                      \
	END_TEST                                                               \
	static void name##_of(const struct way *w)

static int
run(const struct way *w, const struct kb_buf *in, size_t max,
	struct kb_slice *out)
{
	return kb_decoder_run(decoder, w->codec, kb_buf_slice(in), max, out);
}

EACH_WAY(decoder__gives_back_what_each_library_wrote)
{
	static const size_t sizes[] = {
		0, 1, 2, 100, 65535, 65536, 65537, 1 << 20, (9 << 20) + 3};
	struct random rnd = {42};
	struct kb_buf in = {0}, stored = {0};
	struct kb_slice out;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		ck_ok(kb_buf_reserve(&in, sizes[i] + 1));
		in.len = sizes[i];
		random_fill(&rnd, in.data, in.len);
		kb_buf_clear(&stored);
		w->put(&stored, kb_buf_slice(&in));
		ck_ok(run(w, &stored, KB_DECODE_MAX, &out));
		ck_assert_uint_eq(out.len, in.len);
		ck_assert_ptr_nonnull(out.data);
		ck_assert(!memcmp(out.data, in.data, in.len));
	}
	kb_buf_release(&in);
	kb_buf_release(&stored);
}

EACH_WAY(decoder__joins_frames_one_after_another)
{
	struct kb_buf stored = {0};
	struct kb_slice out;

	if (!w->joins)
		return;
	w->put(&stored, kb_slice_str("one, "));
	w->put(&stored, kb_slice_str("two"));
	ck_ok(run(w, &stored, 100, &out));
	ck_assert_uint_eq(out.len, 8);
	ck_assert_mem_eq(out.data, "one, two", 8);
	kb_buf_release(&stored);
}

EACH_WAY(decoder__holds_the_limit_to_the_byte)
{
	static const size_t sizes[] = {10, 4000, 65536, 1 << 20, 9 << 20};
	struct kb_buf in = {0}, stored = {0};
	struct kb_slice out;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		size_t len = sizes[i];

		ck_ok(kb_buf_reserve(&in, len));
		in.len = len;
		memset(in.data, 'x', len);
		kb_buf_clear(&stored);
		w->put(&stored, kb_buf_slice(&in));
		ck_ok(run(w, &stored, len, &out));
		ck_assert_uint_eq(out.len, len);
		ck_assert_int_eq(run(w, &stored, len - 1, &out), -EBADMSG);
		ck_assert_int_eq(run(w, &stored, 0, &out), -EBADMSG);
	}
	kb_buf_release(&in);
	kb_buf_release(&stored);
}

EACH_WAY(decoder__refuses_every_truncation)
{
	struct random rnd = {7};
	struct kb_buf stored = {0};
	struct kb_slice out;
	uint8_t in[700];

	random_fill(&rnd, in, sizeof(in));
	w->put(&stored, kb_slice_of(in, sizeof(in)));
	for (size_t n = stored.len; n-- > 0;) {
		/* a copy of exactly n bytes, for the sanitizer to guard */
		uint8_t *cut = malloc(n ? n : 1);
		int r;

		ck_assert_ptr_nonnull(cut);
		memcpy(cut, stored.data, n);
		r = kb_decoder_run(decoder, w->codec, kb_slice_of(cut, n),
			KB_DECODE_MAX, &out);
		if (w->trailer || n != 16) /* xerial: a head, no block */
			ck_assert_int_eq(r, -EBADMSG);
		free(cut);
	}
	kb_buf_release(&stored);
}

EACH_WAY(decoder__refuses_bytes_after_the_end)
{
	struct kb_buf stored = {0};
	struct kb_slice out;

	w->put(&stored, kb_slice_str("some text, some text"));
	for (int n = 1; n < 20; n++) {
		ck_ok(kb_buf_put(&stored, "\xa5", 1));
		ck_assert_int_eq(run(w, &stored, 1000, &out), -EBADMSG);
	}
	kb_buf_release(&stored);
}

EACH_WAY(decoder__survives_every_flipped_bit)
{
	struct random rnd = {99};
	struct kb_buf stored = {0};
	struct kb_slice out;
	uint8_t in[300];

	random_fill(&rnd, in, sizeof(in));
	w->put(&stored, kb_slice_of(in, sizeof(in)));
	for (size_t bit = 0; bit < stored.len * 8; bit++) {
		int r;

		stored.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		r = run(w, &stored, 1 << 20, &out);
		ck_assert(r == -EBADMSG || (r == 0 && out.len <= 1 << 20));
		stored.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	ck_ok(run(w, &stored, sizeof(in), &out));
	ck_assert_mem_eq(out.data, in, sizeof(in));
	kb_buf_release(&stored);
}

START_TEST(decoder__lends_uncompressed_bytes_unmoved)
{
	struct kb_slice in = kb_slice_str("as they are"), out;

	setup();
	ck_ok(kb_decoder_run(decoder, KB_CODEC_NONE, in, in.len, &out));
	ck_assert_ptr_eq(out.data, in.data);
	ck_assert_int_eq(
		kb_decoder_run(decoder, KB_CODEC_NONE, in, in.len - 1, &out),
		-EBADMSG);
}
END_TEST

START_TEST(decoder__refuses_unknown_codecs)
{
	struct kb_slice out;

	setup();
	for (int codec = 5; codec < 9; codec++) {
		ck_assert_int_eq(kb_decoder_run(decoder, (enum kb_codec)codec,
					 kb_slice_str("x"), 10, &out),
			-EBADMSG);
		ck_assert_str_eq(kb_codec_name(codec), "unknown");
	}
	ck_assert_str_eq(kb_codec_name(KB_CODEC_SNAPPY), "snappy");
	ck_assert_str_eq(kb_codec_name(-1), "unknown");
}
END_TEST

START_TEST(decoder__does_not_believe_snappy_claims)
{
	/* claims 1 GiB, then has three bytes */
	static const uint8_t raw[] = {0x80, 0x80, 0x80, 0x80, 4, 1, 2, 3};
	struct kb_slice out;
	struct kb_buf in = {0};

	setup();
	ck_assert_int_eq(
		kb_decoder_run(decoder, KB_CODEC_SNAPPY,
			kb_slice_of(raw, sizeof(raw)), KB_DECODE_MAX, &out),
		-EBADMSG);
	ck_assert_ptr_nonnull(strstr(kb_err_text(), "cannot decode to"));
	put_xerial(&in, kb_slice_str("text"));
	in.len = 16;
	ck_ok(kb_buf_put_i32(&in, -1));
	ck_assert_int_eq(run(&ways[2], &in, KB_DECODE_MAX, &out), -EBADMSG);
	in.len = 16;
	ck_ok(kb_buf_put_i32(&in, INT32_MAX));
	ck_assert_int_eq(run(&ways[2], &in, KB_DECODE_MAX, &out), -EBADMSG);
	kb_buf_release(&in);
}
END_TEST

START_TEST(decoder__takes_the_densest_snappy_there_is)
{
	/* 1 literal, then copies of 64 bytes at distance 1, three each */
	struct kb_buf in = {0};
	struct kb_slice out;
	const size_t copies = 1000;

	setup();
	ck_ok(kb_buf_put_uvarint(&in, 1 + 64 * copies));
	ck_ok(kb_buf_put(&in, "\0x", 2));
	for (size_t i = 0; i < copies; i++)
		ck_ok(kb_buf_put(&in, "\xfe\1\0", 3));
	ck_ok(run(&ways[1], &in, KB_DECODE_MAX, &out));
	ck_assert_uint_eq(out.len, 1 + 64 * copies);
	kb_buf_release(&in);
}
END_TEST

/* Of a frame that does not say so: more than is ever decoded at once. */
START_TEST(decoder__streams_zstd_frames_that_outgrow_its_buffer)
{
	struct kb_buf in = {0}, text = {0};
	struct kb_slice out;
	size_t size = (12 << 20) + 1;

	setup();
	ck_ok(kb_buf_reserve(&text, size));
	for (text.len = 0; text.len < size; text.len++)
		text.data[text.len] = (uint8_t)(text.len * text.len >> 9);
	put_zstd_stream(&in, kb_buf_slice(&text));
	ck_assert_uint_lt(in.len, size / 16);
	for (int i = 0; i < 2; i++) {
		ck_ok(run(&ways[5], &in, size, &out));
		ck_assert_uint_eq(out.len, size);
		ck_assert_int_eq(memcmp(out.data, text.data, size), 0);
	}
	ck_assert_int_eq(run(&ways[5], &in, size - 1, &out), -EBADMSG);
	kb_buf_release(&in);
	kb_buf_release(&text);
}
END_TEST

START_TEST(decoder__streams_no_zstd_windows_above_128_mib)
{
	/* RFC 8878: window of 2^28; blocks of 128 KiB of one byte */
	static const uint8_t head[] = {0x28, 0xb5, 0x2f, 0xfd, 0, 0x90};
	static const uint8_t block[] = {2, 0, 0x10, 'x'};
	static const uint8_t last[] = {1, 0, 0};
	struct kb_buf in = {0};
	struct kb_slice out;

	setup();
	ck_ok(kb_buf_put(&in, head, sizeof(head)));
	for (int i = 0; i < 80; i++)
		ck_ok(kb_buf_put(&in, block, sizeof(block)));
	ck_ok(kb_buf_put(&in, last, sizeof(last)));
	ck_assert_int_eq(run(&ways[5], &in, 10 << 20, &out), -EBADMSG);
	in.data[5] = 0x88; /* 2^27 */
	ck_ok(run(&ways[5], &in, 10 << 20, &out));
	ck_assert_uint_eq(out.len, 10 << 20);
	kb_buf_release(&in);
}
END_TEST

KB_SUITE("codec", decoder__gives_back_what_each_library_wrote,
	decoder__joins_frames_one_after_another,
	decoder__holds_the_limit_to_the_byte, decoder__refuses_every_truncation,
	decoder__refuses_bytes_after_the_end,
	decoder__survives_every_flipped_bit,
	decoder__lends_uncompressed_bytes_unmoved,
	decoder__refuses_unknown_codecs,
	decoder__does_not_believe_snappy_claims,
	decoder__takes_the_densest_snappy_there_is,
	decoder__streams_zstd_frames_that_outgrow_its_buffer,
	decoder__streams_no_zstd_windows_above_128_mib)
