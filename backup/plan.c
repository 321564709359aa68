/*
 * Per partition, in this order: what is stored; whether the broker's log still
 * agrees with it; where this run ends (the last stable offset, captured once);
 * for a first run, where it begins.
 *
 * Objects beside an empty index mean that the index was lost. So the first
 * rows of all, those of the topics, are committed before the first object of a
 * partition is published: a run may be killed right behind that.
 */
#include "backup/plan.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backup/options.h"
#include "backup/deposit.h"
#include "backup/survey.h"
#include "backup/witness.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "index/index.h"
#include "kafka/admin.h"
#include "kafka/cluster.h"
#include "kafka/status.h"
#include "store/meta.h"
#include "store/repo.h"
#include "store/store.h"

/* ---- meta ---- */

/* Does the index have this, or (m NULL) any, word of the topic? */
static bool
is_indexed(struct kb_deposit *o, const struct kb_topic_ref *t,
	const struct kb_meta *m)
{
	struct kb_meta old = {0};
	bool is = kb_index_meta(o->index, t, &old) == 0;

	if (is && m)
		is = kb_meta_same(&old, m);
	kb_meta_release(&old);
	return is;
}

static bool
is_compacted(const struct kb_meta *m)
{
	for (size_t i = 0; i < m->setting_count; i++)
		if (strcmp(m->settings[i].name, "cleanup.policy") == 0)
			return strstr(m->settings[i].value, "compact") != NULL;
	return false;
}

/* The row is of the object as it is: an older one may say the same. */
static int
publish_meta(struct kb_deposit *o, const struct kb_topic_ref *t,
	const struct kb_meta *m)
{
	struct kb_meta stored = {0};
	char name[KB_NAME_MAX];
	uint64_t n;
	int r = kb_meta_publish(o->repo->store, m, &n);

	if (r < 0 || (r == 1 && is_indexed(o, t, m)))
		return r < 0 ? r : 0;
	kb_layout_meta(name, t, n);
	if (r == 1) /* found, perhaps as a run left it that was killed */
		r = kb_store_settle(o->repo->store, name);
	if (r == 0)
		r = kb_meta_read(o->repo->store, t, n, &stored);
	if (r == 0)
		r = kb_deposit_meta(o, &stored, n);
	kb_meta_release(&stored);
	return r;
}

/* Topics whose settings are asked for in one request. */
#define TOGETHER 100

/* Some topics picked, and what they look like now. */
struct group {
	const struct kb_metadata_topic *topics[TOGETHER];
	const char *names[TOGETHER];
	struct kb_meta metas[TOGETHER];
	bool known[TOGETHER]; /* with their settings */
	size_t count;
};

static int
put_setting(void *ctx, const char *name, const char *value)
{
	return kb_meta_put(ctx, name, value);
}

static int
put_setting_of(void *ctx, size_t topic, const char *name, const char *value)
{
	struct group *g = ctx;

	return kb_meta_put(&g->metas[topic], name, value);
}

static void
add_topic(struct group *g, const struct kb_metadata_topic *t)
{
	struct kb_meta *m = &g->metas[g->count];

	*m = (struct kb_meta){
		.id = t->id,
		.seen = kb_clock_wall_ms(),
		.partitions = (int32_t)t->partition_count,
		.replication_factor =
			t->partition_count ? t->partitions[0].replicas : 0,
	};
	strncpy(m->topic, t->name, sizeof(m->topic) - 1);
	g->names[g->count] = t->name;
	g->topics[g->count++] = t;
}

/* What one request does not bring is asked for alone. */
static int
ask_settings(struct group *g, struct kb_admin *admin, struct kb_deposit *o)
{
	int r = kb_admin_all_settings(
		admin, g->names, g->count, put_setting_of, g, g->known);

	for (size_t i = 0; r == 0 && i < g->count; i++) {
		if (g->known[i])
			continue;
		g->known[i] = kb_admin_topic_settings(admin, g->names[i],
				      put_setting, &g->metas[i]) == 0;
		if (g->known[i])
			continue;
		kb_log_warn("topic %s: its settings are not kept: %s",
			g->names[i], kb_err_text());
		atomic_fetch_add(&o->totals.problems, 1);
	}
	return r;
}

/*
 * Keeps what the topics look like now. Without the right to read its settings
 * an older, fuller word of a topic is not replaced by a poorer one.
 */
static int
keep_metas(const struct group *g, struct kb_deposit *o)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < g->count; i++) {
		struct kb_topic_ref ref = {
			g->topics[i]->name, g->topics[i]->id};

		kb_gauges_moved(&o->gauges);
		if (!o->options->dry_run &&
			(g->known[i] || !is_indexed(o, &ref, NULL)))
			r = publish_meta(o, &ref, &g->metas[i]);
	}
	return r;
}

/* ---- one partition ---- */

/* Truncation shows by epoch (KIP-320), else by an end below ours (H17). */
static int
check_log(const struct kb_lane *l, const struct kb_survey *at)
{
	const struct kb_resume *had = &at->had;

	if (at->epoch_end >= 0 && at->epoch_end <= had->last)
		return kb_err(-ESTALE,
			"%s: the log was truncated: leader epoch %" PRId32
			" ends at offset %" PRId64
			", stored are records up to %" PRId64
			"; nothing more is stored of this partition",
			kb_lane_name(l), had->last_epoch, at->epoch_end,
			had->last);
	if (at->end < had->covered)
		return kb_err(-ESTALE,
			"%s: the log was truncated: it ends at "
			"offset %" PRId64 ", the backup at %" PRId64
			"; nothing more is stored of this partition",
			kb_lane_name(l), at->end, had->covered);
	if (at->stable < at->end)
		kb_log_warn("%s: an open transaction holds the last stable "
			    "offset at %" PRId64 ", %" PRId64
			    " before the end; "
			    "what follows is left to the next run",
			kb_lane_name(l), at->stable, at->end - at->stable);
	return 0;
}

/* What was taken up just now has to be indexed, to be read back. */
static int
check_witness(struct kb_lane *l, struct kb_cluster *c, struct kb_deposit *o,
	int64_t last)
{
	int r = o->options->dry_run ? 0 : kb_deposit_commit(o);

	return r < 0 ? r : kb_witness_check(l, o, c, last);
}

/* Where -o puts the first run, not before the log's start or after the cut. */
static int64_t
find_origin(const struct kb_lane *l, const struct kb_backup_options *opt,
	const struct kb_survey *at)
{
	int64_t origin = at->earliest;

	if (opt->origin == KB_ORIGIN_OFFSET)
		origin = opt->origin_value;
	if (opt->origin == KB_ORIGIN_TIME)
		origin = at->origin;
	if (origin < 0 || origin > l->cut)
		origin = l->cut; /* no record is that late yet */
	return origin > at->earliest ? origin : at->earliest;
}

/* Gaps of a first run: deleted before we came, and not asked for. */
static int
begin_first_run(
	struct kb_lane *l, struct kb_deposit *o, const struct kb_survey *at)
{
	int64_t origin = find_origin(l, o->options, at);
	int r;

	if (o->options->dry_run) {
		l->from = l->covered = l->next = origin;
		return 0;
	}
	r = kb_lane_put_gap(l, o, NULL, at->earliest, KB_GAP_RETENTION,
		"deleted by the broker before the first backup");
	if (r == 0)
		r = kb_lane_put_gap(l, o, NULL, origin, KB_GAP_NOT_ASKED,
			"before the offset or time given with -o");
	l->from = l->covered;
	return r;
}

static int
plan_partition(struct kb_lane *l, struct kb_cluster *c, struct kb_deposit *o,
	const struct kb_survey *at)
{
	const struct kb_resume *had = &at->had;
	int r;

	r = check_log(l, at);
	l->cut = at->stable;
	if (r == 0 && had->last >= 0 && kb_uuid_is_zero(&l->topic.id))
		r = check_witness(l, c, o, had->last);
	if (r < 0)
		return r;
	l->from = l->covered = l->next = had->covered;
	/* A gap after the last record would outrun that batch's epoch. */
	l->last_epoch = had->last + 1 == had->covered ? had->last_epoch : -1;
	if (!had->any)
		r = begin_first_run(l, o, at);
	if (r == 0 && l->next >= l->cut)
		l->state = KB_LANE_DONE;
	return r;
}

/* ---- all of them ---- */

static void
add_lanes(struct kb_plan *p, const struct kb_metadata_topic *t, bool compacted)
{
	for (size_t i = 0; i < t->partition_count; i++) {
		struct kb_lane *l = &p->lanes[p->lane_count++];

		l->topic = (struct kb_topic_ref){t->name, t->id};
		l->partition = t->partitions[i].partition;
		l->compacted = compacted;
		l->last_epoch = -1;
	}
}

static int
plan_group(struct kb_plan *p, struct group *g, struct kb_admin *admin,
	struct kb_deposit *o)
{
	int r = 0;

	kb_gauges_moved(&o->gauges);
	if (g->count)
		r = ask_settings(g, admin, o);
	if (r == 0)
		r = keep_metas(g, o);
	for (size_t i = 0; i < g->count; i++) {
		if (r == 0)
			add_lanes(p, g->topics[i], is_compacted(&g->metas[i]));
		kb_meta_release(&g->metas[i]);
	}
	g->count = 0;
	return r;
}

static int
plan_topics(struct kb_plan *p, struct kb_admin *admin, struct kb_deposit *o)
{
	struct group *g = calloc(1, sizeof(*g));
	int r = g ? 0 : kb_err(-ENOMEM, "out of memory");

	for (size_t i = 0; r == 0 && i < p->metadata->topic_count; i++) {
		const struct kb_metadata_topic *t = &p->metadata->topics[i];

		if (p->picked[i] && t->error) {
			kb_log_error("topic %s: %s", t->name,
				kb_status_name(t->error));
			atomic_fetch_add(&o->totals.problems, 1);
		} else if (p->picked[i]) {
			add_topic(g, t);
		}
		if (g->count == TOGETHER)
			r = plan_group(p, g, admin, o);
	}
	if (r == 0)
		r = plan_group(p, g, admin, o);
	free(g);
	return r;
}

static int
plan_partitions(struct kb_plan *p, struct kb_cluster *c, struct kb_deposit *o)
{
	struct kb_survey *at = calloc(p->lane_count + 1, sizeof(*at));
	int r = at ? kb_survey_lanes(p->lanes, p->lane_count, c, o, at)
		   : kb_err(-ENOMEM, "out of memory");

	for (size_t i = 0; r == 0 && i < p->lane_count; i++) {
		struct kb_lane *l = &p->lanes[i];

		kb_gauges_moved(&o->gauges);
		if (l->state != KB_LANE_STOPPED)
			r = plan_partition(l, c, o, &at[i]);
		if (r < 0)
			r = kb_survey_stop(l, o, r);
	}
	free(at);
	return r;
}

int
kb_plan_pick(struct kb_cluster *cluster, const struct kb_selection *selection,
	struct kb_plan *out)
{
	struct kb_plan p = {0};
	size_t lanes = 0;
	int r;

	r = kb_cluster_metadata(cluster, NULL, 0, &p.metadata);
	if (r < 0)
		return r;
	p.picked = calloc(p.metadata->topic_count + 1, sizeof(*p.picked));
	r = p.picked ? kb_selection_pick(selection, p.metadata, p.picked)
		     : kb_err(-ENOMEM, "out of memory");
	for (size_t i = 0; r == 0 && i < p.metadata->topic_count; i++)
		if (p.picked[i])
			lanes += p.metadata->topics[i].partition_count;
	if (r == 0) {
		p.lanes = calloc(lanes + 1, sizeof(*p.lanes));
		if (!p.lanes)
			r = kb_err(-ENOMEM, "out of memory");
	}
	if (r < 0)
		kb_plan_release(&p);
	else
		*out = p;
	return r;
}

int
kb_plan_lanes(struct kb_plan *p, struct kb_cluster *cluster,
	struct kb_admin *admin, struct kb_deposit *o)
{
	int r = plan_topics(p, admin, o);

	if (r == 0 && o->index && kb_index_empty(o->index) &&
		!o->options->dry_run)
		r = kb_deposit_commit(o);
	return r < 0 ? r : plan_partitions(p, cluster, o);
}

void
kb_plan_release(struct kb_plan *p)
{
	for (size_t i = 0; i < p->lane_count; i++)
		kb_lane_release(&p->lanes[i]);
	free(p->lanes);
	free(p->picked);
	kb_metadata_free(p->metadata);
	*p = (struct kb_plan){0};
}
