/* Runs a plan: fetches every lane up to its cut. */
#ifndef KB_BACKUP_ENGINE_H
#define KB_BACKUP_ENGINE_H

struct kb_cancel;
struct kb_cluster;
struct kb_deposit;
struct kb_plan;
struct kb_progress;

/*
 * 0: every lane is done or stopped (each stop is logged and counted as a
 * problem). -ECANCELED: cancel fired; what is whole is published. Other
 * errors: the store or the cluster as a whole; likewise.
 */
int
kb_engine_run(struct kb_plan *plan, struct kb_cluster *cluster,
	struct kb_deposit *o, struct kb_progress *progress,
	struct kb_cancel *cancel);

#endif
