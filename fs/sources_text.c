/*
 * What the cache holds is loaded here, by readers and, ahead of them, by
 * workers. Some idle decoders (kb_text) are kept. How many are used at once is
 * bounded by the cache's budget, which charges for what decoding takes, and,
 * where nothing is cached, by KB_SIFTS_MAX.
 */
#include <errno.h>
#include <inttypes.h>

#include "common/err.h"
#include "fs/ahead.h"
#include "fs/cache.h"
#include "fs/sift.h"
#include "fs/sources_parts.h"
#include "index/text.h"

/* Nobody waits for one: what loads need in all, the cache's budget bounds. */
static int
take_text(struct kb_sources *s, struct kb_text **out)
{
	bool have;

	pthread_mutex_lock(&s->lock);
	have = s->texts_idle > 0;
	if (have)
		*out = s->texts[--s->texts_idle];
	pthread_mutex_unlock(&s->lock);
	return have ? 0 : kb_text_new(out);
}

static void
give_text(struct kb_sources *s, struct kb_text *t)
{
	pthread_mutex_lock(&s->lock);
	if (s->texts_idle < KB_TEXTS_IDLE) {
		s->texts[s->texts_idle++] = t;
		t = NULL;
	}
	pthread_mutex_unlock(&s->lock);
	kb_text_free(t);
}

struct job {
	struct kb_sources *s;
	const struct kb_opened *o;
	const struct kb_block *block;
	enum kb_form form;
	const struct kb_pick *pick; /* NULL: all records */
	uint64_t length;
};

static int
load_form(const struct job *job, struct kb_text *t, struct kb_buf *out)
{
	const struct kb_opened *o = job->o;
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
	const struct kb_opened *o = job->o;
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

/* The one record of the pick. */
static int
load_one(const struct job *job, struct kb_text *t, struct kb_buf *out)
{
	const struct kb_opened *o = job->o;
	const struct kb_place *place = o->source.place;

	return kb_text_block(t, o->blob, o->object, &place->topic,
		place->partition, job->block, job->pick->first, job->pick->last,
		out);
}

typedef int
load_fn(const struct job *job, struct kb_text *t, struct kb_buf *out);

static int
load_by(const struct job *job, load_fn *load, struct kb_buf *out)
{
	const struct kb_source *source = &job->o->source;
	struct kb_text *t;
	int r;

	r = take_text(job->s, &t);
	if (r < 0)
		return r;
	r = load(job, t, out);
	give_text(job->s, t);
	if (r < 0)
		kb_sources_say_once(job->s, source->place, source->row.first,
			job->block->position);
	return r;
}

static int
load_text(void *ctx, struct kb_buf *out)
{
	const struct job *job = ctx;

	return load_by(job, job->pick ? load_picked : load_form, out);
}

static int
load_line(void *ctx, struct kb_buf *out)
{
	return load_by(ctx, load_one, out);
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
		.o = (const struct kb_opened *)source,
		.block = b,
		.form = form,
		.length = kb_sources_length(b, form)};
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

int
kb_sources_line(struct kb_sources *s, const struct kb_source *source,
	uint32_t block, int64_t offset, bool holding, struct kb_entry **out)
{
	struct kb_pick pick = {offset, offset, kb_period_always()};
	struct job job = job_for(s, source, KB_FORM_JSONL, block);
	struct kb_cache_ask ask;

	job.pick = &pick;
	job.length = 0;
	ask = ask_for(&job, holding);
	ask.load = load_line;
	return kb_cache_get(s->cache, &ask, out);
}

bool
kb_sources_alone(
	struct kb_sources *s, const struct kb_source *source, uint32_t block)
{
	struct kb_opened *o = (struct kb_opened *)(uintptr_t)source;
	struct job job = job_for(s, source, KB_FORM_JSONL, block);
	struct kb_cache_ask ask = ask_for(&job, false);
	bool again;

	pthread_mutex_lock(&s->lock);
	again = o->alone == block + 1;
	o->alone = block + 1;
	pthread_mutex_unlock(&s->lock);
	return !again && !kb_cache_has(s->cache, &ask.key);
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
	kb_sources_say_once(s, source->place, source->row.first,
		source->blocks[block].position);
}

static void
begin_sift(struct kb_sources *s)
{
	pthread_mutex_lock(&s->lock);
	while (s->sifting == KB_SIFTS_MAX)
		pthread_cond_wait(&s->sift_done, &s->lock);
	s->sifting++;
	pthread_mutex_unlock(&s->lock);
}

static void
end_sift(struct kb_sources *s)
{
	pthread_mutex_lock(&s->lock);
	s->sifting--;
	s->sifted++;
	pthread_cond_signal(&s->sift_done);
	pthread_mutex_unlock(&s->lock);
}

int
kb_sources_sift(struct kb_sources *s, const struct kb_source *source,
	enum kb_form form, uint32_t block, const struct kb_pick *pick,
	struct kb_text_survey *out)
{
	const struct kb_opened *o = (const struct kb_opened *)source;
	const struct kb_place *place = source->place;
	const struct kb_block *b = &source->blocks[block];
	struct kb_text *t;
	int r;

	begin_sift(s);
	r = take_text(s, &t);
	if (r == 0) {
		r = kb_text_sift(t, o->blob, o->object, &place->topic,
			place->partition, b, pick, form == KB_FORM_VALUES, NULL,
			out);
		give_text(s, t);
	}
	end_sift(s);
	if (r < 0)
		kb_sources_say_once(s, place, source->row.first, b->position);
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

void
kb_sources_run_ahead(void *ctx, const struct kb_ahead_job *ahead)
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
