/*
 * Idle entries form a list, least recently used first, from which room is
 * made. A text of which all bytes were handed out is in the kernel's page
 * cache now: it goes first, and its memory, still warm, serves the next load.
 * A reader that streams through a file thus allocates nothing and evicts
 * nobody.
 *
 * Invariants: (1) `used` is the sum of all entries' costs, `lying` of those on
 * the idle list; (2) an entry is on that list exactly when it has no holder.
 */
#include "fs/shelf.h"

#include <stdlib.h>

static void
entry_free(struct kb_entry *e)
{
	pthread_cond_destroy(&e->done);
	kb_buf_release(&e->text);
	free(e->failure);
	free(e);
}

void
kb_shelf_release(struct kb_shelf *s)
{
	struct kb_link *l;

	while ((l = kb_hash_any(&s->table))) {
		kb_hash_remove(&s->table, l);
		entry_free(kb_link_entry(l, struct kb_entry, link));
	}
	kb_hash_release(&s->table);
	kb_buf_release(&s->spare);
}

/* ---- by key ---- */

static uint64_t
hash_of(const struct kb_cache_key *k)
{
	uint64_t h = kb_hash_mix(0, k->partition);

	h = kb_hash_mix(kb_hash_mix(h, (uint64_t)k->segment), k->position);
	if (k->picked)
		h = kb_hash_mix(h, (uint64_t)k->pick.period.to);
	return k->picked ? kb_hash_mix(h, (uint64_t)k->pick.first) : h;
}

static bool
same_pick(const struct kb_cache_key *a, const struct kb_cache_key *b)
{
	if (!a->picked || !b->picked)
		return a->picked == b->picked;
	return a->pick.first == b->pick.first && a->pick.last == b->pick.last &&
	       kb_period_equal(&a->pick.period, &b->pick.period);
}

struct kb_entry *
kb_shelf_find(const struct kb_shelf *s, const struct kb_cache_key *k)
{
	struct kb_link *l = kb_hash_find(&s->table, hash_of(k));

	for (; l; l = kb_hash_next(l)) {
		struct kb_entry *e = kb_link_entry(l, struct kb_entry, link);

		if (e->key.partition == k->partition &&
			e->key.segment == k->segment &&
			e->key.position == k->position &&
			e->key.form == k->form && same_pick(&e->key, k))
			return e;
	}
	return NULL;
}

struct kb_entry *
kb_shelf_add(struct kb_shelf *s, const struct kb_cache_key *key)
{
	struct kb_entry *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	pthread_cond_init(&e->done, NULL);
	e->key = *key;
	e->holders = 1;
	if (kb_hash_add(&s->table, &e->link, hash_of(key)) < 0) {
		entry_free(e);
		return NULL;
	}
	e->listed = true;
	return e;
}

void
kb_shelf_unlist(struct kb_shelf *s, struct kb_entry *e)
{
	kb_hash_remove(&s->table, &e->link);
	e->listed = false;
}

/* ---- by age ---- */

void
kb_queue_add(struct kb_queue *q, struct kb_entry *e)
{
	e->older = q->newest;
	e->newer = NULL;
	*(q->newest ? &q->newest->newer : &q->oldest) = e;
	q->newest = e;
}

/* As the one to go first. */
static void
add_oldest(struct kb_queue *q, struct kb_entry *e)
{
	e->older = NULL;
	e->newer = q->oldest;
	*(q->oldest ? &q->oldest->older : &q->newest) = e;
	q->oldest = e;
}

void
kb_queue_remove(struct kb_queue *q, struct kb_entry *e)
{
	*(e->older ? &e->older->newer : &q->oldest) = e->newer;
	*(e->newer ? &e->newer->older : &q->newest) = e->older;
}

static bool
finished(const struct kb_entry *e)
{
	return e->state == KB_READY && e->served >= e->text.len;
}

/* Takes an entry that nobody holds, and is not idle, out of the world. */
static void
drop(struct kb_shelf *s, struct kb_entry *e)
{
	if (e->listed)
		kb_shelf_unlist(s, e);
	s->used -= e->cost;
	if (e->text.cap > s->spare.cap && e->text.cap <= s->budget / 4) {
		struct kb_buf t = s->spare;

		s->spare = e->text;
		e->text = t;
		kb_buf_clear(&s->spare);
	}
	entry_free(e);
}

static void
drop_oldest(struct kb_shelf *s)
{
	struct kb_entry *e = s->idle.oldest;

	kb_queue_remove(&s->idle, e);
	s->lying -= e->cost;
	drop(s, e);
}

void
kb_shelf_hold(struct kb_shelf *s, struct kb_entry *e)
{
	if (e->holders++ > 0)
		return;
	kb_queue_remove(&s->idle, e);
	s->lying -= e->cost;
}

void
kb_shelf_put(struct kb_shelf *s, struct kb_entry *e)
{
	if (--e->holders > 0)
		return;
	if (!e->listed) {
		drop(s, e);
		return;
	}
	if (finished(e))
		add_oldest(&s->idle, e);
	else
		kb_queue_add(&s->idle, e);
	s->lying += e->cost;
	while (s->used > s->budget && s->idle.oldest)
		drop_oldest(s);
}

/* ---- costs ---- */

void
kb_shelf_charge(struct kb_shelf *s, struct kb_entry *e, size_t cost)
{
	s->used -= e->cost;
	e->cost = cost;
	s->used += cost;
}

static bool
fits(const struct kb_shelf *s, size_t used, size_t cost)
{
	return used <= s->budget && cost <= s->budget - used;
}

bool
kb_shelf_make_room(struct kb_shelf *s, size_t cost, bool ahead)
{
	if (!fits(s, s->used - s->lying, cost))
		return false;
	while (!fits(s, s->used, cost)) {
		if (ahead && s->idle.oldest->fresh)
			return false;
		s->evictions += !finished(s->idle.oldest);
		drop_oldest(s);
	}
	return true;
}

void
kb_shelf_clear(struct kb_shelf *s)
{
	while (s->idle.oldest) {
		s->evictions += !finished(s->idle.oldest);
		drop_oldest(s);
	}
}

struct kb_buf
kb_shelf_take_spare(struct kb_shelf *s)
{
	struct kb_buf spare;

	if (s->idle.oldest && finished(s->idle.oldest))
		drop_oldest(s);
	spare = s->spare;
	s->spare = (struct kb_buf){0};
	return spare;
}
