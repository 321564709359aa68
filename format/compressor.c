/*
 * Levels above 19 are cut to 19: from 20 on zstd's windows exceed 8 MiB, which
 * not every client decodes. Content size is written because the source is
 * given at once; checksums are off by default, a batch has its own.
 */
#include <errno.h>
#include <stdlib.h>
#include <zstd.h>

#include "common/err.h"
#include "format/codec.h"

#define LEVEL_MAX 19

struct kb_compressor {
	ZSTD_CCtx *ctx;
};

int
kb_compressor_new(struct kb_compressor **out)
{
	struct kb_compressor *c = calloc(1, sizeof(*c));

	if (c)
		c->ctx = ZSTD_createCCtx();
	if (!c || !c->ctx) {
		kb_compressor_free(c);
		return kb_err(-ENOMEM, "out of memory for a compressor");
	}
	*out = c;
	return 0;
}

void
kb_compressor_free(struct kb_compressor *c)
{
	if (!c)
		return;
	ZSTD_freeCCtx(c->ctx);
	free(c);
}

int
kb_compressor_run(struct kb_compressor *c, int level, struct kb_slice in,
	struct kb_buf *out)
{
	size_t room = ZSTD_compressBound(in.len), n;
	int r = kb_buf_reserve(out, room);

	if (r < 0)
		return r;
	ZSTD_CCtx_setParameter(c->ctx, ZSTD_c_compressionLevel,
		level < LEVEL_MAX ? level : LEVEL_MAX);
	n = ZSTD_compress2(c->ctx, out->data + out->len, room, in.data, in.len);
	if (ZSTD_isError(n))
		return kb_err(-ENOMEM, "zstd: cannot compress %zu bytes: %s",
			in.len, ZSTD_getErrorName(n));
	out->len += n;
	return 0;
}
