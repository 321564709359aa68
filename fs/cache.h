/* Texts of blocks in memory, under one budget; one load whoever asks. */
#ifndef KB_FS_CACHE_H
#define KB_FS_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"

struct kb_cache;
struct kb_entry;

/* A block of a segment of a partition. */
struct kb_cache_key {
	uint64_t partition;
	int64_t segment;
	uint64_t position;
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
	size_t length;	/* of the text */
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
void
kb_cache_put(struct kb_cache *c, struct kb_entry *e);

/* Valid while the entry is held. */
struct kb_slice
kb_entry_text(const struct kb_entry *e);

/* Bytes held now, and loads so far. */
size_t
kb_cache_used(struct kb_cache *c);
uint64_t
kb_cache_loads(struct kb_cache *c);

#endif
