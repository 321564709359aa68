/* The bytes of a range of records: an open file of the mount. */
#ifndef KB_FS_VIEW_H
#define KB_FS_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "common/buf.h"

struct kb_entry;
struct kb_facts;
struct kb_index;
struct kb_place;
struct kb_selector;
struct kb_sources;
struct kb_view;

/*
 * The records of place that `what` (of offsets) selects, as far as they are
 * stored now, in its form. What is stored later does not change the view.
 * -ENOENT: there is none. Only blocks that the range or the period cuts are
 * read; errors of kb_cut_segment() or kb_sift_get() when that fails. -EINVAL,
 * too: a period of stored batches, which it would cut. Borrows all it is given.
 * Any thread may read a view.
 */
int
kb_view_open(struct kb_sources *s, struct kb_index *x,
	const struct kb_place *place, const struct kb_selector *what,
	struct kb_view **out);
void
kb_view_close(struct kb_view *v);

/* Segments that it touches: memory is some bytes for each. */
size_t
kb_view_segments(const struct kb_view *v);

/* Exact length of the text. */
uint64_t
kb_view_size(const struct kb_view *v);

/* What is known of its records; of stored batches, see fs/cut.h. */
const struct kb_facts *
kb_view_facts(const struct kb_view *v);

/* Pieces that a read is made of, at most. */
#define KB_SPAN_PIECES 32

/* Bytes of a view where they lie in the cache, held there. */
struct kb_span {
	struct kb_sources *sources;
	struct iovec iov[KB_SPAN_PIECES];
	struct kb_entry *entries[KB_SPAN_PIECES];
	int count;
	size_t len;
	struct kb_buf joined; /* when there were more pieces than that */
};

/*
 * The bytes at pos: len of them, fewer only at the end. On success the caller
 * releases the span, which may outlive the view: once a read is answered, its
 * file may be closed. Who reads on has what follows decoded ahead of him.
 * Errors of kb_sources_text().
 */
int
kb_view_read(struct kb_view *v, uint64_t pos, size_t len, struct kb_span *out);
void
kb_span_release(struct kb_span *span);

#endif
