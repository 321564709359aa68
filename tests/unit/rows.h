/* Rows of an index, made up: no object stands behind them. */
#ifndef KB_TESTS_UNIT_ROWS_H
#define KB_TESTS_UNIT_ROWS_H

#include "index/index.h"
#include "store/repo.h"
#include "stores.h"

#define ROWS_STEP 10 /* offsets a segment */
#define ROWS_BLOCKS 3

extern const struct kb_topic_ref rows_orders;

/*
 * A segment from `start` that holds ROWS_STEP - 2 records, the first of them
 * at start + 1, in ROWS_BLOCKS blocks, with times from `time` on.
 */
struct rows_segment {
	struct kb_index_segment row;
	struct kb_block blocks[ROWS_BLOCKS];
};

void
rows_make(struct rows_segment *out, const struct kb_topic_ref *t,
	int32_t partition, int64_t start, int64_t time);

/* Adds such a segment to d. */
void
rows_add(struct kb_index_delta *d, const struct kb_topic_ref *t,
	int32_t partition, int64_t start, int64_t time);

/* Commits one such segment on its own. */
void
rows_commit(struct kb_index *x, const struct kb_topic_ref *t, int32_t partition,
	int64_t start, int64_t time);

void
rows_commit_meta(struct kb_index *x, const struct kb_topic_ref *t, uint64_t n,
	int64_t seen, int32_t partitions);

/* Ends with a comma each: "0,10,20,". Static. */
const char *
rows_starts(struct kb_index *x, const struct kb_topic_ref *t, int32_t partition,
	int64_t from);

/* How many files the newest generation has. */
size_t
rows_files(struct kb_store *s);

/* All that an index says, as text, appended to out. */
void
rows_dump(struct kb_index *x, struct kb_buf *out);

#endif
