/*
 * A sift is one number a block: where its part begins in what is left. Which
 * records of a block that is. is found again when it is rendered, so nothing
 * grows with the number of records. Sifts of segments are kept until they come
 * to SIFTS_MAX bytes, least recently used last; each block that straddles the
 * border of a period is so decoded once to be measured, however often somebody
 * asks for its size, and then when it is read.
 *
 * Two threads that sift one segment at once do no harm: the second finds the
 * first's and drops its own.
 */
#include "fs/sift.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "fs/hash.h"
#include "fs/interrupt.h"
#include "fs/selector.h"
#include "fs/sources.h"
#include "index/text.h"

#define SIFTS_MAX ((size_t)8 << 20)

struct kb_sift {
	struct kb_link link;
	struct kb_sift *older; /* of those that nobody holds */
	struct kb_sift *newer;
	unsigned holders;
	const struct kb_place *place;
	int64_t segment;
	struct kb_selector what; /* no wider than the segment */
	struct kb_facts facts;
	uint32_t count;
	uint64_t starts[]; /* of each block, and the end */
};

struct kb_sifts {
	pthread_mutex_t lock;
	struct kb_hash table;
	struct kb_sift *oldest;
	struct kb_sift *newest;
	size_t bytes;
};

int
kb_sifts_new(struct kb_sifts **out)
{
	struct kb_sifts *all = calloc(1, sizeof(*all));

	if (!all)
		return kb_err(-ENOMEM, "mount: out of memory");
	pthread_mutex_init(&all->lock, NULL);
	*out = all;
	return 0;
}

void
kb_sifts_free(struct kb_sifts *all)
{
	struct kb_link *l;

	if (!all)
		return;
	while ((l = kb_hash_any(&all->table))) {
		kb_hash_remove(&all->table, l);
		free(kb_link_entry(l, struct kb_sift, link));
	}
	kb_hash_release(&all->table);
	pthread_mutex_destroy(&all->lock);
	free(all);
}

/* ---- keeping ---- */

static size_t
bytes_of(const struct kb_sift *f)
{
	return sizeof(*f) + ((size_t)f->count + 1) * sizeof(f->starts[0]);
}

static uint64_t
hash_of(const struct kb_sift *f)
{
	uint64_t h = kb_hash_mix(f->place->ordinal, (uint64_t)f->segment);

	h = kb_hash_mix(h, (uint64_t)f->what.period.from);
	return kb_hash_mix(h, (uint64_t)f->what.period.to);
}

static void
idle_add(struct kb_sifts *all, struct kb_sift *f)
{
	f->older = all->newest;
	f->newer = NULL;
	*(all->newest ? &all->newest->newer : &all->oldest) = f;
	all->newest = f;
}

static void
idle_remove(struct kb_sifts *all, struct kb_sift *f)
{
	*(f->older ? &f->older->newer : &all->oldest) = f->newer;
	*(f->newer ? &f->newer->older : &all->newest) = f->older;
}

/* Under the lock; counts one holder. */
static struct kb_sift *
find(struct kb_sifts *all, const struct kb_sift *like)
{
	struct kb_link *l = kb_hash_find(&all->table, hash_of(like));

	for (; l; l = kb_hash_next(l)) {
		struct kb_sift *f = kb_link_entry(l, struct kb_sift, link);

		if (f->place != like->place || f->segment != like->segment ||
			!kb_selector_equal(&f->what, &like->what))
			continue;
		if (f->holders++ == 0)
			idle_remove(all, f);
		return f;
	}
	return NULL;
}

static void
evict(struct kb_sifts *all)
{
	while (all->oldest && all->bytes > SIFTS_MAX) {
		struct kb_sift *f = all->oldest;

		idle_remove(all, f);
		kb_hash_remove(&all->table, &f->link);
		all->bytes -= bytes_of(f);
		free(f);
	}
}

/* Puts a new one in, or finds that somebody else did. */
static int
keep(struct kb_sifts *all, struct kb_sift *mine, const struct kb_sift **out)
{
	struct kb_sift *f;
	int r = 0;

	pthread_mutex_lock(&all->lock);
	f = find(all, mine);
	if (!f) {
		f = mine;
		f->holders = 1;
		if (kb_hash_add(&all->table, &f->link, hash_of(f)) < 0)
			r = kb_err(-ENOMEM, "mount: out of memory");
		else
			mine = NULL;
	}
	if (!mine) {
		all->bytes += bytes_of(f);
		evict(all);
	}
	pthread_mutex_unlock(&all->lock);
	free(mine);
	*out = f;
	return r;
}

/* ---- sifting ---- */

static struct kb_pick
pick_of(const struct kb_selector *what)
{
	return (struct kb_pick){what->first, what->last, what->period};
}

static enum kb_extent
extent_of(const struct kb_selector *what, const struct kb_block *b)
{
	enum kb_extent e;

	if (b->last < what->first || b->first > what->last)
		return KB_NONE;
	e = kb_period_takes(&what->period, b->min_timestamp, b->max_timestamp,
		b->undated, b->records);
	if (e == KB_ALL && (b->first < what->first || b->last > what->last))
		return KB_SOME;
	return e;
}

/* Its part of the block has so many bytes. */
static void
add(struct kb_sift *f, uint32_t block, uint64_t length,
	const struct kb_facts *facts)
{
	f->starts[block + 1] = f->starts[block] + length;
	if (length)
		kb_facts_add(&f->facts, facts);
}

static int
sift_block(struct kb_sources *s, const struct kb_source *source, uint32_t i,
	struct kb_sift *f)
{
	const struct kb_block *b = &source->blocks[i];
	enum kb_extent e = extent_of(&f->what, b);
	bool values = f->what.form == KB_FORM_VALUES;
	const uint64_t *starts = source->starts[f->what.form];
	struct kb_facts facts = {b->records, b->first, b->last,
		b->min_timestamp, b->max_timestamp};
	struct kb_pick pick = pick_of(&f->what);
	struct kb_text_survey v;
	int r;

	if (e == KB_NONE || (e == KB_ALL && !(values && b->newline_in_value))) {
		add(f, i, e == KB_ALL ? starts[i + 1] - starts[i] : 0, &facts);
		return 0;
	}
	if (kb_interrupt_seen())
		return kb_err(-EINTR, "interrupted");
	r = kb_sources_sift(s, source, f->what.form, i, &pick, &v);
	if (r < 0)
		return r;
	if (values && v.newline >= 0)
		return kb_err(-EINVAL,
			"%s/%" PRId32 ": the value at offset %" PRId64
			" holds a newline: .values cannot show it, .jsonl can",
			f->place->topic.name, f->place->partition, v.newline);
	facts = (struct kb_facts){
		v.records, v.first, v.last, v.min_timestamp, v.max_timestamp};
	add(f, i, v.length, &facts);
	return 0;
}

/* Wider selectors of the same records are the same. */
static struct kb_selector
narrow(const struct kb_selector *what, const struct kb_segment *s)
{
	struct kb_selector n = *what;

	n.kind = KB_SELECT_OFFSETS;
	if (n.first < s->first)
		n.first = s->first;
	if (n.last > s->last)
		n.last = s->last;
	return n;
}

int
kb_sift_get(struct kb_sources *s, const struct kb_source *source,
	const struct kb_selector *what, const struct kb_sift **out)
{
	struct kb_sifts *all = kb_sources_sifts(s);
	struct kb_sift like = {.place = source->place,
		.segment = source->row.first,
		.what = narrow(what, &source->row),
		.facts = kb_facts_none(),
		.count = source->row.block_count};
	struct kb_sift *f;
	int r = 0;

	pthread_mutex_lock(&all->lock);
	*out = find(all, &like);
	pthread_mutex_unlock(&all->lock);
	if (*out)
		return 0;
	f = calloc(1, bytes_of(&like));
	if (!f)
		return kb_err(-ENOMEM, "range: out of memory");
	memcpy(f, &like, sizeof(like));
	for (uint32_t i = 0; r == 0 && i < f->count; i++)
		r = sift_block(s, source, i, f);
	if (r < 0) {
		free(f);
		return r;
	}
	return keep(all, f, out);
}

void
kb_sift_put(struct kb_sources *s, const struct kb_sift *sift)
{
	struct kb_sift *f = (struct kb_sift *)(uintptr_t)sift;
	struct kb_sifts *all = kb_sources_sifts(s);

	pthread_mutex_lock(&all->lock);
	if (--f->holders == 0)
		idle_add(all, f);
	evict(all);
	pthread_mutex_unlock(&all->lock);
}

uint64_t
kb_sift_size(const struct kb_sift *f)
{
	return f->starts[f->count];
}

const struct kb_facts *
kb_sift_facts(const struct kb_sift *f)
{
	return &f->facts;
}

/* ---- reading ---- */

/* The last block that begins at or before `at`: others there are empty. */
static uint32_t
block_of(const struct kb_sift *f, uint64_t at)
{
	uint32_t low = 0, high = f->count;

	while (high - low > 1) {
		uint32_t mid = low + (high - low) / 2;

		if (f->starts[mid] <= at)
			low = mid;
		else
			high = mid;
	}
	return low;
}

int
kb_sift_text(struct kb_sources *s, const struct kb_source *source,
	const struct kb_sift *f, uint64_t at, bool holding,
	struct kb_entry **out, size_t *out_skip)
{
	uint32_t i = block_of(f, at);
	struct kb_pick pick = pick_of(&f->what);

	*out_skip = at - f->starts[i];
	if (extent_of(&f->what, &source->blocks[i]) == KB_ALL)
		return kb_sources_text(
			s, source, f->what.form, i, holding, out);
	return kb_sources_picked(s, source, f->what.form, i, &pick,
		f->starts[i + 1] - f->starts[i], holding, out);
}
