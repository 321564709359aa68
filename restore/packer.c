/*
 * Sealed batches lie on a stack, the oldest on top: halving takes one off and
 * puts its second half, then its first half back. Halving stops at one
 * record, so the stack is never deeper than a count has bits.
 *
 * 1. While the stack is not empty, no record is added: order is kept.
 */
#include "restore/packer.h"

#include <errno.h>
#include <stdlib.h>

#include "common/bytes.h"
#include "common/err.h"
#include "format/batch.h"
#include "format/encoder.h"

#define LEVEL 1 /* of zstd: fast, and on events as small as level 3 */
#define DEPTH 33
#define FRAME_MAX 64 /* lengths, deltas and counts of one record */

struct sealed {
	struct kb_buf bytes;
	int32_t count;
};

struct kb_packer {
	struct kb_encoder encoder;
	struct kb_compressor *compressor;
	struct sealed stack[DEPTH];
	size_t depth;
	size_t limit;
};

int
kb_packer_new(size_t limit, struct kb_packer **out)
{
	struct kb_packer *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return kb_err(-ENOMEM, "out of memory");
	p->limit = limit;
	kb_encoder_init(&p->encoder);
	r = kb_compressor_new(&p->compressor);
	if (r < 0) {
		free(p);
		return r;
	}
	*out = p;
	return 0;
}

void
kb_packer_free(struct kb_packer *p)
{
	if (!p)
		return;
	kb_encoder_release(&p->encoder);
	kb_compressor_free(p->compressor);
	for (size_t i = 0; i < DEPTH; i++)
		kb_buf_release(&p->stack[i].bytes);
	free(p);
}

int
kb_packer_add(struct kb_packer *p, const struct kb_record *r)
{
	struct kb_record copy = *r;
	size_t most = r->key.len + r->value.len + r->headers.len + FRAME_MAX;

	if (p->depth)
		return 1;
	if (p->encoder.count && kb_encoder_size(&p->encoder) + most > p->limit)
		return 1;
	copy.offset = p->encoder.count;
	return kb_encoder_add(&p->encoder, &copy);
}

int
kb_packer_seal(struct kb_packer *p)
{
	struct kb_batch_header h = {
		.leader_epoch = -1,
		.producer_id = -1,
		.producer_epoch = -1,
		.base_sequence = -1,
	};
	struct sealed *s = &p->stack[p->depth];
	int r;

	if (!p->encoder.count)
		return 0;
	s->count = p->encoder.count;
	kb_buf_clear(&s->bytes);
	r = kb_encoder_finish(&p->encoder, p->compressor, LEVEL, &h, &s->bytes);
	if (r == 0)
		p->depth++;
	return r;
}

int
kb_packer_peek(struct kb_packer *p, struct kb_parcel *out)
{
	const struct sealed *s;

	if (!p->depth)
		return 1;
	s = &p->stack[p->depth - 1];
	*out = (struct kb_parcel){s->bytes.data, s->bytes.len, s->count};
	return 0;
}

void
kb_packer_done(struct kb_packer *p)
{
	p->depth--;
}

/* Appends records [from, until) of b to out, as a batch of its own. */
static int
cut(struct kb_packer *p, const struct kb_batch *b, struct kb_slice raw,
	int32_t from, int32_t until, struct sealed *out)
{
	int r;

	kb_buf_clear(&out->bytes);
	r = kb_encoder_trim(
		b, raw, from, until, p->compressor, LEVEL, &out->bytes);
	if (r > 0)
		return kb_err(-EBADMSG, "a batch of our own has no records");
	if (r < 0)
		return r;
	kb_store_be64(out->bytes.data, 0); /* outside the checksum */
	out->count = until - from;
	return 0;
}

int
kb_packer_halve(struct kb_packer *p)
{
	struct sealed *top = &p->stack[p->depth - 1];
	struct sealed whole = *top;
	int32_t middle = whole.count / 2;
	struct kb_decoder *decoder = NULL;
	struct kb_slice raw;
	struct kb_batch b;
	int r;

	if (whole.count < 2)
		return 1;
	r = kb_decoder_new(&decoder);
	if (r == 0)
		r = kb_batch_parse(kb_buf_slice(&whole.bytes), &b);
	if (r == 0)
		r = kb_decoder_run(decoder, kb_batch_codec(&b), b.body,
			KB_DECODE_MAX, &raw);
	if (r < 0)
		goto out;
	top->bytes = (struct kb_buf){0};
	r = cut(p, &b, raw, 0, middle, &top[1]);
	if (r == 0)
		r = cut(p, &b, raw, middle, whole.count, &top[0]);
	if (r < 0) {
		kb_buf_release(&top->bytes);
		*top = whole;
		goto out;
	}
	p->depth++;
	if (raw.len / 2 < p->limit)
		p->limit = raw.len / 2;
	kb_buf_release(&whole.bytes);
out:
	kb_decoder_free(decoder);
	return r;
}

uint64_t
kb_packer_records(const struct kb_packer *p)
{
	uint64_t n = (uint64_t)p->encoder.count;

	for (size_t i = 0; i < p->depth; i++)
		n += (uint64_t)p->stack[i].count;
	return n;
}

size_t
kb_packer_memory(const struct kb_packer *p)
{
	size_t n = p->encoder.raw.cap;

	for (size_t i = 0; i < DEPTH; i++)
		n += p->stack[i].bytes.cap;
	return n;
}

void
kb_packer_shrink(struct kb_packer *p)
{
	if (p->encoder.count || p->depth)
		return;
	kb_encoder_release(&p->encoder);
	for (size_t i = 0; i < DEPTH; i++)
		kb_buf_release(&p->stack[i].bytes);
}
