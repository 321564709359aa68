/* What a period leaves of a segment, block by block. */
#ifndef KB_FS_SIFT_H
#define KB_FS_SIFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fs/facts.h"

struct kb_entry;
struct kb_selector;
struct kb_sift;
struct kb_sifts;
struct kb_source;
struct kb_sources;

/* Remembers some sifts, in bounded memory. Any thread may use it. */
int
kb_sifts_new(struct kb_sifts **out);
void
kb_sifts_free(struct kb_sifts *all);

/*
 * How the records of `source` that `what` selects lie one behind the other, in
 * a form of lines; from memory, or worked out now. Blocks that are selected
 * whole or not at all are not looked into; the others are decoded. Held until
 * put. -EINVAL: the form is that of values and one of them holds a newline; the
 * sentence names its offset. -EINTR: kb_interrupt_seen(). Errors of
 * kb_text_sift().
 */
int
kb_sift_get(struct kb_sources *s, const struct kb_source *source,
	const struct kb_selector *what, const struct kb_sift **out);
void
kb_sift_put(struct kb_sources *s, const struct kb_sift *sift);

/* Bytes in all, and what is known of the records. */
uint64_t
kb_sift_size(const struct kb_sift *sift);
const struct kb_facts *
kb_sift_facts(const struct kb_sift *sift);

/*
 * The text of the block that position `at` of those bytes is in, to be done
 * with as kb_sources_text() says; *out_skip is where in it `at` is. at is below
 * the size.
 */
int
kb_sift_text(struct kb_sources *s, const struct kb_source *source,
	const struct kb_sift *sift, uint64_t at, bool holding,
	struct kb_entry **out, size_t *out_skip);

#endif
