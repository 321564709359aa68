/*
 * Lanes: one a partition that is restored to, with a connection and a producer
 * of its own, so that partitions do not wait for each other. Sinks of the same
 * partition share its lane and take turns batch by batch.
 */
#ifndef KB_RESTORE_LANE_H
#define KB_RESTORE_LANE_H

#include <stdint.h>

struct kb_cancel;
struct kb_lane;
struct kb_lanes;
struct kb_parcel;
struct kb_restore_options;
struct kb_target;

/* o and target are borrowed. Any thread may use the lanes. */
int
kb_lanes_new(const struct kb_restore_options *o, struct kb_target *target,
	struct kb_lanes **out);
/* No lane is open any more. */
void
kb_lanes_free(struct kb_lanes *l);

/*
 * The lane of a partition, for one more user: the partition is there (see
 * kb_target_admit()) and, unless `append`, holds nothing but what these lanes
 * put there: else -EACCES. -ECANCELED: interrupted, no lane. -ETIMEDOUT.
 */
int
kb_lane_open(struct kb_lanes *l, const char *topic, int32_t partition,
	const char *source, struct kb_cancel *interrupt, struct kb_lane **out);

/* As the outlet's send (restore/outlet.h). -EBUSY: somebody else writes. */
int
kb_lane_send(struct kb_lane *lane, const void *owner,
	const struct kb_parcel *parcel, struct kb_cancel *interrupt);

/* The user leaves; what it had in doubt stays known. */
void
kb_lane_close(struct kb_lane *lane, const void *owner);

#endif
