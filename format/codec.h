/* The five compressions of a record batch, decoded; zstd encoded. */
#ifndef KB_FORMAT_CODEC_H
#define KB_FORMAT_CODEC_H

#include <stddef.h>

#include "common/buf.h"

/* As in the batch's attributes, bits 0-2. */
enum kb_codec {
	KB_CODEC_NONE,
	KB_CODEC_GZIP,
	KB_CODEC_SNAPPY,
	KB_CODEC_LZ4,
	KB_CODEC_ZSTD,
};

/* A batch that decodes to more is refused by name. */
#define KB_DECODE_MAX ((size_t)1 << 30)

/* "none", "gzip", ...; "unknown" for anything else. */
const char *
kb_codec_name(int codec);

/* Contexts that are worth keeping between batches. One thread at a time. */
struct kb_decoder;

int
kb_decoder_new(struct kb_decoder **out);
void
kb_decoder_free(struct kb_decoder *d);

/*
 * Decodes `in`: RFC 1952; snappy raw or in Java's xerial framing; LZ4 frames;
 * zstd frames (RFC 8878). *out borrows the decoder's buffer until the next
 * run, or, for KB_CODEC_NONE, is `in` itself. The buffer grows with what is
 * really decoded, never by what the bytes merely claim; a decoder gives back
 * a buffer above 8 MiB at the next smaller run. -EBADMSG: damaged, or more
 * than max bytes (KB_DECODE_MAX at most). -ENOMEM.
 */
int
kb_decoder_run(struct kb_decoder *d, enum kb_codec codec, struct kb_slice in,
	size_t max, struct kb_slice *out);

struct kb_compressor;

int
kb_compressor_new(struct kb_compressor **out);
void
kb_compressor_free(struct kb_compressor *c);

/*
 * Appends `in` as one zstd frame at `level` (negative: fast levels): content
 * size on, no checksum, no dictionary, windowLog <= 23, so that every Kafka
 * client reads it. 0, -ENOMEM.
 */
int
kb_compressor_run(struct kb_compressor *c, int level, struct kb_slice in,
	struct kb_buf *out);

#endif
