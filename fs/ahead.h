/* Workers that do small jobs which nobody waits for. */
#ifndef KB_FS_AHEAD_H
#define KB_FS_AHEAD_H

#include <stdint.h>

#include "fs/selector.h"

struct kb_ahead;
struct kb_place;

/* Blocks that begin at from <= position < to of a segment, in that form. */
struct kb_ahead_job {
	const struct kb_place *place;
	int64_t segment; /* its first record */
	uint64_t from;
	uint64_t to;
	enum kb_form form;
};

typedef void
kb_ahead_fn(void *ctx, const struct kb_ahead_job *job);

/* Starts the workers. */
int
kb_ahead_new(
	unsigned workers, kb_ahead_fn *run, void *ctx, struct kb_ahead **out);

/* Ends them when they have done what they are at; NULL is fine. */
void
kb_ahead_free(struct kb_ahead *a);

/* For some worker to do, soon; forgotten when they are far behind. */
void
kb_ahead_push(struct kb_ahead *a, const struct kb_ahead_job *job);

#endif
