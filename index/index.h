/*
 * The index: a stack of immutable sqlite files that says what is where.
 * Derived from data/, meta/ and runs/; see schema.sql. A handle may be used by
 * any thread; calls on one handle take turns.
 */
#ifndef KB_INDEX_INDEX_H
#define KB_INDEX_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/segment.h"
#include "store/gap.h"
#include "store/layout.h"
#include "store/meta.h"
#include "store/run.h"

struct kb_cancel;
struct kb_repo;
struct kb_index;

/*
 * Opens the newest generation. An index without a file is empty, not an
 * error. -ESTALE: a number of the stack stays missing after one re-list, or
 * a file is of an unknown schema or another text version (`kbak reindex`).
 * -EBADMSG: sqlite says it is damaged. The handle borrows repo.
 */
int
kb_index_open(struct kb_repo *repo, struct kb_index **out);
void
kb_index_close(struct kb_index *x);

/* -ESTALE: the index is empty beside data, which means a lost one. */
int
kb_index_require(struct kb_index *x);

/*
 * Looks for new files. 0: nothing new, 1: there was. Lookups see only what
 * was there at open, refresh or the handle's own commit. -ESTALE: all files
 * are gone; what was open is still used.
 */
int
kb_index_refresh(struct kb_index *x);

/* Which generation is open, in how many files. */
void
kb_index_shape(struct kb_index *x, uint64_t *out_generation, size_t *out_files);

/* True when no file is in the stack. */
bool
kb_index_empty(struct kb_index *x);

/* ---- what is in it ---- */

/* One incarnation of a topic. */
struct kb_index_topic {
	char name[KB_TOPIC_MAX + 1];
	/* As shown: `orders` the newest, `orders@1`... older, by first seen */
	char shown[KB_TOPIC_MAX + 16];
	struct kb_uuid id;
	int64_t first_seen; /* ms: `seen` of its first meta */
	int64_t last_seen;  /* ms: of its newest meta */
	int32_t partitions; /* of its newest meta: empty ones included */
};

/*
 * A partition's totals. A partition that has nothing yet is listed when the
 * newest meta counts it.
 */
struct kb_index_partition {
	int32_t partition;
	uint64_t segments;
	uint64_t gaps;
	uint64_t records;
	uint64_t bytes;
	uint64_t text_length;
	int64_t first; /* first record's offset, -1 none */
	int64_t last;  /* last record's offset, -1 none */
	int64_t end;   /* where the next segment starts; 0 without any */
	int64_t min_timestamp;
	int64_t max_timestamp;
	int32_t leader_epoch; /* of the last segment; -1 none */
};

/* Segment rows carry their object's name. */
struct kb_index_segment {
	struct kb_segment s;
	char object[KB_NAME_MAX];
};

/*
 * Iteration: callbacks return 0 to go on; anything else ends it and is
 * returned. A callback must not call back into the same handle.
 */
typedef int
kb_index_topic_fn(void *ctx, const struct kb_index_topic *t);
typedef int
kb_index_partition_fn(void *ctx, const struct kb_index_partition *p);
typedef int
kb_index_segment_fn(void *ctx, const struct kb_index_segment *s);
typedef int
kb_index_block_fn(void *ctx, const struct kb_block *b);
typedef int
kb_index_gap_fn(void *ctx, const struct kb_gap *g);

/* All incarnations, by shown name. */
int
kb_index_topics(struct kb_index *x, kb_index_topic_fn *each, void *ctx);

/* By shown name (`orders`, `orders@1`). -ENOENT. */
int
kb_index_topic(
	struct kb_index *x, const char *shown, struct kb_index_topic *out);

/* Newest meta of a topic; caller releases. -ENOENT. */
int
kb_index_meta(
	struct kb_index *x, const struct kb_topic_ref *t, struct kb_meta *out);

/* By number. */
int
kb_index_partitions(struct kb_index *x, const struct kb_topic_ref *t,
	kb_index_partition_fn *each, void *ctx);

/* -ENOENT: neither stored nor counted by the newest meta. */
int
kb_index_partition(struct kb_index *x, const struct kb_topic_ref *t,
	int32_t partition, struct kb_index_partition *out);

/*
 * Segments whose last record is at or above `from`, in offset order. The
 * callback sees them as sqlite yields them: nothing is loaded at once. Others
 * get their turn in between, and so what is refreshed meanwhile is seen.
 */
int
kb_index_segments(struct kb_index *x, const struct kb_topic_ref *t,
	int32_t partition, int64_t from, kb_index_segment_fn *each, void *ctx);

/* The segment that holds, or is first after, the record at `offset`. */
int
kb_index_segment_at(struct kb_index *x, const struct kb_topic_ref *t,
	int32_t partition, int64_t offset, struct kb_index_segment *out);

/* The first segment with a record at or after `time` ms. -ENOENT. */
int
kb_index_segment_at_time(struct kb_index *x, const struct kb_topic_ref *t,
	int32_t partition, int64_t time, struct kb_index_segment *out);

/*
 * Covered start of the last segment with a record before `time` ms, or with one
 * that has no time. 1: there is none, and *out_start is not set.
 */
int
kb_index_last_before(struct kb_index *x, const struct kb_topic_ref *t,
	int32_t partition, int64_t time, int64_t *out_start);

/* The blocks of the segment that starts at `start`, in order. */
int
kb_index_blocks(struct kb_index *x, const struct kb_topic_ref *t,
	int32_t partition, int64_t start, kb_index_block_fn *each, void *ctx);

/* Gaps in offset order. */
int
kb_index_gaps(struct kb_index *x, const struct kb_topic_ref *t,
	int32_t partition, kb_index_gap_fn *each, void *ctx);

/*
 * Offsets [start, end) below the partition's end that lie neither in a segment
 * nor in a gap: there are none in a sound repository. Looks at every segment's
 * row. The callback may use the handle. -ENOENT as kb_index_partition().
 */
typedef int
kb_index_hole_fn(void *ctx, int64_t start, int64_t end);

int
kb_index_holes(struct kb_index *x, const struct kb_topic_ref *t,
	int32_t partition, kb_index_hole_fn *each, void *ctx);

/* ---- committing ---- */

/* Rows to be committed together. */
struct kb_index_delta;

int
kb_index_delta_new(struct kb_index_delta **out);
void
kb_index_delta_free(struct kb_index_delta *d);

/* Copied. The segment's object is published and durable (invariant 1). */
int
kb_index_delta_segment(struct kb_index_delta *d, const struct kb_topic_ref *t,
	int32_t partition, const struct kb_index_segment *s,
	const struct kb_block *blocks);
int
kb_index_delta_gap(struct kb_index_delta *d, const struct kb_topic_ref *t,
	int32_t partition, const struct kb_gap *gap);
int
kb_index_delta_meta(
	struct kb_index_delta *d, const struct kb_meta *m, uint64_t n);
int
kb_index_delta_run(
	struct kb_index_delta *d, const struct kb_run *run, uint64_t n);

bool
kb_index_delta_empty(const struct kb_index_delta *d);

/*
 * Publishes the rows as the next file of the stack, durably, and clears d.
 * Rows are idempotent: the same again changes nothing. Several processes may
 * commit at once. Follows a generation that appeared meanwhile. Compacts when
 * the stack asks for it.
 */
int
kb_index_commit(struct kb_index *x, struct kb_index_delta *d);

/* The run that ended last. -ENOENT: none. */
int
kb_index_last_run(struct kb_index *x, struct kb_run *out);

/* Merges aligned neighbours as far as they go. */
int
kb_index_compact(struct kb_index *x);

/* What reindex says of an object it could not take; it then goes on. */
typedef void
kb_index_problem_fn(void *ctx, const char *object, const char *sentence);

/*
 * Rebuilds the index from data/, meta/ and runs/ as a new generation,
 * streaming. Objects with names that mean nothing are reported and left alone.
 * A damaged segment is reported and left out; then -EBADMSG at the end, and the
 * new generation is published all the same. Needs no readable old index.
 * -ECANCELED: cancel (may be NULL) fired; the index is whole, old or new.
 */
int
kb_index_rebuild(struct kb_repo *repo, struct kb_cancel *cancel,
	kb_index_problem_fn *problem, void *ctx);

/*
 * Reads the files of the newest generation whole and compares each with its
 * checksum; reports what is damaged. 0 then, too. -ESTALE as at open.
 */
int
kb_index_check(struct kb_repo *repo, kb_index_problem_fn *problem, void *ctx);

#endif
