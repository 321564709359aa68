/* One query asked of all layers, their rows merged into one row. */
#ifndef KB_INDEX_MERGE_H
#define KB_INDEX_MERGE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "index/layer.h"

struct kb_topic_ref;

/* The parameters of a query; see enum kb_layer_query. */
struct kb_merge_args {
	const struct kb_topic_ref *topic; /* or NULL: low and high instead */
	const char *low, *high;		  /* KB_LAYER_TOPICS: names from, to */
	int32_t partition;
	int64_t a;
	int64_t b;
};

/* The row of one layer that a merge stands at. */
struct kb_merge_head {
	struct kb_layer *layer;
	sqlite3_stmt *row;
	bool live; /* has a row */
	bool same; /* its row has the key that was found last */
};

/* {0}, then kb_merge_begin(). */
struct kb_merge {
	struct kb_merge_head *heads; /* oldest layer first */
	size_t count;
	int keys; /* leading columns that make the key */
};

/*
 * Asks q of layers[0..count), the newest last. Ends with kb_merge_end(), also
 * after an error. args may be NULL when q has none.
 */
int
kb_merge_begin(struct kb_merge *m, struct kb_layer *const *layers, size_t count,
	enum kb_layer_query q, int keys, const struct kb_merge_args *args);

/*
 * 0: *out is the row of the newest layer that has the smallest key; heads
 * with `same` set have it too. Valid until the next call. 1: the end.
 */
int
kb_merge_next(struct kb_merge *m, const struct kb_merge_head **out);

void
kb_merge_end(struct kb_merge *m);

#endif
