/*
 * Per partition, in this order: what is stored; whether the broker's log still
 * agrees with it; where this run ends (the last stable offset, captured once);
 * for a first run, where it begins.
 */
#include "backup/plan.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backup/options.h"
#include "backup/deposit.h"
#include "backup/resume.h"
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

/* An error that ends the run, not one partition: the store's and our own. */
static bool
is_ours(int error)
{
	return error == -ENOSPC || error == -EDQUOT || error == -EROFS ||
	       error == -ENOMEM || error == -ECANCELED;
}

/* ---- meta ---- */

static int
put_setting(void *ctx, const char *name, const char *value)
{
	return kb_meta_put(ctx, name, value);
}

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
	uint64_t n;
	int r = kb_meta_publish(o->repo->store, m, &n);

	if (r < 0 || (r == 1 && is_indexed(o, t, m)))
		return r < 0 ? r : 0;
	r = kb_meta_read(o->repo->store, t, n, &stored);
	if (r == 0)
		r = kb_deposit_meta(o, &stored, n);
	kb_meta_release(&stored);
	return r < 0 ? r : kb_deposit_commit(o);
}

/*
 * Keeps what the topic looks like now. Without the right to read its settings
 * an older, fuller word is not replaced by a poorer one.
 */
static int
keep_meta(struct kb_deposit *o, struct kb_admin *admin,
	const struct kb_metadata_topic *t, bool *out_compacted)
{
	struct kb_topic_ref ref = {t->name, t->id};
	struct kb_meta m = {
		.id = t->id,
		.seen = kb_clock_wall_ms(),
		.partitions = (int32_t)t->partition_count,
		.replication_factor =
			t->partition_count ? t->partitions[0].replicas : 0,
	};
	bool known;
	int r;

	strncpy(m.topic, t->name, sizeof(m.topic) - 1);
	r = kb_admin_topic_settings(admin, t->name, put_setting, &m);
	known = r == 0;
	if (!known) {
		kb_log_warn("topic %s: its settings are not kept: %s", t->name,
			kb_err_text());
		atomic_fetch_add(&o->totals.problems, 1);
	}
	*out_compacted = is_compacted(&m);
	r = 0;
	if (!o->options->dry_run && (known || !is_indexed(o, &ref, NULL)))
		r = publish_meta(o, &ref, &m);
	kb_meta_release(&m);
	return r;
}

/* ---- one partition ---- */

static int
find_stored(struct kb_lane *l, struct kb_deposit *o, struct kb_resume *out)
{
	*out = (struct kb_resume){.last = -1, .last_epoch = -1};
	return o->index ? kb_resume_find(l, o, out) : 0;
}

/* Truncation shows by epoch (KIP-320), else by an end below ours (H17). */
static int
check_log(struct kb_lane *l, struct kb_cluster *c, const struct kb_resume *had)
{
	int64_t end;
	int32_t epoch;
	int r;

	if (had->last >= 0 && had->last_epoch >= 0) {
		r = kb_cluster_epoch_end(c, l->topic.name, &l->topic.id,
			l->partition, had->last_epoch, &epoch, &end);
		if (r < 0)
			return r;
		if (end >= 0 && end <= had->last)
			return kb_err(-ESTALE,
				"%s: the log was truncated: "
				"leader epoch %" PRId32 " ends at offset "
				"%" PRId64 ", stored are records up to "
				"%" PRId64 "; nothing more is stored of "
				"this partition",
				kb_lane_name(l), had->last_epoch, end,
				had->last);
	}
	r = kb_cluster_offset(c, l->topic.name, &l->topic.id, l->partition,
		KB_OFFSET_LATEST, KB_READ_UNCOMMITTED, &end);
	if (r < 0)
		return r;
	if (end < had->covered)
		return kb_err(-ESTALE,
			"%s: the log was truncated: it ends at "
			"offset %" PRId64 ", the backup at %" PRId64
			"; nothing more is stored of this partition",
			kb_lane_name(l), end, had->covered);
	r = kb_cluster_offset(c, l->topic.name, &l->topic.id, l->partition,
		KB_OFFSET_LATEST, KB_READ_COMMITTED, &l->cut);
	if (r == 0 && l->cut < end)
		kb_log_warn("%s: an open transaction holds the last stable "
			    "offset at %" PRId64 ", %" PRId64
			    " before the end; "
			    "what follows is left to the next run",
			kb_lane_name(l), l->cut, end - l->cut);
	return r;
}

/* What was taken up just now has to be indexed, to be read back. */
static int
check_witness(struct kb_lane *l, struct kb_cluster *c, struct kb_deposit *o,
	int64_t last)
{
	int r = o->options->dry_run ? 0 : kb_deposit_commit(o);

	return r < 0 ? r : kb_witness_check(l, o, c, last);
}

/* Where -o puts the first run, not before `earliest`, not after the cut. */
static int
find_origin(struct kb_lane *l, struct kb_cluster *c,
	const struct kb_backup_options *opt, int64_t earliest, int64_t *out)
{
	int64_t at = earliest;
	int r = 0;

	if (opt->origin == KB_ORIGIN_OFFSET)
		at = opt->origin_value;
	if (opt->origin == KB_ORIGIN_TIME)
		r = kb_cluster_offset(c, l->topic.name, &l->topic.id,
			l->partition, opt->origin_value, KB_READ_UNCOMMITTED,
			&at);
	if (r < 0)
		return r;
	if (at < 0 || at > l->cut)
		at = l->cut; /* no record is that late yet */
	*out = at > earliest ? at : earliest;
	return 0;
}

/* Gaps of a first run: deleted before we came, and not asked for. */
static int
begin_first_run(struct kb_lane *l, struct kb_cluster *c, struct kb_deposit *o)
{
	int64_t earliest, origin = 0;
	int r;

	r = kb_cluster_offset(c, l->topic.name, &l->topic.id, l->partition,
		KB_OFFSET_EARLIEST, KB_READ_UNCOMMITTED, &earliest);
	if (r == 0)
		r = find_origin(l, c, o->options, earliest, &origin);
	if (r < 0)
		return r;
	if (o->options->dry_run) {
		l->from = l->covered = l->next = origin;
		return 0;
	}
	r = kb_lane_put_gap(l, o, NULL, earliest, KB_GAP_RETENTION,
		"deleted by the broker before the first backup");
	if (r == 0)
		r = kb_lane_put_gap(l, o, NULL, origin, KB_GAP_NOT_ASKED,
			"before the offset or time given with -o");
	l->from = l->covered;
	return r;
}

static int
plan_partition(struct kb_lane *l, struct kb_cluster *c, struct kb_deposit *o)
{
	struct kb_resume had;
	int r;

	r = find_stored(l, o, &had);
	if (r == 0)
		r = check_log(l, c, &had);
	if (r == 0 && had.last >= 0 && kb_uuid_is_zero(&l->topic.id))
		r = check_witness(l, c, o, had.last);
	if (r < 0)
		return r;
	l->from = l->covered = l->next = had.covered;
	/* A gap after the last record would outrun that batch's epoch. */
	l->last_epoch = had.last + 1 == had.covered ? had.last_epoch : -1;
	if (!had.any)
		r = begin_first_run(l, c, o);
	if (r == 0 && l->next >= l->cut)
		l->state = KB_LANE_DONE;
	return r;
}

/* ---- all of them ---- */

static int
plan_topic(struct kb_plan *p, const struct kb_metadata_topic *t,
	struct kb_cluster *c, struct kb_admin *admin, struct kb_deposit *o)
{
	bool compacted;
	int r;

	if (t->error) {
		kb_log_error("topic %s: %s", t->name, kb_status_name(t->error));
		atomic_fetch_add(&o->totals.problems, 1);
		return 0;
	}
	kb_gauges_moved(&o->gauges);
	r = keep_meta(o, admin, t, &compacted);
	for (size_t i = 0; r == 0 && i < t->partition_count; i++) {
		struct kb_lane *l = &p->lanes[p->lane_count++];

		l->topic = (struct kb_topic_ref){t->name, t->id};
		l->partition = t->partitions[i].partition;
		l->compacted = compacted;
		l->last_epoch = -1;
		r = plan_partition(l, c, o);
		if (r == 0 || is_ours(r))
			continue;
		kb_log_error("%s", kb_err_text());
		l->state = KB_LANE_STOPPED;
		atomic_fetch_add(&o->totals.problems, 1);
		r = 0;
	}
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
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->metadata->topic_count; i++)
		if (p->picked[i])
			r = plan_topic(
				p, &p->metadata->topics[i], cluster, admin, o);
	return r;
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
