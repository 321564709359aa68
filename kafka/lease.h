/*
 * A hold on the bytes of an answer. Whoever keeps slices of them beyond the
 * call that handed them out takes a hold first and drops it when done. Any
 * thread.
 */
#ifndef KB_KAFKA_LEASE_H
#define KB_KAFKA_LEASE_H

struct kb_lease;

/* One more holder; the caller is one, or was just handed the bytes. */
void
kb_lease_hold(struct kb_lease *lease);

/*
 * One holder less. The last one's drop returns the buffer to its pool and its
 * bytes to the budget, and wakes a fetcher that waits for room. NULL is legal.
 */
void
kb_lease_drop(struct kb_lease *lease);

#endif
