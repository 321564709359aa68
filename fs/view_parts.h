/* What the files view*.c share: what a view is made of. */
#ifndef KB_FS_VIEW_PARTS_H
#define KB_FS_VIEW_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fs/facts.h"
#include "fs/selector.h"
#include "fs/stride.h"

struct kb_place;
struct kb_sources;

/*
 * A segment of the view: from position `from` of its bytes on, up to the next
 * part, or the end of the view; position `base` of the view is there. sifted:
 * of the bytes that are left of it. alone: of one record, of the block that
 * begins at `from`.
 */
struct kb_part {
	int64_t first;
	uint64_t from;
	uint64_t base;
	bool sifted;
	bool alone;
};

struct kb_view {
	struct kb_sources *sources;
	const struct kb_place *place;
	struct kb_selector what;
	struct kb_part *parts;
	size_t count;
	size_t room;
	uint64_t size;
	struct kb_facts facts;
	struct kb_stride stride;
};

#endif
