/* What a range of offsets leaves of one segment. */
#ifndef KB_FS_CUT_H
#define KB_FS_CUT_H

#include <stdbool.h>
#include <stdint.h>

#include "fs/facts.h"

struct kb_place;
struct kb_selector;
struct kb_sources;

/*
 * Positions in the segment's bytes of that form; nothing when equal. alone: of
 * one record, which kb_sources_line() gives; where in its block it lies nobody
 * has looked, and `from` is where that begins.
 */
struct kb_cut {
	uint64_t from;
	uint64_t to;
	bool alone;
	struct kb_facts facts;
};

/*
 * The segment is that whose first record is `segment`; `what` is of offsets.
 * Of stored batches those are meant that cover one of the offsets, and at a
 * border the facts are what their headers say: offsets covered, and no oldest
 * time. -EINVAL: the form is that of values, and one of them holds a newline;
 * the sentence names its offset. Errors of kb_sources_get() and _text().
 */
int
kb_cut_segment(struct kb_sources *s, const struct kb_place *place,
	int64_t segment, const struct kb_selector *what, struct kb_cut *out);

#endif
