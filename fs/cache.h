/* Texts of blocks in memory, under one budget; one load whoever asks. */
#ifndef KB_FS_CACHE_H
#define KB_FS_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "format/period.h"

struct kb_cache;
struct kb_entry;

/*
 * A block of a segment of a partition, in one form (fs/selector.h); of all its
 * records, or of those of `pick`.
 */
struct kb_cache_key {
	uint64_t partition;
	int64_t segment;
	uint64_t position;
	uint32_t form;
	bool picked;
	struct kb_pick pick;
};

/* Any thread may use a cache. budget is in bytes. */
int
kb_cache_new(size_t budget, struct kb_cache **out);

/* Nothing of it is held any more. */
void
kb_cache_free(struct kb_cache *c);

/* Appends the text to out; called without any lock held. */
typedef int
kb_cache_load_fn(void *ctx, struct kb_buf *out);

struct kb_cache_ask {
	struct kb_cache_key key;
	size_t length;	/* of the text; 0: not known, but little */
	size_t scratch; /* more memory while loading */
	bool holding;	/* this thread holds other entries */
	kb_cache_load_fn *load;
	void *ctx;
};

/*
 * The entry of that key: from memory, from the load that somebody has under
 * way, or loaded now. Waits until the budget has room for it; what is larger
 * than the whole budget is admitted alone, and who holds other entries does
 * not wait for room (else two of those could wait for each other). An error of
 * load goes to all who wait for it; -EBADMSG stays in the cache like a text.
 * The entry stays until kb_cache_put().
 */
int
kb_cache_get(struct kb_cache *c, const struct kb_cache_ask *ask,
	struct kb_entry **out);

/*
 * served: so many bytes of it were handed out. Once that is as much as the
 * text has, it is the first to go.
 */
void
kb_cache_put(struct kb_cache *c, struct kb_entry *e, size_t served);

/* Is it there, or being loaded? It may have gone by the time one asks for it.
 */
bool
kb_cache_has(struct kb_cache *c, const struct kb_cache_key *key);

/*
 * Loads the text before somebody asks for it, if it is not there. Waits for no
 * room and takes none from texts that are held, or that were loaded ahead and
 * not asked for yet: false, it gave up.
 */
bool
kb_cache_load_ahead(struct kb_cache *c, const struct kb_cache_ask *ask);

/* Valid while the entry is held. */
struct kb_slice
kb_entry_text(const struct kb_entry *e);

struct kb_cache_counts {
	size_t budget; /* bytes */
	size_t used;
	size_t texts; /* in memory */
	uint64_t hits;
	uint64_t misses;    /* loaded while a reader waited */
	uint64_t ahead;	    /* loaded before one came */
	uint64_t evictions; /* of texts that were not all handed out */
};

/* How it is now, and what happened so far. */
void
kb_cache_count(struct kb_cache *c, struct kb_cache_counts *out);

#endif
