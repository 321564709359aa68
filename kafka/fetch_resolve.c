/*
 * Parked partitions: who leads it now, and is its log still the one that we
 * know? Metadata is asked anew once for all partitions of a topic that were
 * parked together. A topic that metadata does not know, or knows by another
 * id, is given some patience first: right after it was made, or when brokers
 * disagree, that passes.
 */
#include "kafka/fetcher_impl.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/clock.h"
#include "kafka/status.h"

/*
 * How long a topic may be unknown before it counts as deleted, which is for
 * ever: what was not fetched becomes a gap. That its name has another id now
 * proves it. Absence alone does not, since a broker that has just started may
 * know no topics yet: a share of message.timeout.ms (15 s) then.
 */
#define ANEW_MS 1000
#define ABSENT_SHARE 20

/* ---- is the log the one that we know? ---- */

static int
truncated(struct kb_fetcher *f, struct kb_fetch_part *p, int64_t end,
	struct kb_fetch_event *out)
{
	kb_fetch_part_event(f, p, KB_FETCH_TRUNCATED, out);
	out->end = end;
	return 0;
}

/*
 * Asks where the last batch's leader epoch ends now (KIP-320, H17). A log that
 * does not know the epoch at all may be another one that is longer (after two
 * unclean elections), or have forgotten it (by compaction): its batch tells.
 */
static int
check_epoch(struct kb_fetcher *f, struct kb_fetch_part *p,
	struct kb_fetch_event *out)
{
	int32_t epoch;
	int64_t end;
	int r = kb_cluster_epoch_end(f->cluster, p->topic, &p->id, p->partition,
		p->last_epoch, &epoch, &end);

	if (r)
		return r;
	p->check_epoch = false;
	p->probing = end >= p->offset && epoch < p->last_epoch;
	if (end < 0 || end >= p->offset)
		return 1;
	kb_err(-ESTALE,
		"%s/%d: the log was truncated: leader epoch %d now ends at "
		"offset %" PRId64 ", below %" PRId64 ", which we had reached",
		p->topic, p->partition, p->last_epoch, end, p->offset);
	return truncated(f, p, end, out);
}

/* The leader calls our offset out of range: why? (F2, H17) */
static int
check_range(struct kb_fetcher *f, struct kb_fetch_part *p,
	struct kb_fetch_event *out)
{
	int64_t start, end;
	int r;

	r = kb_cluster_offset(f->cluster, p->topic, &p->id, p->partition,
		KB_OFFSET_EARLIEST, KB_READ_UNCOMMITTED, &start);
	if (!r)
		r = kb_cluster_offset(f->cluster, p->topic, &p->id,
			p->partition, KB_OFFSET_LATEST, KB_READ_UNCOMMITTED,
			&end);
	if (r)
		return r;
	p->check_range = false;
	if (start > p->offset) {
		kb_fetch_part_event(f, p, KB_FETCH_GAP, out);
		out->log_start = start;
		return 0;
	}
	if (end >= p->offset)
		return 1; /* it was so for a moment */
	kb_err(-ESTALE,
		"%s/%d: the log was truncated: it now ends at offset %" PRId64
		", below %" PRId64 ", which we had reached",
		p->topic, p->partition, end, p->offset);
	return truncated(f, p, end, out);
}

/* ---- who leads it? ---- */

/* One refresh serves all partitions of the topic that waited for one. */
static void
mark_refreshed(struct kb_fetcher *f, const struct kb_fetch_part *p, int64_t at)
{
	struct kb_fetch_part *q;

	TAILQ_FOREACH (q, &f->parked, link)
		if (q->refresh && q->parked_at <= at &&
			!strcmp(q->topic, p->topic))
			q->refresh = false;
}

static int
find_leader(struct kb_fetcher *f, struct kb_fetch_part *p)
{
	int64_t now = kb_clock_ms();
	int32_t node, epoch;
	int r = kb_cluster_leader(f->cluster, p->topic, &p->id, p->partition,
		p->refresh, &node, &epoch);

	if (p->refresh && (!r || r == -EAGAIN))
		mark_refreshed(f, p, now);
	if (r)
		return r;
	p->refresh = false;
	p->unknown_since = 0;
	/* Others of its topic may have heard of this leader before. */
	if (epoch != p->leader_epoch && p->last_epoch >= 0)
		p->check_epoch = true;
	r = kb_fetch_leader_get(f, node, &p->leader);
	if (r)
		return r;
	p->leader_epoch = epoch;
	return 1;
}

/* Is it the topic that is missing, and not just a partition of it? */
static int
find_topic(struct kb_fetcher *f, const struct kb_fetch_part *p, bool *out_found,
	bool *out_anew)
{
	const char *name = p->topic;
	const struct kb_metadata_topic *t;
	struct kb_metadata *m;
	int r = kb_cluster_metadata(f->cluster, &name, 1, &m);

	if (r)
		return r;
	t = kb_metadata_find(m, name);
	*out_found = t && kb_status_action(t->error) != KB_STATUS_UNKNOWN;
	*out_anew = *out_found && !kb_uuid_is_zero(&p->id) &&
		    !kb_uuid_is_zero(&t->id) && !kb_uuid_equal(&p->id, &t->id);
	kb_metadata_free(m);
	return 0;
}

/* Its other partitions need not ask. The sentence at hand is theirs, too. */
static int
note_gone(struct kb_fetcher *f, const struct kb_fetch_part *p, bool *out_anew)
{
	struct kb_fetch_gone *g = &f->gone;
	int64_t now = kb_clock_ms();
	struct kb_failure why;
	bool found = true;
	int r;

	kb_failure_take(&why, -ENOENT);
	r = find_topic(f, p, &found, out_anew);
	kb_failure_raise(&why);
	if (r == -ECANCELED || r == -ENOMEM)
		return r;
	if ((found && !*out_anew) || strlen(p->topic) > KB_TOPIC_MAX)
		return 0;
	strcpy(g->topic, p->topic);
	g->id = p->id;
	g->at = now;
	g->anew = *out_anew;
	g->why = why;
	return 0;
}

static bool
is_gone(const struct kb_fetcher *f, const struct kb_fetch_part *p)
{
	const struct kb_fetch_gone *g = &f->gone;

	return g->at && p->parked_at <= g->at &&
	       kb_uuid_equal(&g->id, &p->id) && !strcmp(g->topic, p->topic);
}

/* Metadata does not know the topic, or (anew) knows another of its name. */
static int
unknown(struct kb_fetcher *f, struct kb_fetch_part *p, bool anew,
	struct kb_fetch_event *out)
{
	int64_t now = kb_clock_ms();
	int64_t patience =
		anew ? ANEW_MS : f->settings.trouble_ms / ABSENT_SHARE;

	if (!p->unknown_since)
		p->unknown_since = now;
	if (now - p->unknown_since >= patience)
		return kb_fetch_part_event(f, p, KB_FETCH_DELETED, out);
	kb_fetch_part_park(f, p, true);
	return 1;
}

/*
 * Errors of the cluster's own calls, which have retried what can be. No
 * metadata is everybody's trouble, anything else the partition's.
 */
static int
cluster_failed(struct kb_fetcher *f, struct kb_fetch_part *p, int error,
	struct kb_fetch_event *out)
{
	bool no_metadata = !p->leader, anew = false;
	int r;

	p->leader = NULL;
	switch (error) {
	case -ECANCELED:
	case -ENOMEM:
		return error;
	case -ENOENT:
		r = note_gone(f, p, &anew);
		return r ? r : unknown(f, p, anew, out);
	case -EAGAIN:
		if (kb_fetch_part_too_long(f, p))
			return kb_fetch_part_fail(f, p, -EIO, out);
		kb_fetch_part_park(f, p, true);
		return 1;
	case -EACCES:
	case -EREMOTEIO:
	case -EPROTONOSUPPORT:
		return kb_fetch_part_fail(f, p, error, out);
	default:
		if (no_metadata)
			return kb_err(-EIO, "%s", kb_err_text());
		return kb_fetch_part_fail(f, p, -EIO, out);
	}
}

static int
resolve_one(struct kb_fetcher *f, struct kb_fetch_part *p,
	struct kb_fetch_event *out)
{
	int r;

	if (kb_fetch_part_too_long(f, p)) {
		kb_err(-EIO, "%s/%d: no data from offset %" PRId64 " on: %s",
			p->topic, p->partition, p->offset, f->trouble.text);
		return kb_fetch_part_fail(f, p, -EIO, out);
	}
	if (is_gone(f, p)) {
		kb_failure_raise(&f->gone.why);
		return unknown(f, p, f->gone.anew, out);
	}
	r = find_leader(f, p);
	if (r == 1 && p->check_epoch)
		r = check_epoch(f, p, out);
	if (r == 1 && p->check_range)
		r = check_range(f, p, out);
	if (r < 0)
		return cluster_failed(f, p, r, out);
	if (r == 1) {
		kb_fetch_part_unlink(f, p);
		kb_fetch_part_ready(f, p);
	}
	return r;
}

int
kb_fetch_resolve(struct kb_fetcher *f, struct kb_fetch_event *out)
{
	int64_t now = kb_clock_ms();
	struct kb_fetch_part *p, *next;
	int r;

	for (p = TAILQ_FIRST(&f->parked); p; p = next) {
		next = TAILQ_NEXT(p, link);
		if (p->retry_at > now)
			continue;
		r = resolve_one(f, p, out);
		if (r != 1)
			return r;
	}
	return 1;
}
