/* A delta is a draft with small pages, made when its first row comes. */
#include "index/delta.h"

#include <errno.h>
#include <stdlib.h>

#include "common/err.h"
#include "index/draft.h"
#include "index/index.h"

struct kb_index_delta {
	struct kb_draft *draft; /* NULL: empty */
};

int
kb_index_delta_new(struct kb_index_delta **out)
{
	struct kb_index_delta *d = calloc(1, sizeof(*d));

	if (!d)
		return kb_err(-ENOMEM, "index: out of memory");
	*out = d;
	return 0;
}

void
kb_index_delta_free(struct kb_index_delta *d)
{
	if (!d)
		return;
	kb_draft_free(d->draft);
	free(d);
}

static int
begin(struct kb_index_delta *d)
{
	return d->draft ? 0 : kb_draft_new(KB_DRAFT_SMALL, &d->draft);
}

int
kb_index_delta_segment(struct kb_index_delta *d, const struct kb_topic_ref *t,
	int32_t partition, const struct kb_index_segment *s,
	const struct kb_block *blocks)
{
	int r = begin(d);

	return r < 0 ? r : kb_draft_segment(d->draft, t, partition, s, blocks);
}

int
kb_index_delta_gap(struct kb_index_delta *d, const struct kb_topic_ref *t,
	int32_t partition, const struct kb_gap *gap)
{
	int r = begin(d);

	return r < 0 ? r : kb_draft_gap(d->draft, t, partition, gap);
}

int
kb_index_delta_meta(
	struct kb_index_delta *d, const struct kb_meta *m, uint64_t n)
{
	int r = begin(d);

	return r < 0 ? r : kb_draft_meta(d->draft, m, n);
}

int
kb_index_delta_run(
	struct kb_index_delta *d, const struct kb_run *run, uint64_t n)
{
	int r = begin(d);

	return r < 0 ? r : kb_draft_run(d->draft, run, n);
}

bool
kb_index_delta_empty(const struct kb_index_delta *d)
{
	return !d->draft || kb_draft_empty(d->draft);
}

struct kb_draft *
kb_delta_draft(struct kb_index_delta *d)
{
	return d->draft;
}

void
kb_delta_clear(struct kb_index_delta *d)
{
	kb_draft_free(d->draft);
	d->draft = NULL;
}
