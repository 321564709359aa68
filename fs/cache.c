/*
 * An entry is on the shelf from the moment somebody asks for it; a first asker
 * loads it, later ones wait on the entry's own condition. Who finds no room
 * for a load waits in a queue; whoever makes room lets in those it suffices
 * for, the oldest first, so nobody wakes to find none.
 *
 * Invariants, under `lock`: (1) an entry is in the queue exactly while it is
 * WAITING; (2) a thread waits for room only while it holds nothing, and one
 * that somebody waits for while holding others ("urgent") waits for no room,
 * but for one of a few loads beyond it to end, which wait for nobody: so no
 * circle of waits can form; (3) whatever may have made room is followed by
 * let_in(). Loads ahead of readers never wait, not even for each other.
 */
#include "fs/cache.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "common/err.h"
#include "format/jsonl.h"
#include "fs/shelf.h"

#define TRUSTED_LENGTH ((size_t)8 << 20)

/* A text below that does not sit on the memory that a large one left. */
#define LITTLE ((size_t)64 << 10)

/* So many loads may be under way that there was no room for. */
#define URGENT_MAX 8

/* So often smaller ones are let in before one that finds no room. */
#define PATIENCE 1000

struct kb_cache {
	pthread_mutex_t lock;
	struct kb_shelf shelf;
	struct kb_queue queue;
	unsigned urgent; /* loads under way that there was no room for */
	uint64_t hits;
	uint64_t misses;
	uint64_t ahead;
};

int
kb_cache_new(size_t budget, struct kb_cache **out)
{
	struct kb_cache *c = calloc(1, sizeof(*c));

	if (!c)
		return kb_err(-ENOMEM, "cache: out of memory");
	pthread_mutex_init(&c->lock, NULL);
	c->shelf.budget = budget;
	*out = c;
	return 0;
}

void
kb_cache_free(struct kb_cache *c)
{
	if (!c)
		return;
	kb_shelf_release(&c->shelf);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* There is room for it, or it needs none. */
static bool
may_load(struct kb_cache *c, struct kb_entry *e)
{
	e->beyond = false;
	if (kb_shelf_make_room(&c->shelf, e->wanted, false))
		return true;
	if (c->shelf.used > c->shelf.lying) {
		if (!e->urgent || c->urgent >= URGENT_MAX)
			return false;
		e->beyond = true;
	}
	kb_shelf_clear(&c->shelf);
	return true;
}

/*
 * Lets those load that there is room for. Who has waited too often keeps out
 * all who came later, except the urgent: it may be their texts it waits for.
 */
static void
let_in(struct kb_cache *c)
{
	bool urgent_only = false;
	struct kb_entry *next;

	for (struct kb_entry *e = c->queue.oldest; e; e = next) {
		next = e->newer;
		if (urgent_only && !e->urgent)
			continue;
		if (may_load(c, e)) {
			kb_queue_remove(&c->queue, e);
			e->state = KB_LOADING;
			c->urgent += e->beyond;
			kb_shelf_charge(&c->shelf, e, e->wanted);
			pthread_cond_broadcast(&e->done);
		} else if (e->passed++ >= PATIENCE) {
			urgent_only = true;
		}
	}
}

/* What load gave, made known. Only damage is remembered, not bad luck. */
static void
settle(struct kb_cache *c, struct kb_entry *e, int r)
{
	size_t cost = sizeof(*e) + e->text.cap;

	e->state = KB_READY;
	c->urgent -= e->beyond;
	e->beyond = false;
	if (r < 0) {
		e->state = KB_FAILED;
		e->failure = calloc(1, sizeof(*e->failure));
		if (e->failure)
			kb_failure_take(e->failure, r);
		kb_buf_release(&e->text);
		cost = sizeof(*e) + sizeof(*e->failure);
		if (r != -EBADMSG)
			kb_shelf_unlist(&c->shelf, e);
	}
	kb_shelf_charge(&c->shelf, e, cost);
	pthread_cond_broadcast(&e->done);
	let_in(c);
}

/*
 * Room for just the text: growing by doubling would waste half the budget. A
 * little more lets the memory serve the next block, too. The length is a claim
 * of the index, so only so much is taken on its word.
 */
static void
make_room(struct kb_buf *text, size_t length)
{
	size_t cap = length + KB_JSONL_SLACK;

	if (text->cap >= cap || length > TRUSTED_LENGTH)
		return;
	cap += cap / 32;
	kb_buf_release(text);
	text->data = malloc(cap);
	text->cap = text->data ? cap : 0;
}

/* Loads what was let in; without the lock meanwhile. */
static void
load(struct kb_cache *c, struct kb_entry *e, const struct kb_cache_ask *ask)
{
	int r;

	if (ask->length >= LITTLE)
		e->text = kb_shelf_take_spare(&c->shelf);
	pthread_mutex_unlock(&c->lock);
	make_room(&e->text, ask->length);
	r = ask->load(ask->ctx, &e->text);
	pthread_mutex_lock(&c->lock);
	settle(c, e, r);
}

static void
join(struct kb_cache *c, struct kb_entry *e, bool holding)
{
	c->hits++;
	kb_shelf_hold(&c->shelf, e);
	e->fresh = false;
	if (e->state == KB_WAITING && holding) {
		e->urgent = true;
		let_in(c);
	}
	while (e->state == KB_WAITING || e->state == KB_LOADING)
		pthread_cond_wait(&e->done, &c->lock);
}

static size_t
cost_of(const struct kb_cache_ask *ask)
{
	return sizeof(struct kb_entry) + ask->length + ask->scratch;
}

static void
queue_and_load(
	struct kb_cache *c, struct kb_entry *e, const struct kb_cache_ask *ask)
{
	c->misses++;
	e->wanted = cost_of(ask);
	e->urgent = ask->holding;
	kb_queue_add(&c->queue, e);
	let_in(c);
	while (e->state == KB_WAITING)
		pthread_cond_wait(&e->done, &c->lock);
	load(c, e, ask);
}

static void
put(struct kb_cache *c, struct kb_entry *e)
{
	kb_shelf_put(&c->shelf, e);
	let_in(c);
}

int
kb_cache_get(struct kb_cache *c, const struct kb_cache_ask *ask,
	struct kb_entry **out)
{
	struct kb_entry *e;
	int r = 0;

	pthread_mutex_lock(&c->lock);
	e = kb_shelf_find(&c->shelf, &ask->key);
	if (e) {
		join(c, e, ask->holding);
	} else {
		e = kb_shelf_add(&c->shelf, &ask->key);
		if (e)
			queue_and_load(c, e, ask);
		else
			r = kb_err(-ENOMEM, "cache: out of memory");
	}
	if (e && e->state == KB_FAILED) {
		r = e->failure ? kb_failure_raise(e->failure)
			       : kb_err(-ENOMEM, "cache: out of memory");
		put(c, e);
	}
	pthread_mutex_unlock(&c->lock);
	if (r == 0)
		*out = e;
	return r;
}

bool
kb_cache_has(struct kb_cache *c, const struct kb_cache_key *key)
{
	bool has;

	pthread_mutex_lock(&c->lock);
	has = kb_shelf_find(&c->shelf, key);
	pthread_mutex_unlock(&c->lock);
	return has;
}

bool
kb_cache_load_ahead(struct kb_cache *c, const struct kb_cache_ask *ask)
{
	size_t cost = cost_of(ask);
	struct kb_entry *e = NULL;
	bool there;

	pthread_mutex_lock(&c->lock);
	there = kb_shelf_find(&c->shelf, &ask->key);
	if (!there && !c->queue.oldest &&
		kb_shelf_make_room(&c->shelf, cost, true))
		e = kb_shelf_add(&c->shelf, &ask->key);
	if (e) {
		c->ahead++;
		e->state = KB_LOADING;
		e->fresh = true;
		kb_shelf_charge(&c->shelf, e, cost);
		load(c, e, ask);
		put(c, e);
	}
	pthread_mutex_unlock(&c->lock);
	return there || e;
}

void
kb_cache_put(struct kb_cache *c, struct kb_entry *e, size_t served)
{
	pthread_mutex_lock(&c->lock);
	e->served += served;
	put(c, e);
	pthread_mutex_unlock(&c->lock);
}

struct kb_slice
kb_entry_text(const struct kb_entry *e)
{
	return kb_buf_slice(&e->text);
}

void
kb_cache_count(struct kb_cache *c, struct kb_cache_counts *out)
{
	pthread_mutex_lock(&c->lock);
	*out = (struct kb_cache_counts){
		.budget = c->shelf.budget,
		.used = c->shelf.used,
		.texts = c->shelf.table.count,
		.hits = c->hits,
		.misses = c->misses,
		.ahead = c->ahead,
		.evictions = c->shelf.evictions,
	};
	pthread_mutex_unlock(&c->lock);
}
