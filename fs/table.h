/* A hash table of entries that carry their own link; it owns nothing. */
#ifndef KB_FS_TABLE_H
#define KB_FS_TABLE_H

#include <stddef.h>
#include <stdint.h>

/* Lives inside an entry; the entry's owner finds it back by its place. */
struct kb_link {
	struct kb_link *next;
	uint64_t hash;
};

/* {0} is an empty table. Locking is the caller's. */
struct kb_table {
	struct kb_link **slots;
	size_t slot_count; /* a power of two, or 0 */
	size_t count;
};

#define kb_link_entry(link, type, member)                                      \
	((type *)((char *)(link)-offsetof(type, member)))

/* Frees the slots, not the entries. */
void
kb_table_release(struct kb_table *t);

/* Adds an entry under hash. 0 or -ENOMEM. */
int
kb_table_add(struct kb_table *t, struct kb_link *link, uint64_t hash);

/* Takes out an entry that is in the table. */
void
kb_table_remove(struct kb_table *t, struct kb_link *link);

/* First entry of that hash, or the next one after `link`; or NULL. */
struct kb_link *
kb_table_find(const struct kb_table *t, uint64_t hash);
struct kb_link *
kb_table_next(const struct kb_link *link);

/* Any entry, or NULL when empty: for taking a table down. */
struct kb_link *
kb_table_any(const struct kb_table *t);

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
