/* Open segments and the texts of their blocks: what views read from. */
#ifndef KB_FS_SOURCES_H
#define KB_FS_SOURCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/segment.h"
#include "fs/selector.h"
#include "store/layout.h"

struct kb_cache_counts;
struct kb_entry;
struct kb_index;
struct kb_pick;
struct kb_repo;
struct kb_sifts;
struct kb_sources;
struct kb_text_survey;

/* A partition as the mount knows it. Lives as long as the tree. */
struct kb_place {
	uint32_t ordinal; /* its number in this mount */
	int32_t partition;
	struct kb_topic_ref topic;
	size_t head_len; /* bytes of each line before the offset */
};

/*
 * An open segment: its object and the rows of its blocks. Immutable, shared,
 * held from get to put.
 */
struct kb_source {
	const struct kb_place *place;
	struct kb_segment row;
	const struct kb_block *blocks; /* in order, row.block_count of them */
	/* In each form, where each block's bytes begin, and the end. */
	const uint64_t *starts[KB_FORMS];
};

/* Any thread. cache_bytes is the budget for texts. Borrows repo and index. */
int
kb_sources_new(struct kb_repo *repo, struct kb_index *index, size_t cache_bytes,
	struct kb_sources **out);
void
kb_sources_free(struct kb_sources *s);

/*
 * Ends decoding ahead, which looks at places: call it before they go. All else
 * goes on.
 */
void
kb_sources_stop(struct kb_sources *s);

/*
 * The segment whose first record is at `first`. -ESTALE: the index has none;
 * -ENOENT: its object is missing; other errors of store and index. Each
 * failure is logged once.
 */
int
kb_sources_get(struct kb_sources *s, const struct kb_place *place,
	int64_t first, const struct kb_source **out);
void
kb_sources_put(struct kb_sources *s, const struct kb_source *source);

/*
 * All bytes of a block in that form, or its marks, for kb_entry_text(), until
 * kb_sources_done(). holding: this thread has other texts that it is not done
 * with. Errors of kb_text_block(); each damaged block is logged once.
 */
int
kb_sources_text(struct kb_sources *s, const struct kb_source *source,
	enum kb_form form, uint32_t block, bool holding, struct kb_entry **out);

/* served: so many bytes of it were handed out. */
void
kb_sources_done(struct kb_sources *s, struct kb_entry *e, size_t served);

/*
 * Has the blocks of a segment that begin at from <= position < to, in that
 * form, loaded soon, if there is room for them.
 */
void
kb_sources_ahead(struct kb_sources *s, const struct kb_place *place,
	int64_t first, enum kb_form form, uint64_t from, uint64_t to);

/* Logs this thread's error, once for each block that has one. */
void
kb_sources_tell(
	struct kb_sources *s, const struct kb_source *source, uint32_t block);

/*
 * Measures those records of a block that `pick` means, in a form other than
 * that of stored batches: kb_text_sift() without rendering. Each damaged block
 * is logged once.
 */
int
kb_sources_sift(struct kb_sources *s, const struct kb_source *source,
	enum kb_form form, uint32_t block, const struct kb_pick *pick,
	struct kb_text_survey *out);

/* As kb_sources_text(), of those records; length is what was measured. */
int
kb_sources_picked(struct kb_sources *s, const struct kb_source *source,
	enum kb_form form, uint32_t block, const struct kb_pick *pick,
	uint64_t length, bool holding, struct kb_entry **out);

/*
 * As kb_sources_text(), of the line of the one record at offset; empty when
 * there is none.
 */
int
kb_sources_line(struct kb_sources *s, const struct kb_source *source,
	uint32_t block, int64_t offset, bool holding, struct kb_entry **out);

/*
 * Who wants one record of a block: is it better made alone than with all the
 * block's text? Not if that is there already, or if the last record that
 * somebody wanted of this segment was of the same block: who reads neighbours
 * one by one shall not have their block decoded for each.
 */
bool
kb_sources_alone(
	struct kb_sources *s, const struct kb_source *source, uint32_t block);

/* What was measured, to be kept (fs/sift.h). */
struct kb_sifts *
kb_sources_sifts(struct kb_sources *s);

/* Blocks measured so far. */
uint64_t
kb_sources_sifted(struct kb_sources *s);

/* Blocks decoded so far. */
uint64_t
kb_sources_decoded(struct kb_sources *s);

/* What the cache of texts does. */
void
kb_sources_count(struct kb_sources *s, struct kb_cache_counts *out);

#endif
