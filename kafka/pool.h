/*
 * Receive buffers, used again and again, and their bytes in a budget: room for
 * an answer is reserved before it is asked for; when its size is known, the
 * reservation becomes a lease of that size.
 */
#ifndef KB_KAFKA_POOL_H
#define KB_KAFKA_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/budget.h"

struct kb_lease;
struct kb_pool;

/* budget NULL: unlimited; it outlives the pool and all leases. -ENOMEM. */
int
kb_pool_new(struct kb_budget *budget, struct kb_pool **out);

/* What is still leased lives on until it is dropped. */
void
kb_pool_free(struct kb_pool *pool);

/*
 * Reserves bytes for an answer that is to come. False: no room now. More than
 * the whole budget is let in when nobody holds anything. One thread at a time,
 * like the next two.
 */
bool
kb_pool_reserve(struct kb_pool *pool, struct kb_share *share, size_t bytes);

/* Gives a reservation back. */
void
kb_pool_cancel(struct kb_pool *pool, struct kb_share *share);

/*
 * Turns a reservation into a lease of `size` bytes with one holder; what was
 * reserved beyond is given back. 0. 1: the size exceeds the reservation and
 * there is no room for it now; more than the whole budget is let in when
 * nothing is leased. -ENOMEM.
 */
int
kb_pool_take(struct kb_pool *pool, struct kb_share *share, size_t size,
	struct kb_lease **out);

/* The bytes of a lease, `size` of them, for who fills it. */
uint8_t *
kb_lease_data(const struct kb_lease *lease);

#endif
