/*
 * A bounded list of open segments, most recently used first: a blob (one file
 * descriptor) and its block rows each. Segments are immutable, so two threads
 * that open the same one at once do no harm: the second finds the first's and
 * drops its own. Opening happens without the lock; one slow segment holds up
 * nobody else.
 */
#include "fs/sources.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "common/log.h"
#include "fs/ahead.h"
#include "fs/cache.h"
#include "fs/sift.h"
#include "fs/sources_parts.h"
#include "index/index.h"
#include "index/text.h"
#include "store/repo.h"
#include "store/store.h"

#define SEGMENTS_MAX 64	 /* open at once while nobody uses them */
#define BLOCKS_MAX 65536 /* rows of those */
#define WORKERS_MIN 2	 /* one may wait for storage */
#define WORKERS_MAX 8

static void
opened_free(struct kb_opened *o)
{
	if (!o)
		return;
	kb_blob_close(o->blob);
	free(o->blocks);
	free(o->starts);
	free(o);
}

void
kb_sources_say_once(struct kb_sources *s, const struct kb_place *place,
	int64_t first, uint64_t position)
{
	bool new = true;

	pthread_mutex_lock(&s->lock);
	for (unsigned i = 0; i < s->said_count && i < KB_SAID_MAX; i++)
		if (s->said[i].ordinal == place->ordinal &&
			s->said[i].first == first &&
			s->said[i].position == position)
			new = false;
	if (new)
		s->said[s->said_count++ % KB_SAID_MAX] =
			(struct kb_said){place->ordinal, first, position};
	pthread_mutex_unlock(&s->lock);
	if (new)
		kb_log_error("%s", kb_err_text());
}

/* ---- segments ---- */

static int
add_block(void *ctx, const struct kb_block *b)
{
	struct kb_opened *o = ctx;

	if (o->count == o->room) {
		uint32_t room = o->room ? 2 * o->room : 16;
		struct kb_block *p =
			reallocarray(o->blocks, room, sizeof(*o->blocks));

		if (!p)
			return kb_err(-ENOMEM, "blocks: out of memory");
		o->blocks = p;
		o->room = room;
	}
	o->blocks[o->count++] = *b;
	return 0;
}

uint64_t
kb_sources_length(const struct kb_block *b, enum kb_form form)
{
	switch ((int)form) {
	case (int)KB_FORM_MARKS:
		return b->records * sizeof(struct kb_text_mark);
	case KB_FORM_VALUES:
		return b->values_length;
	case KB_FORM_LOG:
		return b->size;
	default:
		return b->text_length;
	}
}

/* Where each block begins in each form; its rows must add up. */
static int
add_starts(struct kb_opened *o)
{
	const struct kb_segment *row = &o->source.row;
	uint64_t want[KB_FORMS] = {[KB_FORM_JSONL] = row->text_length,
		[KB_FORM_VALUES] = row->values_length,
		[KB_FORM_LOG] = row->bytes};
	size_t n = (size_t)o->count + 1;
	bool sound = o->count == row->block_count;

	o->starts = calloc(n, KB_FORMS * sizeof(*o->starts));
	if (!o->starts)
		return kb_err(-ENOMEM, "blocks: out of memory");
	for (int form = 0; form < KB_FORMS; form++) {
		uint64_t *starts = o->starts + (size_t)form * n;

		for (uint32_t i = 0; i < o->count; i++)
			starts[i + 1] =
				starts[i] + kb_sources_length(&o->blocks[i],
						    (enum kb_form)form);
		sound &= starts[o->count] == want[form];
		o->source.starts[form] = starts;
	}
	for (uint32_t i = 0; i < o->count; i++)
		sound &= o->blocks[i].position ==
			 o->source.starts[KB_FORM_LOG][i];
	if (!sound)
		return kb_err(-ESTALE,
			"%s: the index disagrees with itself: run kbak reindex",
			o->object);
	return 0;
}

static int
load_blocks(struct kb_sources *s, struct kb_opened *o)
{
	const struct kb_place *place = o->source.place;
	int r;

	r = kb_index_blocks(s->index, &place->topic, place->partition,
		o->source.row.start, add_block, o);
	if (r == 0)
		r = add_starts(o);
	o->source.blocks = o->blocks;
	return r;
}

static int
open_segment(struct kb_sources *s, const struct kb_place *place, int64_t first,
	struct kb_opened **out)
{
	struct kb_opened *o = calloc(1, sizeof(*o));
	struct kb_index_segment row;
	int r;

	if (!o)
		return kb_err(-ENOMEM, "segment: out of memory");
	r = kb_index_segment_at(
		s->index, &place->topic, place->partition, first, &row);
	if (r == -ENOENT || (r == 0 && row.s.first != first))
		r = kb_err(-ESTALE,
			"%s/%" PRId32 ": no segment begins at %" PRId64
			" any more",
			place->topic.name, place->partition, first);
	if (r == 0) {
		o->source.place = place;
		o->source.row = row.s;
		memcpy(o->object, row.object, sizeof(o->object));
		r = load_blocks(s, o);
	}
	if (r == 0)
		r = kb_store_open(s->repo->store, o->object, &o->blob, NULL);
	if (r < 0) {
		opened_free(o);
		return r;
	}
	*out = o;
	return 0;
}

/* Finds a segment and moves it to the front; under the lock. */
static struct kb_opened *
find(struct kb_sources *s, const struct kb_place *place, int64_t first)
{
	for (struct kb_opened **at = &s->opened; *at; at = &(*at)->next) {
		struct kb_opened *o = *at;

		if (o->source.place != place || o->source.row.first != first)
			continue;
		*at = o->next;
		o->next = s->opened;
		s->opened = o;
		return o;
	}
	return NULL;
}

/* Unlinks idle segments beyond the bounds; the caller frees the list. */
static struct kb_opened *
trim(struct kb_sources *s)
{
	struct kb_opened *gone = NULL, **at = &s->opened;
	uint64_t segments = 0, blocks = 0;

	while (*at) {
		struct kb_opened *o = *at;

		segments++;
		blocks += o->count;
		if (o->holders ||
			(segments <= SEGMENTS_MAX && blocks <= BLOCKS_MAX)) {
			at = &o->next;
			continue;
		}
		*at = o->next;
		o->next = gone;
		gone = o;
	}
	return gone;
}

static void
free_list(struct kb_opened *o)
{
	struct kb_opened *next;

	for (; o; o = next) {
		next = o->next;
		opened_free(o);
	}
}

int
kb_sources_get(struct kb_sources *s, const struct kb_place *place,
	int64_t first, const struct kb_source **out)
{
	struct kb_opened *o, *mine = NULL;
	int r;

	pthread_mutex_lock(&s->lock);
	o = find(s, place, first);
	if (!o) {
		pthread_mutex_unlock(&s->lock);
		r = open_segment(s, place, first, &mine);
		if (r < 0) {
			kb_sources_say_once(s, place, first, UINT64_MAX);
			return r;
		}
		pthread_mutex_lock(&s->lock);
		o = find(s, place, first);
	}
	if (!o) {
		o = mine;
		mine = NULL;
		o->next = s->opened;
		s->opened = o;
	}
	o->holders++;
	pthread_mutex_unlock(&s->lock);
	opened_free(mine);
	*out = &o->source;
	return 0;
}

void
kb_sources_put(struct kb_sources *s, const struct kb_source *source)
{
	struct kb_opened *o = (struct kb_opened *)(uintptr_t)source, *gone;

	pthread_mutex_lock(&s->lock);
	o->holders--;
	gone = trim(s);
	pthread_mutex_unlock(&s->lock);
	free_list(gone);
}

/* ---- all of it ---- */

static unsigned
workers_for(long cpus)
{
	return cpus < WORKERS_MIN   ? WORKERS_MIN
	       : cpus > WORKERS_MAX ? WORKERS_MAX
				    : (unsigned)cpus;
}

int
kb_sources_new(struct kb_repo *repo, struct kb_index *index, size_t cache_bytes,
	struct kb_sources **out)
{
	struct kb_sources *s = calloc(1, sizeof(*s));
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int r;

	if (!s)
		return kb_err(-ENOMEM, "mount: out of memory");
	s->repo = repo;
	s->index = index;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->sift_done, NULL);
	r = kb_cache_new(cache_bytes, &s->cache);
	if (r == 0)
		r = kb_sifts_new(&s->sifts);
	if (r == 0)
		r = kb_ahead_new(
			workers_for(cpus), kb_sources_run_ahead, s, &s->ahead);
	if (r < 0) {
		kb_sources_free(s);
		return r;
	}
	*out = s;
	return 0;
}

void
kb_sources_stop(struct kb_sources *s)
{
	kb_ahead_free(s->ahead);
	s->ahead = NULL;
}

void
kb_sources_free(struct kb_sources *s)
{
	struct kb_opened *next;

	if (!s)
		return;
	kb_sources_stop(s);
	for (struct kb_opened *o = s->opened; o; o = next) {
		next = o->next;
		opened_free(o);
	}
	for (unsigned i = 0; i < s->texts_idle; i++)
		kb_text_free(s->texts[i]);
	kb_cache_free(s->cache);
	kb_sifts_free(s->sifts);
	pthread_cond_destroy(&s->sift_done);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
