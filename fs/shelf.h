/* Entries of a cache: by key, by age, and what they cost. No locking. */
#ifndef KB_FS_SHELF_H
#define KB_FS_SHELF_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "fs/cache.h"
#include "fs/hash.h"

enum kb_entry_state { KB_WAITING, KB_LOADING, KB_READY, KB_FAILED };

struct kb_entry {
	struct kb_link link;
	struct kb_entry *older; /* of those that are idle, or that wait */
	struct kb_entry *newer;
	struct kb_cache_key key;
	pthread_cond_t done; /* no longer waiting; no longer loading */
	enum kb_entry_state state;
	unsigned holders;
	unsigned passed; /* times that others were let in before it */
	bool urgent;
	bool beyond;   /* let in though there was no room */
	bool listed;   /* in the table */
	bool fresh;    /* loaded ahead, and nobody has come for it yet */
	size_t wanted; /* what loading will cost */
	size_t cost;
	size_t served; /* bytes handed out */
	struct kb_buf text;
	struct kb_failure *failure;
};

struct kb_queue {
	struct kb_entry *oldest;
	struct kb_entry *newest;
};

/* {.budget = n} is an empty one. */
struct kb_shelf {
	struct kb_hash table;
	struct kb_queue idle; /* nobody holds them; the oldest goes first */
	struct kb_buf spare;  /* memory of one that went */
	size_t budget;
	size_t used;  /* costs of all entries, */
	size_t lying; /* and of those that are idle */
	uint64_t evictions;
};

void
kb_shelf_release(struct kb_shelf *s);

void
kb_queue_add(struct kb_queue *q, struct kb_entry *e);
void
kb_queue_remove(struct kb_queue *q, struct kb_entry *e);

/* NULL when there is none. */
struct kb_entry *
kb_shelf_find(const struct kb_shelf *s, const struct kb_cache_key *key);

/* One that the caller holds, without cost. NULL without memory. */
struct kb_entry *
kb_shelf_add(struct kb_shelf *s, const struct kb_cache_key *key);

/* Nobody finds it any more; it goes with its last holder. */
void
kb_shelf_unlist(struct kb_shelf *s, struct kb_entry *e);

void
kb_shelf_charge(struct kb_shelf *s, struct kb_entry *e, size_t cost);

/* One holder more, one less. */
void
kb_shelf_hold(struct kb_shelf *s, struct kb_entry *e);
void
kb_shelf_put(struct kb_shelf *s, struct kb_entry *e);

/*
 * Drops idle entries until `cost` more fits; if it cannot, none. ahead: of
 * those that are fresh none goes.
 */
bool
kb_shelf_make_room(struct kb_shelf *s, size_t cost, bool ahead);

/* Drops all that are idle. */
void
kb_shelf_clear(struct kb_shelf *s);

/*
 * Memory of an entry that went, for the next one: preferably of one that was
 * handed out whole.
 */
struct kb_buf
kb_shelf_take_spare(struct kb_shelf *s);

#endif
