/*
 * An entry is in the table from the moment somebody asks for it; a first asker
 * loads it, later ones wait on the entry's own condition. Idle entries (nobody
 * holds them) form a list, least recently used first, from which room is made.
 *
 * Invariants, under `lock`: (1) `used` is the sum of all entries' costs; (2) an
 * entry is on the idle list exactly when it has no holder; (3) a thread waits
 * for room only while it holds nothing, and one that somebody waits for while
 * holding others ("urgent") stops waiting: so no circle of waits can form.
 * One evicted buffer is kept for the next load: a reader that streams through
 * a file then allocates nothing.
 */
#include "fs/cache.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "common/err.h"
#include "format/jsonl.h"
#include "fs/hash.h"

#define TRUSTED_LENGTH ((size_t)8 << 20)

enum state { WAITING, LOADING, READY, FAILED };

struct kb_entry {
	struct kb_link link;
	struct kb_entry *older; /* on the idle list */
	struct kb_entry *newer;
	struct kb_cache_key key;
	pthread_cond_t done;
	enum state state;
	unsigned holders;
	bool urgent;
	bool listed; /* in the table */
	size_t cost;
	struct kb_buf text;
	struct kb_failure *failure;
};

struct kb_cache {
	pthread_mutex_t lock;
	pthread_cond_t room;
	struct kb_hash table;
	struct kb_entry *oldest;
	struct kb_entry *newest;
	struct kb_buf spare;
	size_t budget;
	size_t used;
	uint64_t loads;
};

int
kb_cache_new(size_t budget, struct kb_cache **out)
{
	struct kb_cache *c = calloc(1, sizeof(*c));

	if (!c)
		return kb_err(-ENOMEM, "cache: out of memory");
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->room, NULL);
	c->budget = budget;
	*out = c;
	return 0;
}

static void
entry_free(struct kb_entry *e)
{
	pthread_cond_destroy(&e->done);
	kb_buf_release(&e->text);
	free(e->failure);
	free(e);
}

void
kb_cache_free(struct kb_cache *c)
{
	struct kb_link *l;

	if (!c)
		return;
	while ((l = kb_hash_any(&c->table))) {
		kb_hash_remove(&c->table, l);
		entry_free(kb_link_entry(l, struct kb_entry, link));
	}
	kb_hash_release(&c->table);
	kb_buf_release(&c->spare);
	pthread_cond_destroy(&c->room);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static uint64_t
hash_of(const struct kb_cache_key *k)
{
	uint64_t h = kb_hash_mix(0, k->partition);

	return kb_hash_mix(kb_hash_mix(h, (uint64_t)k->segment), k->position);
}

static struct kb_entry *
find(struct kb_cache *c, const struct kb_cache_key *k)
{
	struct kb_link *l = kb_hash_find(&c->table, hash_of(k));

	for (; l; l = kb_hash_next(l)) {
		struct kb_entry *e = kb_link_entry(l, struct kb_entry, link);

		if (e->key.partition == k->partition &&
			e->key.segment == k->segment &&
			e->key.position == k->position)
			return e;
	}
	return NULL;
}

static void
idle_add(struct kb_cache *c, struct kb_entry *e)
{
	e->older = c->newest;
	e->newer = NULL;
	*(c->newest ? &c->newest->newer : &c->oldest) = e;
	c->newest = e;
}

static void
idle_remove(struct kb_cache *c, struct kb_entry *e)
{
	*(e->older ? &e->older->newer : &c->oldest) = e->newer;
	*(e->newer ? &e->newer->older : &c->newest) = e->older;
}

/* Takes an entry that nobody holds, and is not idle, out of the world. */
static void
drop(struct kb_cache *c, struct kb_entry *e)
{
	if (e->listed)
		kb_hash_remove(&c->table, &e->link);
	c->used -= e->cost;
	if (e->text.cap > c->spare.cap && e->text.cap <= c->budget / 8) {
		struct kb_buf t = c->spare;

		c->spare = e->text;
		e->text = t;
		kb_buf_clear(&c->spare);
	}
	entry_free(e);
}

static bool
fits(const struct kb_cache *c, size_t cost)
{
	return c->used <= c->budget && cost <= c->budget - c->used;
}

static void
evict(struct kb_cache *c, size_t cost)
{
	while (c->oldest && !fits(c, cost)) {
		struct kb_entry *e = c->oldest;

		idle_remove(c, e);
		drop(c, e);
	}
}

/* Charges cost to e, once there is room for it. */
static void
admit(struct kb_cache *c, struct kb_entry *e, size_t cost, bool holding)
{
	e->urgent = holding;
	for (;;) {
		evict(c, cost);
		if (fits(c, cost) || c->used == 0 || e->urgent)
			break;
		pthread_cond_wait(&c->room, &c->lock);
	}
	e->state = LOADING;
	e->cost = cost;
	c->used += cost;
	c->loads++;
}

static struct kb_entry *
entry_new(struct kb_cache *c, const struct kb_cache_key *key)
{
	struct kb_entry *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	pthread_cond_init(&e->done, NULL);
	e->key = *key;
	e->holders = 1;
	if (kb_hash_add(&c->table, &e->link, hash_of(key)) < 0) {
		entry_free(e);
		return NULL;
	}
	e->listed = true;
	return e;
}

/* What load gave, made known. Only damage is remembered, not bad luck. */
static void
settle(struct kb_cache *c, struct kb_entry *e, int r)
{
	size_t cost = sizeof(*e) + e->text.cap;

	e->state = READY;
	if (r < 0) {
		e->state = FAILED;
		e->failure = calloc(1, sizeof(*e->failure));
		if (e->failure)
			kb_failure_take(e->failure, r);
		kb_buf_release(&e->text);
		cost = sizeof(*e) + sizeof(*e->failure);
		if (r != -EBADMSG) {
			kb_hash_remove(&c->table, &e->link);
			e->listed = false;
		}
	}
	c->used -= e->cost;
	e->cost = cost;
	c->used += cost;
	pthread_cond_broadcast(&e->done);
	pthread_cond_broadcast(&c->room);
}

/*
 * Room for just the text: growing by doubling would waste half the budget. The
 * length is a claim of the index, so only so much is taken on its word.
 */
static void
make_room(struct kb_buf *text, size_t length)
{
	size_t cap = length + KB_JSONL_SLACK;

	if (text->cap >= cap || length > TRUSTED_LENGTH)
		return;
	kb_buf_release(text);
	text->data = malloc(cap);
	text->cap = text->data ? cap : 0;
}

static void
load(struct kb_cache *c, struct kb_entry *e, const struct kb_cache_ask *ask)
{
	int r;

	admit(c, e, sizeof(*e) + ask->length + ask->scratch, ask->holding);
	e->text = c->spare;
	c->spare = (struct kb_buf){0};
	pthread_mutex_unlock(&c->lock);
	make_room(&e->text, ask->length);
	r = ask->load(ask->ctx, &e->text);
	pthread_mutex_lock(&c->lock);
	settle(c, e, r);
}

static void
join(struct kb_cache *c, struct kb_entry *e, bool holding)
{
	if (e->holders++ == 0)
		idle_remove(c, e);
	if (e->state == WAITING && holding) {
		e->urgent = true;
		pthread_cond_broadcast(&c->room);
	}
	while (e->state == WAITING || e->state == LOADING)
		pthread_cond_wait(&e->done, &c->lock);
}

static void
put_locked(struct kb_cache *c, struct kb_entry *e)
{
	if (--e->holders > 0)
		return;
	if (e->listed)
		idle_add(c, e);
	else
		drop(c, e);
	if (c->used > c->budget)
		evict(c, 0);
	pthread_cond_broadcast(&c->room);
}

int
kb_cache_get(struct kb_cache *c, const struct kb_cache_ask *ask,
	struct kb_entry **out)
{
	struct kb_entry *e;
	int r = 0;

	pthread_mutex_lock(&c->lock);
	e = find(c, &ask->key);
	if (e) {
		join(c, e, ask->holding);
	} else {
		e = entry_new(c, &ask->key);
		if (!e) {
			pthread_mutex_unlock(&c->lock);
			return kb_err(-ENOMEM, "cache: out of memory");
		}
		load(c, e, ask);
	}
	if (e->state == FAILED) {
		r = e->failure ? kb_failure_raise(e->failure)
			       : kb_err(-ENOMEM, "cache: out of memory");
		put_locked(c, e);
	}
	pthread_mutex_unlock(&c->lock);
	if (r == 0)
		*out = e;
	return r;
}

void
kb_cache_put(struct kb_cache *c, struct kb_entry *e)
{
	pthread_mutex_lock(&c->lock);
	put_locked(c, e);
	pthread_mutex_unlock(&c->lock);
}

struct kb_slice
kb_entry_text(const struct kb_entry *e)
{
	return kb_buf_slice(&e->text);
}

size_t
kb_cache_used(struct kb_cache *c)
{
	size_t used;

	pthread_mutex_lock(&c->lock);
	used = c->used;
	pthread_mutex_unlock(&c->lock);
	return used;
}

uint64_t
kb_cache_loads(struct kb_cache *c)
{
	uint64_t loads;

	pthread_mutex_lock(&c->lock);
	loads = c->loads;
	pthread_mutex_unlock(&c->lock);
	return loads;
}
