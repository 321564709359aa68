/* Every object below data/, meta/ and runs/, by what its name says. */
#ifndef KB_INDEX_WALK_H
#define KB_INDEX_WALK_H

#include <stdint.h>

#include "store/layout.h"

struct kb_store;

enum kb_walk_kind {
	KB_WALK_SEGMENT,
	KB_WALK_GAP,
	KB_WALK_META,
	KB_WALK_RUN,
	KB_WALK_UNKNOWN, /* a name that means nothing; only `name` is set */
};

struct kb_walk_object {
	enum kb_walk_kind kind;
	char name[KB_NAME_MAX];
	struct kb_topic_ref topic; /* segments, gaps, metas */
	int32_t partition;	   /* segments, gaps */
	int64_t start;		   /* likewise */
	int64_t end;		   /* gaps */
	uint64_t n;		   /* metas, runs */
};

/* Returns 0 to go on; anything else ends the walk and is returned. */
typedef int
kb_walk_fn(void *ctx, const struct kb_walk_object *o);

/*
 * Runs, then metas, then what is in the partitions: there in the order of
 * starts, a gap before a segment of the same start. The memory is that of the
 * names of one directory a level.
 */
int
kb_walk(struct kb_store *s, kb_walk_fn *each, void *ctx);

#endif
