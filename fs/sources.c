/*
 * A bounded list of open segments, most recently used first: a blob (one file
 * descriptor) and its block rows each. Segments are immutable, so two threads
 * that open the same one at once do no harm: the second finds the first's and
 * drops its own. Opening happens without the lock; one slow segment holds up
 * nobody else. Decoders (kb_text) come from a pool that bounds how many blocks
 * are decoded at once, and with it the memory that decoding takes.
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
#include "index/index.h"
#include "index/text.h"
#include "store/repo.h"
#include "store/store.h"

#define SEGMENTS_MAX 64	 /* open at once while nobody uses them */
#define BLOCKS_MAX 65536 /* rows of those */
#define TEXTS_MAX 16
#define WORKERS_MIN 2 /* one may wait for storage */
#define WORKERS_MAX 8
#define SAID_MAX 256

struct opened {
	struct kb_source source; /* first: what users see */
	struct opened *next;	 /* most recently used first */
	unsigned holders;
	char object[KB_NAME_MAX];
	struct kb_blob *blob;
	struct kb_block *blocks;
	uint64_t *starts; /* KB_FORMS rows of count + 1 */
	uint32_t count;
	uint32_t room;
};

/* A failure that the log has. */
struct said {
	uint32_t ordinal;
	int64_t first;
	uint64_t position;
};

struct kb_sources {
	struct kb_repo *repo;
	struct kb_index *index;
	struct kb_cache *cache;
	struct kb_ahead *ahead;
	struct kb_sifts *sifts;
	pthread_mutex_t lock;
	pthread_cond_t text_free;
	struct opened *opened;
	uint64_t sifted;		  /* blocks */
	struct kb_text *texts[TEXTS_MAX]; /* idle ones first */
	unsigned texts_idle;
	unsigned texts_made;
	unsigned texts_max;
	struct said said[SAID_MAX];
	unsigned said_count;
};

static void
opened_free(struct opened *o)
{
	if (!o)
		return;
	kb_blob_close(o->blob);
	free(o->blocks);
	free(o->starts);
	free(o);
}

/* Logs this thread's error, unless it was said before. */
static void
say_once(struct kb_sources *s, const struct kb_place *place, int64_t first,
	uint64_t position)
{
	bool new = true;

	pthread_mutex_lock(&s->lock);
	for (unsigned i = 0; i < s->said_count && i < SAID_MAX; i++)
		if (s->said[i].ordinal == place->ordinal &&
			s->said[i].first == first &&
			s->said[i].position == position)
			new = false;
	if (new)
		s->said[s->said_count++ % SAID_MAX] =
			(struct said){place->ordinal, first, position};
	pthread_mutex_unlock(&s->lock);
	if (new)
		kb_log_error("%s", kb_err_text());
}

/* ---- segments ---- */

static int
add_block(void *ctx, const struct kb_block *b)
{
	struct opened *o = ctx;

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

/* What a block comes to in a form. */
static uint64_t
length_of(const struct kb_block *b, enum kb_form form)
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
add_starts(struct opened *o)
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
			starts[i + 1] = starts[i] + length_of(&o->blocks[i],
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
load_blocks(struct kb_sources *s, struct opened *o)
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
	struct opened **out)
{
	struct opened *o = calloc(1, sizeof(*o));
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
static struct opened *
find(struct kb_sources *s, const struct kb_place *place, int64_t first)
{
	for (struct opened **at = &s->opened; *at; at = &(*at)->next) {
		struct opened *o = *at;

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
static struct opened *
trim(struct kb_sources *s)
{
	struct opened *gone = NULL, **at = &s->opened;
	uint64_t segments = 0, blocks = 0;

	while (*at) {
		struct opened *o = *at;

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
free_list(struct opened *o)
{
	struct opened *next;

	for (; o; o = next) {
		next = o->next;
		opened_free(o);
	}
}

int
kb_sources_get(struct kb_sources *s, const struct kb_place *place,
	int64_t first, const struct kb_source **out)
{
	struct opened *o, *mine = NULL;
	int r;

	pthread_mutex_lock(&s->lock);
	o = find(s, place, first);
	if (!o) {
		pthread_mutex_unlock(&s->lock);
		r = open_segment(s, place, first, &mine);
		if (r < 0) {
			say_once(s, place, first, UINT64_MAX);
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
	struct opened *o = (struct opened *)(uintptr_t)source, *gone;

	pthread_mutex_lock(&s->lock);
	o->holders--;
	gone = trim(s);
	pthread_mutex_unlock(&s->lock);
	free_list(gone);
}

/* ---- texts ---- */

static int
take_text(struct kb_sources *s, struct kb_text **out)
{
	int r = 0;

	pthread_mutex_lock(&s->lock);
	while (s->texts_idle == 0 && s->texts_made == s->texts_max)
		pthread_cond_wait(&s->text_free, &s->lock);
	if (s->texts_idle > 0) {
		*out = s->texts[--s->texts_idle];
	} else {
		r = kb_text_new(out);
		if (r == 0)
			s->texts_made++;
	}
	pthread_mutex_unlock(&s->lock);
	return r;
}

static void
give_text(struct kb_sources *s, struct kb_text *t)
{
	pthread_mutex_lock(&s->lock);
	s->texts[s->texts_idle++] = t;
	pthread_cond_signal(&s->text_free);
	pthread_mutex_unlock(&s->lock);
}

struct job {
	struct kb_sources *s;
	const struct opened *o;
	const struct kb_block *block;
	enum kb_form form;
	const struct kb_pick *pick; /* NULL: all records */
	uint64_t length;
};

static int
load_form(const struct job *job, struct kb_text *t, struct kb_buf *out)
{
	const struct opened *o = job->o;
	const struct kb_place *place = o->source.place;
	const struct kb_block *b = job->block;

	switch ((int)job->form) {
	case (int)KB_FORM_MARKS:
		return kb_text_marks(t, o->blob, o->object, b, out);
	case KB_FORM_VALUES:
		return kb_text_values(t, o->blob, o->object, b, out);
	case KB_FORM_LOG:
		return kb_text_stored(o->blob, o->object, b, out);
	default:
		return kb_text_block(t, o->blob, o->object, &place->topic,
			place->partition, b, b->first, b->last, out);
	}
}

/* Only what was found when it was measured is right. */
static int
load_picked(const struct job *job, struct kb_text *t, struct kb_buf *out)
{
	const struct opened *o = job->o;
	const struct kb_place *place = o->source.place;
	struct kb_text_survey found;
	int r = kb_text_sift(t, o->blob, o->object, &place->topic,
		place->partition, job->block, job->pick,
		job->form == KB_FORM_VALUES, out, &found);

	if (r == 0 && found.length != job->length)
		r = kb_err(-EIO, "%s: block at %" PRIu64 ": it has changed",
			o->object, job->block->position);
	return r;
}

static int
load_text(void *ctx, struct kb_buf *out)
{
	struct job *job = ctx;
	const struct kb_source *source = &job->o->source;
	struct kb_text *t;
	int r;

	r = take_text(job->s, &t);
	if (r < 0)
		return r;
	r = job->pick ? load_picked(job, t, out) : load_form(job, t, out);
	give_text(job->s, t);
	if (r < 0)
		say_once(job->s, source->place, source->row.first,
			job->block->position);
	return r;
}

static struct kb_cache_ask
ask_for(struct job *job, bool holding)
{
	const struct kb_source *source = &job->o->source;
	const struct kb_block *b = job->block;

	return (struct kb_cache_ask){
		.key = {.partition = source->place->ordinal,
			.segment = source->row.start,
			.position = b->position,
			.form = (uint32_t)job->form,
			.picked = job->pick,
			.pick = job->pick ? *job->pick : (struct kb_pick){0}},
		.length = job->length,
		.scratch =
			job->form == KB_FORM_LOG ? 0 : b->size + b->raw_length,
		.holding = holding,
		.load = load_text,
		.ctx = job,
	};
}

static struct job
job_for(struct kb_sources *s, const struct kb_source *source, enum kb_form form,
	uint32_t block)
{
	const struct kb_block *b = &source->blocks[block];

	return (struct job){.s = s,
		.o = (const struct opened *)source,
		.block = b,
		.form = form,
		.length = length_of(b, form)};
}

int
kb_sources_text(struct kb_sources *s, const struct kb_source *source,
	enum kb_form form, uint32_t block, bool holding, struct kb_entry **out)
{
	struct job job = job_for(s, source, form, block);
	struct kb_cache_ask ask = ask_for(&job, holding);

	return kb_cache_get(s->cache, &ask, out);
}

int
kb_sources_picked(struct kb_sources *s, const struct kb_source *source,
	enum kb_form form, uint32_t block, const struct kb_pick *pick,
	uint64_t length, bool holding, struct kb_entry **out)
{
	struct job job = job_for(s, source, form, block);
	struct kb_cache_ask ask;

	job.pick = pick;
	job.length = length;
	ask = ask_for(&job, holding);
	return kb_cache_get(s->cache, &ask, out);
}

void
kb_sources_done(struct kb_sources *s, struct kb_entry *e, size_t served)
{
	kb_cache_put(s->cache, e, served);
}

void
kb_sources_tell(
	struct kb_sources *s, const struct kb_source *source, uint32_t block)
{
	say_once(s, source->place, source->row.first,
		source->blocks[block].position);
}

int
kb_sources_sift(struct kb_sources *s, const struct kb_source *source,
	enum kb_form form, uint32_t block, const struct kb_pick *pick,
	struct kb_text_survey *out)
{
	const struct opened *o = (const struct opened *)source;
	const struct kb_place *place = source->place;
	const struct kb_block *b = &source->blocks[block];
	struct kb_text *t;
	int r;

	r = take_text(s, &t);
	if (r < 0)
		return r;
	r = kb_text_sift(t, o->blob, o->object, &place->topic, place->partition,
		b, pick, form == KB_FORM_VALUES, NULL, out);
	give_text(s, t);
	pthread_mutex_lock(&s->lock);
	s->sifted++;
	pthread_mutex_unlock(&s->lock);
	if (r < 0)
		say_once(s, place, source->row.first, b->position);
	return r;
}

struct kb_sifts *
kb_sources_sifts(struct kb_sources *s)
{
	return s->sifts;
}

uint64_t
kb_sources_sifted(struct kb_sources *s)
{
	uint64_t sifted;

	pthread_mutex_lock(&s->lock);
	sifted = s->sifted;
	pthread_mutex_unlock(&s->lock);
	return sifted;
}

uint64_t
kb_sources_decoded(struct kb_sources *s)
{
	struct kb_cache_counts counts;

	kb_cache_count(s->cache, &counts);
	return counts.misses + counts.ahead;
}

void
kb_sources_count(struct kb_sources *s, struct kb_cache_counts *out)
{
	kb_cache_count(s->cache, out);
}

/* ---- ahead of readers ---- */

void
kb_sources_ahead(struct kb_sources *s, const struct kb_place *place,
	int64_t first, enum kb_form form, uint64_t from, uint64_t to)
{
	struct kb_ahead_job job = {place, first, from, to, form};

	if (s->ahead)
		kb_ahead_push(s->ahead, &job);
}

/* On a worker. What fails is met, and told, by the reader who comes. */
static void
run_ahead(void *ctx, const struct kb_ahead_job *ahead)
{
	struct kb_sources *s = ctx;
	const struct kb_source *source;
	const uint64_t *starts;
	bool going = true;

	if (kb_sources_get(s, ahead->place, ahead->segment, &source) < 0)
		return;
	starts = source->starts[ahead->form];
	for (uint32_t i = 0; going && i < source->row.block_count; i++) {
		struct job job = job_for(s, source, ahead->form, i);
		struct kb_cache_ask ask = ask_for(&job, false);

		if (starts[i] >= ahead->to)
			break;
		if (starts[i] >= ahead->from)
			going = kb_cache_load_ahead(s->cache, &ask);
	}
	kb_sources_put(s, source);
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
	s->texts_max = cpus < 2 ? 4 : cpus > 8 ? TEXTS_MAX : (unsigned)cpus * 2;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->text_free, NULL);
	r = kb_cache_new(cache_bytes, &s->cache);
	if (r == 0)
		r = kb_sifts_new(&s->sifts);
	if (r == 0)
		r = kb_ahead_new(workers_for(cpus), run_ahead, s, &s->ahead);
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
	struct opened *next;

	if (!s)
		return;
	kb_sources_stop(s);
	for (struct opened *o = s->opened; o; o = next) {
		next = o->next;
		opened_free(o);
	}
	for (unsigned i = 0; i < s->texts_idle; i++)
		kb_text_free(s->texts[i]);
	kb_cache_free(s->cache);
	kb_sifts_free(s->sifts);
	pthread_cond_destroy(&s->text_free);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
