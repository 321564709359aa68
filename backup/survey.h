/*
 * What repository and cluster say of each partition before anything is
 * fetched: all partitions are asked about together, so that it takes a few
 * requests and not a few for each.
 */
#ifndef KB_BACKUP_SURVEY_H
#define KB_BACKUP_SURVEY_H

#include <stddef.h>
#include <stdint.h>

#include "backup/resume.h"

struct kb_cluster;
struct kb_deposit;
struct kb_lane;

/* Of one partition. */
struct kb_survey {
	struct kb_resume had;
	int64_t epoch_end; /* of had.last_epoch; -1: not asked, not known */
	int64_t end;	   /* the log's */
	int64_t stable;	   /* the last stable offset */
	int64_t earliest;  /* of a first run alone: the log's start */
	int64_t origin;	   /* likewise: what -o TIME means; -1 nothing */
};

/*
 * Fills in out[0..count). What fails for one partition is logged and counted,
 * and its lane KB_LANE_STOPPED. Errors: as kb_plan_lanes().
 */
int
kb_survey_lanes(struct kb_lane *lanes, size_t count, struct kb_cluster *cluster,
	struct kb_deposit *o, struct kb_survey *out);

/* Ends lane l for this thread's error r, unless that ends the run: then r. */
int
kb_survey_stop(struct kb_lane *l, struct kb_deposit *o, int r);

#endif
