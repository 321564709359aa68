/* A hash table of entries that carry their own link; it owns nothing. */
#ifndef KB_FS_HASH_H
#define KB_FS_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Lives inside an entry; the entry's owner finds it back by its place. */
struct kb_link {
	struct kb_link *next;
	uint64_t hash;
};

/* {0} is an empty table. Locking is the caller's. */
struct kb_hash {
	struct kb_link **slots;
	size_t slot_count; /* a power of two, or 0 */
	size_t count;
};

#define kb_link_entry(link, type, member)                                      \
	((type *)((char *)(link)-offsetof(type, member)))

/* Frees the slots, not the entries. */
void
kb_hash_release(struct kb_hash *t);

/* Adds an entry under hash. 0 or -ENOMEM. */
int
kb_hash_add(struct kb_hash *t, struct kb_link *link, uint64_t hash);

/* Takes out an entry that is in the table. */
void
kb_hash_remove(struct kb_hash *t, struct kb_link *link);

/* First entry of that hash, or the next one after `link`; or NULL. */
struct kb_link *
kb_hash_find(const struct kb_hash *t, uint64_t hash);
struct kb_link *
kb_hash_next(const struct kb_link *link);

/* Any entry, or NULL when empty: for taking a table down. */
struct kb_link *
kb_hash_any(const struct kb_hash *t);

/* Mixes numbers into a hash: start with any h, fold in each part. */
static inline uint64_t
kb_hash_mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15u;
	return h ^ (h >> 29);
}

/* Mixes a string in. */
uint64_t
kb_hash_text(uint64_t h, const char *text);

#endif
