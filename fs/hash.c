/*
 * Chains behind a power-of-two array of slots, doubled when entries outnumber
 * slots. Entries carry hash and chain, so growing touches no allocation but
 * the array, and removing needs none at all.
 */
#include "fs/hash.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST_SLOTS 64

void
kb_hash_release(struct kb_hash *t)
{
	free(t->slots);
	*t = (struct kb_hash){0};
}

static struct kb_link **
slot_of(const struct kb_hash *t, uint64_t hash)
{
	return &t->slots[(hash ^ (hash >> 32)) & (t->slot_count - 1)];
}

static int
grow(struct kb_hash *t)
{
	struct kb_hash big = {0};

	big.slot_count = t->slot_count ? 2 * t->slot_count : FIRST_SLOTS;
	big.slots = calloc(big.slot_count, sizeof(struct kb_link *));
	if (!big.slots)
		return t->slot_count ? 0 : -ENOMEM; /* full chains still work */
	for (size_t i = 0; i < t->slot_count; i++) {
		struct kb_link *l = t->slots[i], *next;

		for (; l; l = next) {
			struct kb_link **slot = slot_of(&big, l->hash);

			next = l->next;
			l->next = *slot;
			*slot = l;
		}
	}
	free(t->slots);
	t->slots = big.slots;
	t->slot_count = big.slot_count;
	return 0;
}

int
kb_hash_add(struct kb_hash *t, struct kb_link *link, uint64_t hash)
{
	struct kb_link **slot;

	if (t->count >= t->slot_count && grow(t) < 0)
		return -ENOMEM;
	slot = slot_of(t, hash);
	link->hash = hash;
	link->next = *slot;
	*slot = link;
	t->count++;
	return 0;
}

void
kb_hash_remove(struct kb_hash *t, struct kb_link *link)
{
	struct kb_link **at = slot_of(t, link->hash);

	while (*at != link)
		at = &(*at)->next;
	*at = link->next;
	t->count--;
}

struct kb_link *
kb_hash_find(const struct kb_hash *t, uint64_t hash)
{
	struct kb_link *l = t->slot_count ? *slot_of(t, hash) : NULL;

	while (l && l->hash != hash)
		l = l->next;
	return l;
}

struct kb_link *
kb_hash_next(const struct kb_link *link)
{
	struct kb_link *l = link->next;

	while (l && l->hash != link->hash)
		l = l->next;
	return l;
}

struct kb_link *
kb_hash_any(const struct kb_hash *t)
{
	for (size_t i = 0; t->count && i < t->slot_count; i++)
		if (t->slots[i])
			return t->slots[i];
	return NULL;
}

uint64_t
kb_hash_text(uint64_t h, const char *text)
{
	for (; *text; text++)
		h = (h ^ (uint8_t)*text) * 0x100000001b3u;
	return kb_hash_mix(h, 0);
}
