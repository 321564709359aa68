/*
 * A read is a binary search for the segment, another for the block, and then
 * consecutive blocks, handed out where they lie in the cache. A reader who goes
 * on has what follows loaded ahead.
 */
#include "fs/view.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/err.h"
#include "fs/cache.h"
#include "fs/sift.h"
#include "fs/sources.h"
#include "fs/view_parts.h"

#define AHEAD_PARTS 16

/* More pieces than a span has room for become one, by copying. */
static int
join(struct kb_span *span)
{
	for (int i = span->joined.len ? 1 : 0; i < span->count; i++) {
		if (kb_buf_put(&span->joined, span->iov[i].iov_base,
			    span->iov[i].iov_len) < 0)
			return kb_err(-ENOMEM, "read: out of memory");
		kb_sources_done(
			span->sources, span->entries[i], span->iov[i].iov_len);
		span->entries[i] = NULL;
	}
	span->iov[0].iov_base = span->joined.data;
	span->iov[0].iov_len = span->joined.len;
	span->entries[0] = NULL;
	span->count = 1;
	return 0;
}

void
kb_span_release(struct kb_span *span)
{
	for (int i = 0; i < span->count; i++)
		if (span->entries[i])
			kb_sources_done(span->sources, span->entries[i],
				span->iov[i].iov_len);
	kb_buf_release(&span->joined);
	span->count = 0;
}

static int
add_piece(struct kb_span *span, struct kb_entry *e, struct kb_slice piece)
{
	int r;

	if (span->count == KB_SPAN_PIECES) {
		r = join(span);
		if (r < 0)
			return r;
	}
	span->entries[span->count] = e;
	span->iov[span->count].iov_base = (void *)(uintptr_t)piece.data;
	span->iov[span->count].iov_len = piece.len;
	span->count++;
	span->len += piece.len;
	return 0;
}

/* Index of the block that holds position `at` of the segment's bytes. */
static uint32_t
block_of(const struct kb_source *s, enum kb_form form, uint64_t at)
{
	uint32_t low = 0, high = s->row.block_count;

	while (high - low > 1) {
		uint32_t mid = low + (high - low) / 2;

		if (s->starts[form][mid] <= at)
			low = mid;
		else
			high = mid;
	}
	return low;
}

/* Adds up to len bytes from position `at` of one segment. */
static int
read_segment(const struct kb_view *v, const struct kb_source *source,
	uint64_t at, size_t len, struct kb_span *span)
{
	enum kb_form form = v->what.form;
	uint32_t i = block_of(source, form, at);

	for (; len && i < source->row.block_count; i++) {
		size_t skip = at - source->starts[form][i], n;
		struct kb_slice text;
		struct kb_entry *e;
		int r;

		r = kb_sources_text(
			v->sources, source, form, i, span->count > 0, &e);
		if (r < 0)
			return r;
		text = kb_entry_text(e);
		n = text.len - skip < len ? text.len - skip : len;
		r = add_piece(span, e, kb_slice_of(text.data + skip, n));
		if (r < 0) {
			kb_sources_done(v->sources, e, 0);
			return r;
		}
		at += n;
		len -= n;
	}
	return 0;
}

/* The same of the line that is all there is. */
static int
read_line(const struct kb_view *v, const struct kb_source *source,
	const struct kb_part *p, size_t at, size_t len, struct kb_span *span)
{
	uint32_t block = block_of(source, v->what.form, p->from);
	struct kb_slice text;
	struct kb_entry *e;
	int r;

	r = kb_sources_line(
		v->sources, source, block, v->what.first, span->count > 0, &e);
	if (r < 0)
		return r;
	text = kb_entry_text(e);
	if (text.len < at + len)
		r = kb_err(-EIO, "%s/%" PRId32 ": it has changed",
			v->place->topic.name, v->place->partition);
	else
		r = add_piece(span, e, kb_slice_of(text.data + at, len));
	if (r < 0)
		kb_sources_done(v->sources, e, 0);
	return r;
}

/* The same of what is left of a segment. */
static int
read_sifted(const struct kb_view *v, const struct kb_source *source,
	uint64_t at, size_t len, struct kb_span *span)
{
	const struct kb_sift *f;
	int r = kb_sift_get(v->sources, source, &v->what, &f);

	if (r < 0)
		return r;
	if (kb_sift_size(f) < at + len)
		r = kb_err(-EIO, "%s/%" PRId32 ": it has changed",
			v->place->topic.name, v->place->partition);
	while (r == 0 && len) {
		size_t skip, n;
		struct kb_slice text;
		struct kb_entry *e;

		r = kb_sift_text(
			v->sources, source, f, at, span->count > 0, &e, &skip);
		if (r < 0)
			break;
		text = kb_entry_text(e);
		n = text.len - skip < len ? text.len - skip : len;
		r = add_piece(span, e, kb_slice_of(text.data + skip, n));
		if (r < 0)
			kb_sources_done(v->sources, e, 0);
		at += n;
		len -= n;
	}
	kb_sift_put(v->sources, f);
	return r;
}

/* The part that holds position pos; the last of those that begin there. */
static size_t
part_of(const struct kb_view *v, uint64_t pos)
{
	size_t low = 0, high = v->count;

	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (v->parts[mid].base <= pos)
			low = mid;
		else
			high = mid;
	}
	return low;
}

/* What a reader who goes on will need; so many segments of it at once. */
static void
look_ahead(struct kb_view *v, uint64_t pos, uint64_t end)
{
	uint64_t from, to;
	size_t i, stop;

	if (!kb_stride_step(&v->stride, pos, end, &from, &to))
		return;
	if (to > v->size)
		to = v->size;
	if (from >= to)
		return;
	i = part_of(v, from);
	for (stop = i + AHEAD_PARTS; i < stop && i < v->count; i++) {
		const struct kb_part *p = &v->parts[i];

		if (p->base >= to)
			return;
		if (p->sifted || p->alone)
			continue;
		kb_sources_ahead(v->sources, v->place, p->first, v->what.form,
			p->from + (from > p->base ? from - p->base : 0),
			p->from + (to - p->base));
	}
}

/* Adds up to len bytes from pos on, of one part. */
static int
read_part(const struct kb_view *v, size_t part, uint64_t pos, size_t len,
	struct kb_span *span)
{
	const struct kb_part *p = &v->parts[part];
	uint64_t end = part + 1 < v->count ? p[1].base : v->size;
	const struct kb_source *source;
	int r;

	if (end == pos)
		return 0;
	if (len > end - pos)
		len = (size_t)(end - pos);
	r = kb_sources_get(v->sources, v->place, p->first, &source);
	if (r < 0)
		return r;
	if (p->sifted)
		r = read_sifted(v, source, pos - p->base, len, span);
	else if (p->alone)
		r = read_line(v, source, p, pos - p->base, len, span);
	else
		r = read_segment(
			v, source, p->from + (pos - p->base), len, span);
	kb_sources_put(v->sources, source);
	return r;
}

int
kb_view_read(struct kb_view *v, uint64_t pos, size_t len, struct kb_span *out)
{
	int r = 0;

	memset(out, 0, sizeof(*out));
	out->sources = v->sources;
	if (pos >= v->size)
		return 0;
	if (len > v->size - pos)
		len = (size_t)(v->size - pos);
	look_ahead(v, pos, pos + len);
	for (size_t i = part_of(v, pos); r == 0 && out->len < len; i++)
		r = read_part(v, i, pos + out->len, len - out->len, out);
	if (r < 0)
		kb_span_release(out);
	return r;
}
