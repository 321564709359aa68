/*
 * Commits are put together, since each costs a file and its fsyncs. Nothing
 * depends on a commit being early: progress is read back from published
 * objects (DESIGN.md, invariant "durable first").
 */
#include "backup/outlet.h"

#include <string.h>

#include "common/clock.h"
#include "format/codec.h"
#include "index/index.h"

#define COMMIT_EVERY_MS 1000

int
kb_outlet_init(struct kb_outlet *o, const struct kb_backup_options *options,
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
		kb_outlet_release(o);
	return r;
}

void
kb_outlet_release(struct kb_outlet *o)
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
kb_outlet_commit(struct kb_outlet *o)
{
	o->committed = kb_clock_ms();
	if (kb_index_delta_empty(o->delta))
		return 0;
	return kb_index_commit(o->index, o->delta);
}

int
kb_outlet_tick(struct kb_outlet *o)
{
	if (kb_clock_ms() - o->committed < COMMIT_EVERY_MS)
		return 0;
	return kb_outlet_commit(o);
}
