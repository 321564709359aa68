/*
 * What one run will do: the topics picked, and a lane for each partition with
 * where it goes on and where it ends. Nothing is fetched yet.
 */
#ifndef KB_BACKUP_PLAN_H
#define KB_BACKUP_PLAN_H

#include <stddef.h>

#include "backup/lane.h"

struct kb_admin;
struct kb_cluster;
struct kb_metadata;
struct kb_deposit;

struct kb_plan {
	struct kb_metadata *metadata; /* owns the topics' names */
	struct kb_lane *lanes;
	size_t lane_count;
	size_t topic_count;
};

/*
 * Asks the cluster and the repository. Publishes (unless it is a dry run) each
 * topic's meta and the gaps that are plain at once: what lies before the log's
 * start, and what -o leaves out. A partition that cannot go on (truncated, no
 * leader, index behind its objects) gets a lane that is KB_LANE_STOPPED, is
 * logged and counted as a problem. Errors: the selection (-ENOENT), the
 * repository, the cluster as a whole.
 */
int
kb_plan_make(struct kb_cluster *cluster, struct kb_admin *admin,
	struct kb_deposit *o, struct kb_plan *out);

void
kb_plan_release(struct kb_plan *p);

#endif
