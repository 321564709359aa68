/*
 * What the fetch thread hands to a lane's worker: an answer's batches, or word
 * of how the lane goes on or ends. Parcels of a lane are opened in order.
 */
#ifndef KB_BACKUP_PARCEL_H
#define KB_BACKUP_PARCEL_H

#include "backup/lane.h"
#include "kafka/fetcher.h"

struct kb_crew;
struct kb_deposit;

/* Who opens parcels, and who is told when a lane has ended. */
struct kb_post {
	struct kb_crew *crew; /* hands are struct kb_hand */
	struct kb_deposit *deposit;
	/* Called by any thread, once a lane's last parcel is dealt with. */
	void (*ended)(struct kb_lane *l);
};

/*
 * The batches of a DATA event. A lane that fails on them becomes broken, with
 * its reason in l->failure; later parcels are then thrown away. 0, -ENOMEM.
 */
int
kb_parcel_data(const struct kb_post *p, struct kb_lane *l,
	const struct kb_fetch_event *e);

/* A gap up to `end`, behind what is whole. 0, -ENOMEM. */
int
kb_parcel_gap(const struct kb_post *p, struct kb_lane *l, int64_t end,
	enum kb_gap_reason reason, const char *detail);

/*
 * The last parcel: what is whole is published and `ended` called. why (may be
 * NULL) becomes l->failure unless there is one. 0, -ENOMEM.
 */
int
kb_parcel_end(
	const struct kb_post *p, struct kb_lane *l, int error, const char *why);

/* The same, but what is not yet published is forgotten. */
int
kb_parcel_abandon(
	const struct kb_post *p, struct kb_lane *l, int error, const char *why);

#endif
