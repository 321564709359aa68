/* An index file being written, in a temporary place until it is published. */
#ifndef KB_INDEX_DRAFT_H
#define KB_INDEX_DRAFT_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kb_block;
struct kb_draft;
struct kb_gap;
struct kb_index_segment;
struct kb_layer;
struct kb_meta;
struct kb_run;
struct kb_store;
struct kb_topic_ref;

/* Page sizes: for one commit, and for merged files. */
#define KB_DRAFT_SMALL 512
#define KB_DRAFT_LARGE 4096

int
kb_draft_new(int page_size, struct kb_draft **out);
void
kb_draft_free(struct kb_draft *d);

/* True when nothing was put in. */
bool
kb_draft_empty(const struct kb_draft *d);

/*
 * Rows, in any order; the same key again replaces. A draft that failed stays
 * failed with the same error. -EINVAL: the segment's object does not lie in
 * its partition's directory.
 */
int
kb_draft_segment(struct kb_draft *d, const struct kb_topic_ref *t,
	int32_t partition, const struct kb_index_segment *s,
	const struct kb_block *blocks);
int
kb_draft_gap(struct kb_draft *d, const struct kb_topic_ref *t,
	int32_t partition, const struct kb_gap *gap);
int
kb_draft_meta(struct kb_draft *d, const struct kb_meta *m, uint64_t n);
int
kb_draft_run(struct kb_draft *d, const struct kb_run *run, uint64_t n);

/* All rows of layers[0..count), the newest last: newer ones win. */
int
kb_draft_merge(
	struct kb_draft *d, struct kb_layer *const *layers, size_t count);

/* Ends the writing: derived tables are filled in. May be called again. */
int
kb_draft_finish(struct kb_draft *d);

/*
 * Publishes a finished draft under name, as often as one likes. -EEXIST: the
 * name is taken.
 */
int
kb_draft_publish(struct kb_draft *d, struct kb_store *s, const char *name);

#endif
