/*
 * Every decoder writes into one buffer that grows with what was really
 * decoded. Producers' zstd frames do not say how large they are, and a stream
 * of them is decoded into a window first and copied then. So they are decoded
 * at once: into some times the room they take, then twice as much, up to a
 * constant; what is denser and larger is streamed. One byte more than allowed
 * is asked of the streaming decoders, so that "exactly max" and "too much"
 * differ.
 */
#include "format/codec.h"

#include <errno.h>
#include <lz4frame.h>
#include <stdbool.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "common/err.h"
#include "format/snappy.h"

/* A larger buffer is not kept, nor made on suspicion. */
#define KEEP_MAX ((size_t)8 << 20)
/* Most batches decode to less than this many times their size. */
#define RATIO 8
/* The least room a streaming decoder is given. */
#define ROOM_MIN ((size_t)64 << 10)
/* 128 MiB, what zstd's own command line allows. */
#define WINDOW_LOG_MAX 27
/* Tells zlib to expect gzip's header. */
#define GZIP_WINDOW (MAX_WBITS + 16)

struct kb_decoder {
	struct kb_buf out;
	size_t max; /* of the present run */
	LZ4F_dctx *lz4;
	ZSTD_DCtx *zstd;
	z_stream gzip;
	bool gzip_ready;
};

const char *
kb_codec_name(int codec)
{
	static const char *const names[] = {
		"none", "gzip", "snappy", "lz4", "zstd"};

	return codec >= KB_CODEC_NONE && codec <= KB_CODEC_ZSTD ? names[codec]
								: "unknown";
}

static int
make_zstd(struct kb_decoder *d)
{
	d->zstd = ZSTD_createDCtx();
	if (!d->zstd)
		return kb_err(-ENOMEM, "zstd: out of memory");
	ZSTD_DCtx_setParameter(d->zstd, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
	return 0;
}

int
kb_decoder_new(struct kb_decoder **out)
{
	struct kb_decoder *d = calloc(1, sizeof(*d));
	int r = -ENOMEM;

	if (!d ||
		LZ4F_isError(LZ4F_createDecompressionContext(
			&d->lz4, LZ4F_VERSION)) ||
		inflateInit2(&d->gzip, GZIP_WINDOW) != Z_OK) {
		r = kb_err(-ENOMEM, "out of memory for a decoder");
		goto out;
	}
	d->gzip_ready = true;
	r = make_zstd(d);
	if (r < 0)
		goto out;
	*out = d;
	return 0;
out:
	kb_decoder_free(d);
	return r;
}

void
kb_decoder_free(struct kb_decoder *d)
{
	if (!d)
		return;
	if (d->gzip_ready)
		inflateEnd(&d->gzip);
	LZ4F_freeDecompressionContext(d->lz4);
	ZSTD_freeDCtx(d->zstd);
	kb_buf_release(&d->out);
	free(d);
}

static int
too_much(const struct kb_decoder *d, const char *codec)
{
	return kb_err(
		-EBADMSG, "%s: decodes to more than %zu bytes", codec, d->max);
}

/* Room behind what is decoded: at least a byte, at most one above max. */
static int
make_room(struct kb_decoder *d, const char *codec, size_t *out_room)
{
	size_t may, room;
	int r;

	if (d->out.len > d->max)
		return too_much(d, codec);
	may = d->max + 1 - d->out.len;
	r = kb_buf_reserve(&d->out, may < ROOM_MIN ? may : ROOM_MIN);
	if (r < 0)
		return r;
	room = d->out.cap - d->out.len;
	*out_room = room < may ? room : may;
	return 0;
}

static int
damaged(const char *codec, const char *how)
{
	return kb_err(-EBADMSG, "%s: %s", codec, how);
}

/* ---- gzip ---- */

static int
run_gzip(struct kb_decoder *d, struct kb_slice in)
{
	z_stream *z = &d->gzip;
	int status = Z_OK;
	size_t room = 0;
	int r;

	if (inflateReset2(z, GZIP_WINDOW) != Z_OK)
		return kb_err(-ENOMEM, "gzip: cannot start");
	z->next_in = (Bytef *)in.data;
	z->avail_in = (uInt)in.len;
	while (status != Z_STREAM_END || z->avail_in) {
		if (status == Z_STREAM_END)
			inflateReset(z); /* a further member */
		r = make_room(d, "gzip", &room);
		if (r < 0)
			return r;
		z->next_out = d->out.data + d->out.len;
		z->avail_out = (uInt)room;
		status = inflate(z, Z_NO_FLUSH);
		d->out.len += room - z->avail_out;
		if (status == Z_MEM_ERROR)
			return kb_err(-ENOMEM, "gzip: out of memory");
		if (status == Z_BUF_ERROR)
			return damaged("gzip", "ends too early");
		if (status != Z_OK && status != Z_STREAM_END)
			return damaged("gzip", z->msg ? z->msg : "damaged");
	}
	return 0;
}

/* ---- lz4 ---- */

static int
run_lz4(struct kb_decoder *d, struct kb_slice in)
{
	size_t hint = 1, room = 0, used;
	int r;

	LZ4F_resetDecompressionContext(d->lz4);
	while (hint || in.len) {
		r = make_room(d, "lz4", &room);
		if (r < 0)
			return r;
		used = in.len;
		hint = LZ4F_decompress(d->lz4, d->out.data + d->out.len, &room,
			in.data, &used, NULL);
		if (LZ4F_isError(hint))
			return damaged("lz4", LZ4F_getErrorName(hint));
		if (hint && !used && !room)
			return damaged("lz4", "ends too early");
		d->out.len += room;
		in.data += used;
		in.len -= used;
	}
	return 0;
}

/* ---- zstd ---- */

static int
zstd_failed(size_t code)
{
	if (ZSTD_getErrorCode(code) == ZSTD_error_memory_allocation)
		return kb_err(-ENOMEM, "zstd: out of memory");
	return damaged("zstd", ZSTD_getErrorName(code));
}

/* One frame, as a stream. */
static int
zstd_frame(struct kb_decoder *d, struct kb_slice *in)
{
	ZSTD_inBuffer src = {in->data, in->len, 0};
	size_t hint = 1;

	ZSTD_DCtx_reset(d->zstd, ZSTD_reset_session_only);
	while (hint) {
		ZSTD_outBuffer dst = {0};
		size_t before = src.pos;
		int r = make_room(d, "zstd", &dst.size);

		if (r < 0)
			return r;
		dst.dst = d->out.data + d->out.len;
		hint = ZSTD_decompressStream(d->zstd, &dst, &src);
		if (ZSTD_isError(hint))
			return zstd_failed(hint);
		if (hint && !dst.pos && src.pos == before)
			return damaged("zstd", "ends too early");
		d->out.len += dst.pos;
	}
	in->data += src.pos;
	in->len -= src.pos;
	return 0;
}

/*
 * All frames in one go; 1: a larger buffer than is kept, or than there is, or
 * they are damaged.
 */
static int
zstd_at_once(struct kb_decoder *d, struct kb_slice in)
{
	size_t room = in.len < d->max / RATIO ? in.len * RATIO : d->max, n;
	int r;

	for (;;) {
		r = kb_buf_reserve(&d->out, room);
		if (r < 0)
			return 1;
		n = ZSTD_decompressDCtx(
			d->zstd, d->out.data, d->out.cap, in.data, in.len);
		if (!ZSTD_isError(n))
			break;
		if (ZSTD_getErrorCode(n) != ZSTD_error_dstSize_tooSmall ||
			d->out.cap >= KEEP_MAX)
			return 1;
		room = d->out.cap * 2;
	}
	d->out.len = n;
	return 0;
}

static int
run_zstd(struct kb_decoder *d, struct kb_slice in)
{
	int r;

	if (!in.len)
		return damaged("zstd", "no frame");
	r = zstd_at_once(d, in);
	if (r <= 0)
		return r;
	do
		r = zstd_frame(d, &in);
	while (r == 0 && in.len);
	return r;
}

/* ---- the run ---- */

/* What one large batch needed is given back at the next smaller one. */
static int
shrink(struct kb_decoder *d)
{
	uint8_t *less;

	if (d->out.cap > KEEP_MAX && d->out.len <= KEEP_MAX) {
		less = realloc(d->out.data, KEEP_MAX);
		if (less) {
			d->out.data = less;
			d->out.cap = KEEP_MAX;
		}
	}
	if (ZSTD_sizeof_DCtx(d->zstd) <= KEEP_MAX)
		return 0;
	ZSTD_freeDCtx(d->zstd);
	return make_zstd(d);
}

static int
decode(struct kb_decoder *d, enum kb_codec codec, struct kb_slice in)
{
	int r = kb_buf_reserve(&d->out, 1); /* empty is not null */

	if (r < 0)
		return r;
	switch (codec) {
	case KB_CODEC_GZIP:
		return run_gzip(d, in);
	case KB_CODEC_SNAPPY:
		return kb_snappy_decode(in, d->max, &d->out);
	case KB_CODEC_LZ4:
		return run_lz4(d, in);
	case KB_CODEC_ZSTD:
		return run_zstd(d, in);
	case KB_CODEC_NONE:
		break;
	}
	return kb_err(-EBADMSG, "unknown compression %d", (int)codec);
}

int
kb_decoder_run(struct kb_decoder *d, enum kb_codec codec, struct kb_slice in,
	size_t max, struct kb_slice *out)
{
	int r;

	d->max = max < KB_DECODE_MAX ? max : KB_DECODE_MAX;
	if (in.len > (codec == KB_CODEC_NONE ? d->max : INT32_MAX))
		return kb_err(-EBADMSG, "%s: %zu bytes are too many",
			kb_codec_name((int)codec), in.len);
	if (codec == KB_CODEC_NONE) {
		*out = in;
		return 0;
	}
	kb_buf_clear(&d->out);
	r = decode(d, codec, in);
	if (r == 0 && d->out.len > d->max)
		r = too_much(d, kb_codec_name((int)codec));
	if (r == 0)
		r = shrink(d);
	if (r < 0)
		return r;
	*out = kb_buf_slice(&d->out);
	return 0;
}
