/*
 * Commits are put together, since each costs a file and its fsyncs. Nothing
 * depends on a commit being early: progress is read back from published
 * objects (DESIGN.md, invariant "durable first").
 */
#include "backup/deposit.h"

#include <string.h>

#include "common/clock.h"
#include "format/codec.h"
#include "index/index.h"

#define COMMIT_EVERY_MS 1000

int
kb_deposit_init(struct kb_deposit *o, const struct kb_backup_options *options,
	struct kb_repo *repo, struct kb_index *index)
{
	int r;

	memset(o, 0, sizeof(*o));
	o->options = options;
	o->repo = repo;
	o->index = index;
	o->committed = kb_clock_ms();
	r = kb_index_delta_new(&o->delta);
	if (r == 0)
		r = kb_decoder_new(&o->decoder);
	if (r == 0)
		r = kb_compressor_new(&o->compressor);
	if (r < 0)
		kb_deposit_release(o);
	return r;
}

void
kb_deposit_release(struct kb_deposit *o)
{
	kb_index_delta_free(o->delta);
	kb_decoder_free(o->decoder);
	kb_compressor_free(o->compressor);
	kb_buf_release(&o->scratch);
	o->delta = NULL;
	o->decoder = NULL;
	o->compressor = NULL;
}

int
kb_deposit_commit(struct kb_deposit *o)
{
	o->committed = kb_clock_ms();
	if (kb_index_delta_empty(o->delta))
		return 0;
	return kb_index_commit(o->index, o->delta);
}

int
kb_deposit_tick(struct kb_deposit *o)
{
	if (kb_clock_ms() - o->committed < COMMIT_EVERY_MS)
		return 0;
	return kb_deposit_commit(o);
}
