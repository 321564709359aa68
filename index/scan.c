/*
 * Bytes pass through one window, which holds whole batches and grows only for
 * a batch that is larger, and only when the object is long enough to hold it:
 * a damaged length asks for no memory.
 */
#include "index/scan.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "common/cancel.h"
#include "common/err.h"
#include "format/batch.h"
#include "format/codec.h"
#include "store/store.h"

/* The window's usual size. */
#define WINDOW ((size_t)1 << 20)

struct kb_scan {
	struct kb_cancel *cancel;
	struct kb_decoder *decoder;
	struct kb_summary *summary;
	struct kb_buf window;
	size_t at; /* of the next batch, in the window */
	/* of the segment being read */
	const char *object;
	struct kb_blob *blob;
	uint64_t size;
	uint64_t position; /* of window.data[at] in the object */
};

int
kb_scan_new(struct kb_cancel *cancel, struct kb_scan **out)
{
	struct kb_scan *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return kb_err(-ENOMEM, "out of memory for a scan");
	s->cancel = cancel;
	r = kb_decoder_new(&s->decoder);
	if (r == 0)
		r = kb_summary_new(&s->summary);
	if (r < 0)
		kb_scan_free(s);
	else
		*out = s;
	return r;
}

void
kb_scan_free(struct kb_scan *s)
{
	if (!s)
		return;
	kb_decoder_free(s->decoder);
	kb_summary_free(s->summary);
	kb_buf_release(&s->window);
	free(s);
}

/* Puts object and position before the sentence. */
static int
at_position(const struct kb_scan *s, int r)
{
	return kb_err(r, "%s: position %" PRIu64 ": %s", s->object, s->position,
		kb_err_text());
}

static size_t
in_window(const struct kb_scan *s)
{
	return s->window.len - s->at;
}

/* Makes the window hold `need` bytes from `at` on, or what is left. */
static int
fill(struct kb_scan *s, size_t need)
{
	uint64_t left = s->size - s->position - in_window(s);
	size_t more;
	ssize_t n;
	int r;

	if (s->at) {
		memmove(s->window.data, s->window.data + s->at, in_window(s));
		s->window.len = in_window(s);
		s->at = 0;
	}
	if (s->window.cap > 8 * WINDOW && need <= WINDOW && !s->window.len)
		kb_buf_release(&s->window);
	more = (need > WINDOW ? need : WINDOW) - s->window.len;
	if (more > left)
		more = (size_t)left;
	r = kb_buf_reserve(&s->window, more);
	if (r < 0)
		return r;
	n = kb_blob_read(s->blob, s->position + s->window.len,
		s->window.data + s->window.len, more);
	if (n < 0)
		return (int)n;
	s->window.len += (size_t)n;
	if ((size_t)n < more)
		return kb_err(-EBADMSG,
			"%s: ends at %" PRIu64
			", shorter than when it was opened",
			s->object, s->position + s->window.len);
	return 0;
}

/* 0: the whole next batch is in the window. 1: end of the segment. */
static int
load(struct kb_scan *s)
{
	uint64_t left = s->size - s->position, need = KB_BATCH_HEADER;
	int r = 0;

	if (!left)
		return 1;
	if (in_window(s) < need && in_window(s) < left)
		r = fill(s, KB_BATCH_HEADER);
	if (r < 0)
		return r;
	if (in_window(s) >= 12)
		need = 12 + (uint64_t)kb_load_be32(s->window.data + s->at + 8);
	if (need <= left && need <= KB_DECODE_MAX && in_window(s) < need)
		r = fill(s, (size_t)need);
	return r;
}

static int
take(struct kb_scan *s)
{
	struct kb_slice in = kb_slice_of(s->window.data + s->at, in_window(s));
	struct kb_slice raw;
	struct kb_batch b;
	int r = kb_batch_parse(in, &b);

	if (r == 1)
		r = kb_err(-EBADMSG, "the object ends inside a batch");
	if (r == 0)
		r = kb_batch_check(&b);
	if (r == 0)
		r = kb_decoder_run(s->decoder, kb_batch_codec(&b), b.body,
			KB_DECODE_MAX, &raw);
	if (r < 0)
		return r == -ENOMEM ? r : at_position(s, r);
	r = kb_summary_add(s->summary, &b, raw);
	if (r < 0)
		return kb_err(r, "%s: %s", s->object, kb_err_text());
	s->at += b.bytes.len;
	s->position += b.bytes.len;
	return 0;
}

static int
run(struct kb_scan *s)
{
	int r;

	while ((r = load(s)) == 0) {
		if (kb_cancel_fired(s->cancel))
			return kb_err(-ECANCELED, "interrupted");
		r = take(s);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : 0;
}

int
kb_scan_run(struct kb_scan *s, struct kb_store *store, const char *object,
	const struct kb_topic_ref *t, int32_t partition, int64_t start,
	struct kb_segment *out, const struct kb_block **out_blocks)
{
	int r = kb_store_open(store, object, &s->blob, &s->size);

	if (r < 0)
		return r;
	s->object = object;
	s->at = 0;
	s->position = 0;
	kb_buf_clear(&s->window);
	kb_summary_begin(s->summary, t->name, partition, start);
	r = run(s);
	kb_blob_close(s->blob);
	if (r == 0 && !s->size)
		r = kb_err(
			-EBADMSG, "%s: empty, and a segment never is", object);
	return r < 0 ? r : kb_summary_finish(s->summary, out, out_blocks);
}
