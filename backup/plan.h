/*
 * What one run will do: the topics picked, and a lane for each partition with
 * where it goes on and where it ends. Nothing is fetched yet.
 */
#ifndef KB_BACKUP_PLAN_H
#define KB_BACKUP_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "backup/lane.h"

struct kb_admin;
struct kb_cluster;
struct kb_metadata;
struct kb_deposit;
struct kb_selection;

struct kb_plan {
	struct kb_metadata *metadata; /* owns the topics' names */
	bool *picked;		      /* of metadata's topics */
	struct kb_lane *lanes;
	size_t lane_count;
};

/*
 * Asks the cluster what there is and picks. Nothing is touched before this
 * has succeeded. -ENOENT as kb_selection_pick().
 */
int
kb_plan_pick(struct kb_cluster *cluster, const struct kb_selection *selection,
	struct kb_plan *out);

/*
 * Asks cluster and repository about each partition picked. Publishes (unless
 * it is a dry run) each topic's meta and the gaps that are plain at once: what
 * lies before the log's start, and what -o leaves out. A partition that cannot
 * go on (truncated, no leader, index behind its objects) gets a lane that is
 * KB_LANE_STOPPED, is logged and counted as a problem. Errors: the
 * repository's, -ECANCELED.
 */
int
kb_plan_lanes(struct kb_plan *p, struct kb_cluster *cluster,
	struct kb_admin *admin, struct kb_deposit *o);

void
kb_plan_release(struct kb_plan *p);

#endif
