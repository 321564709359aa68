/*
 * A lease is a mapping of its own with its book-keeping beside it. Free ones
 * stay on a list, the last one dropped first: its pages are the ones still in
 * the caches. One is taken that is large enough and not much too large, and
 * what counts in the budget is its whole size, so:
 *
 * 1. All mappings, leased and free, are together no larger than the budget,
 *    but for one that alone is larger: older free ones go when a new one comes.
 *
 * The budget is told with the pool's lock held, never the other way round.
 */
#include "kafka/pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/queue.h>

#include "common/err.h"
#include "kafka/lease.h"

#define PAGE 4096

/* How much is kept for later where no budget says. */
#define KEEP_BYTES (32 << 20)

/* A buffer this much larger than needed is good enough. */
#define FIT 2

struct kb_lease {
	TAILQ_ENTRY(kb_lease) link; /* of the free list */
	struct kb_pool *pool;
	struct kb_share share; /* cap, while leased */
	atomic_uint holders;
	uint8_t *data;
	size_t cap;
};

TAILQ_HEAD(lease_list, kb_lease);

struct kb_pool {
	struct kb_budget *budget; /* may be NULL */
	size_t promised;      /* sum of reservations; of the reserving thread */
	pthread_mutex_t lock; /* guards all below */
	struct lease_list free; /* the last one dropped is the first */
	size_t mapped;		/* bytes, leased and free */
	size_t leased;		/* how many */
	bool closed;
};

int
kb_pool_new(struct kb_budget *budget, struct kb_pool **out)
{
	struct kb_pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return kb_err(-ENOMEM, "out of memory");
	pool->budget = budget;
	pthread_mutex_init(&pool->lock, NULL);
	TAILQ_INIT(&pool->free);
	*out = pool;
	return 0;
}

/* ---- with the lock held ---- */

static void
unmap(struct kb_pool *pool, struct kb_lease *lease)
{
	pool->mapped -= lease->cap;
	munmap(lease->data, lease->cap);
	free(lease);
}

/* Lets go of what lies unused for longest, down to `most` bytes in all. */
static void
trim(struct kb_pool *pool, size_t most)
{
	struct kb_lease *oldest;

	while (pool->mapped > most &&
		(oldest = TAILQ_LAST(&pool->free, lease_list))) {
		TAILQ_REMOVE(&pool->free, oldest, link);
		unmap(pool, oldest);
	}
}

static size_t
most_mapped(const struct kb_pool *pool)
{
	return pool->budget ? pool->budget->total : KEEP_BYTES;
}

static struct kb_lease *
find_free(struct kb_pool *pool, size_t least, size_t most)
{
	struct kb_lease *lease;

	TAILQ_FOREACH (lease, &pool->free, link)
		if (lease->cap >= least && lease->cap <= most)
			break;
	if (lease)
		TAILQ_REMOVE(&pool->free, lease, link);
	return lease;
}

static int
map(struct kb_pool *pool, size_t cap, struct kb_lease **out)
{
	struct kb_lease *lease = calloc(1, sizeof(*lease));
	size_t most = most_mapped(pool);

	if (!lease)
		return kb_err(-ENOMEM, "out of memory");
	trim(pool, cap < most ? most - cap : 0);
	lease->data = mmap(NULL, cap, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (lease->data == MAP_FAILED) {
		free(lease);
		return kb_err(-ENOMEM, "out of memory: %zu bytes", cap);
	}
	lease->pool = pool;
	lease->cap = cap;
	pool->mapped += cap;
	*out = lease;
	return 0;
}

/* Unlocks; the last one out of a closed pool frees it. */
static void
leave(struct kb_pool *pool)
{
	bool last = pool->closed && pool->leased == 0;

	if (last)
		trim(pool, 0);
	pthread_mutex_unlock(&pool->lock);
	if (!last)
		return;
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

void
kb_pool_free(struct kb_pool *pool)
{
	if (!pool)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->closed = true;
	leave(pool);
}

/* ---- reservations ---- */

bool
kb_pool_reserve(struct kb_pool *pool, struct kb_share *share, size_t bytes)
{
	if (pool->budget && !kb_budget_try_alone(pool->budget, share, bytes, 0))
		return false;
	share->held = bytes;
	pool->promised += bytes;
	return true;
}

void
kb_pool_cancel(struct kb_pool *pool, struct kb_share *share)
{
	pool->promised -= share->held;
	if (pool->budget)
		kb_budget_set(pool->budget, share, 0);
	share->held = 0;
}

/* Room for `cap` in place of the reservation. */
static bool
settle(struct kb_pool *pool, struct kb_share *share, size_t cap)
{
	size_t others = pool->promised - share->held;

	if (pool->budget &&
		!kb_budget_try_alone(pool->budget, share, cap, others))
		return false;
	pool->promised = others;
	share->held = cap;
	return true;
}

/* In pages, so that answers of about one size share buffers. */
static size_t
round_up(size_t size)
{
	size_t step = PAGE;

	while (step < size / 8)
		step *= 2;
	return size ? (size + step - 1) / step * step : PAGE;
}

/* What fits the reservation stays within it: it has room, whatever others do.
 */
static size_t
buffer_size(size_t size, size_t reserved)
{
	size_t cap = round_up(size);

	return cap > reserved && size <= reserved ? reserved : cap;
}

int
kb_pool_take(struct kb_pool *pool, struct kb_share *share, size_t size,
	struct kb_lease **out)
{
	size_t least = buffer_size(size, share->held);
	size_t most = share->held < FIT * least ? share->held : FIT * least;
	struct kb_lease *lease;
	int r = 0;

	pthread_mutex_lock(&pool->lock);
	lease = find_free(pool, size, most > least ? most : least);
	if (!settle(pool, share, lease ? lease->cap : least)) {
		if (lease)
			TAILQ_INSERT_HEAD(&pool->free, lease, link);
		r = 1;
	} else if (!lease) {
		r = map(pool, least, &lease);
		if (r < 0)
			pool->promised += share->held;
	}
	if (r == 0) {
		lease->share = *share;
		share->held = 0;
		atomic_store(&lease->holders, 1);
		pool->leased++;
		*out = lease;
	}
	pthread_mutex_unlock(&pool->lock);
	return r;
}

/* ---- leases ---- */

uint8_t *
kb_lease_data(const struct kb_lease *lease)
{
	return lease->data;
}

void
kb_lease_hold(struct kb_lease *lease)
{
	atomic_fetch_add(&lease->holders, 1);
}

void
kb_lease_drop(struct kb_lease *lease)
{
	struct kb_pool *pool;

	if (!lease || atomic_fetch_sub(&lease->holders, 1) != 1)
		return;
	pool = lease->pool;
	pthread_mutex_lock(&pool->lock);
	pool->leased--;
	if (pool->budget)
		kb_budget_set(pool->budget, &lease->share, 0);
	TAILQ_INSERT_HEAD(&pool->free, lease, link);
	trim(pool, most_mapped(pool));
	leave(pool);
}
