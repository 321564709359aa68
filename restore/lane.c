/*
 * Not doubling: a lane remembers where the log ended after its own last batch,
 * for as long as the mount lives, connected or not. A log that now ends
 * somewhere else holds other people's records. A batch whose arrival is in
 * doubt may move the end by its count, no more and no less.
 *
 * Turns: whoever sends owns the lane. An owner that was interrupted keeps it,
 * since only the same batch sent again settles whether it has arrived; the
 * others wait, and can be interrupted as well.
 *
 * 1. `busy`, users and the idle list are guarded by the pool's lock.
 * 2. Everything else of a lane is touched only by who has its turn, or while
 *    it has no user, under the pool's lock.
 * 3. A lane without users may be connected only while it is in `idle`.
 */
#include "restore/lane.h"

#include <errno.h>
#include <inttypes.h>
#include <search.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/cancel.h"
#include "common/clock.h"
#include "common/err.h"
#include "kafka/cluster.h"
#include "kafka/conf.h"
#include "kafka/producer.h"
#include "restore/packer.h"
#include "restore/restore.h"
#include "restore/target.h"
#include "restore/wait.h"

/* Lanes that stay connected in case another file for them comes. */
#define IDLE_MAX 8

struct kb_lane {
	struct kb_lanes *pool;
	char *topic;
	int32_t partition;
	unsigned users;
	const void *busy; /* who has the turn */
	struct kb_cluster *cluster;
	struct kb_producer *producer;
	struct kb_produce_part *part;
	int64_t end;   /* after our last batch; -1: we have sent none */
	int32_t doubt; /* records of ours that may lie behind the end */
};

struct kb_lanes {
	const struct kb_restore_options *o;
	struct kb_target *target;
	struct kb_wait wait;
	void *all;			/* tsearch(3), by topic and partition */
	struct kb_lane *idle[IDLE_MAX]; /* connected, longest idle first */
	size_t idle_count;
};

static int
compare(const void *a, const void *b)
{
	const struct kb_lane *p = a, *q = b;
	int r = strcmp(p->topic, q->topic);

	if (r)
		return r;
	return (p->partition > q->partition) - (p->partition < q->partition);
}

int
kb_lanes_new(const struct kb_restore_options *o, struct kb_target *target,
	struct kb_lanes **out)
{
	struct kb_lanes *l = calloc(1, sizeof(*l));

	if (!l)
		return kb_err(-ENOMEM, "out of memory");
	l->o = o;
	l->target = target;
	kb_wait_init(&l->wait);
	*out = l;
	return 0;
}

static void
disconnect(struct kb_lane *lane)
{
	kb_producer_free(lane->producer);
	kb_cluster_close(lane->cluster);
	lane->part = NULL;
	lane->producer = NULL;
	lane->cluster = NULL;
}

static void
free_lane(void *node)
{
	struct kb_lane *lane = node;

	disconnect(lane);
	free(lane->topic);
	free(lane);
}

void
kb_lanes_free(struct kb_lanes *l)
{
	if (!l)
		return;
	tdestroy(l->all, free_lane);
	kb_wait_release(&l->wait);
	free(l);
}

/* ---- the pool, with its lock held ---- */

/* The lane of that name, made if need be; NULL: out of memory. */
static struct kb_lane *
find_lane(struct kb_lanes *l, const char *topic, int32_t partition)
{
	struct kb_lane *lane = calloc(1, sizeof(*lane)), **found = NULL;

	if (!lane)
		return NULL;
	lane->pool = l;
	lane->partition = partition;
	lane->end = -1;
	lane->topic = strdup(topic);
	if (lane->topic)
		found = tsearch(lane, &l->all, compare);
	if (!found || *found != lane)
		free_lane(lane);
	return found ? *found : NULL;
}

static void
leave_idle(struct kb_lanes *l, const struct kb_lane *lane)
{
	size_t n = 0;

	for (size_t i = 0; i < l->idle_count; i++) {
		if (l->idle[i] != lane)
			l->idle[n++] = l->idle[i];
	}
	l->idle_count = n;
}

/* Keeps the lane connected, at the expense of the longest idle one. */
static void
enter_idle(struct kb_lanes *l, struct kb_lane *lane)
{
	if (!lane->part) {
		disconnect(lane);
		return;
	}
	if (l->idle_count == IDLE_MAX) {
		disconnect(l->idle[0]);
		leave_idle(l, l->idle[0]);
	}
	l->idle[l->idle_count++] = lane;
}

static struct kb_lane *
join(struct kb_lanes *l, const char *topic, int32_t partition)
{
	struct kb_lane *lane;

	kb_wait_lock(&l->wait);
	lane = find_lane(l, topic, partition);
	if (lane) {
		lane->users++;
		leave_idle(l, lane);
	}
	kb_wait_unlock(&l->wait);
	return lane;
}

void
kb_lane_close(struct kb_lane *lane, const void *owner)
{
	struct kb_lanes *l = lane->pool;

	kb_wait_lock(&l->wait);
	if (lane->busy == owner)
		lane->busy = NULL;
	if (--lane->users == 0)
		enter_idle(l, lane);
	kb_wait_change(&l->wait);
	kb_wait_unlock(&l->wait);
}

static int
take_turn(struct kb_lane *lane, const void *owner, struct kb_cancel *interrupt)
{
	struct kb_lanes *l = lane->pool;
	int64_t deadline = kb_clock_ms() +
			   kb_conf_get_int(l->o->conf, "message.timeout.ms");
	int r = 0;

	kb_wait_lock(&l->wait);
	while (lane->busy && lane->busy != owner && r == 0)
		r = kb_wait_moment(&l->wait, l->o->cancel, interrupt, deadline);
	if (r == 0)
		lane->busy = owner;
	kb_wait_unlock(&l->wait);
	if (r == -ETIMEDOUT)
		r = kb_err(r,
			"%s/%" PRId32 ": another file that is being restored "
			"to this partition does not go on",
			lane->topic, lane->partition);
	return r;
}

static void
give_turn(struct kb_lane *lane)
{
	struct kb_lanes *l = lane->pool;

	kb_wait_lock(&l->wait);
	lane->busy = NULL;
	kb_wait_change(&l->wait);
	kb_wait_unlock(&l->wait);
}

/* ---- connecting, with the turn ---- */

/* Is a log that ends there as we left it? */
static bool
is_ours(const struct kb_lane *lane, int64_t end)
{
	return lane->end >= 0 &&
	       (end == lane->end || end == lane->end + lane->doubt);
}

/* *out_end is where the log ends. */
static int
check_content(struct kb_lane *lane, int64_t *out_end)
{
	int64_t start, end;
	int r = kb_cluster_offset(lane->cluster, lane->topic, NULL,
		lane->partition, KB_OFFSET_EARLIEST, KB_READ_UNCOMMITTED,
		&start);

	if (r == 0)
		r = kb_cluster_offset(lane->cluster, lane->topic, NULL,
			lane->partition, KB_OFFSET_LATEST, KB_READ_UNCOMMITTED,
			&end);
	if (r < 0)
		return r;
	*out_end = end;
	if (start == end || is_ours(lane, end) || lane->pool->o->append)
		return 0;
	return kb_err(-EACCES,
		"%s/%" PRId32 " holds offsets %" PRId64 " to %" PRId64
		", not all put there by this restore: empty it, restore to "
		"another topic, or ask for `append`",
		lane->topic, lane->partition, start, end - 1);
}

/* Makes the lane ready to send; what was connected before is looked at. */
static int
connect_lane(struct kb_lane *lane)
{
	const struct kb_restore_options *o = lane->pool->o;
	int64_t end = 0;
	int r = 0;

	if (!lane->cluster)
		r = kb_cluster_open(o->conf, o->cancel, &lane->cluster);
	if (r == 0)
		r = check_content(lane, &end);
	if (r < 0)
		return r;
	/* the log moved on: the producer begins anew, unless it has doubts */
	if (lane->part && !lane->doubt &&
		end != kb_produce_part_end(lane->part)) {
		kb_producer_free(lane->producer);
		lane->producer = NULL;
		lane->part = NULL;
	}
	if (lane->part)
		return 0;
	lane->doubt = 0;
	r = kb_producer_new(lane->cluster, &lane->producer);
	if (r == 0)
		r = kb_producer_open(lane->producer, lane->topic,
			lane->partition, &lane->part);
	return r;
}

int
kb_lane_open(struct kb_lanes *l, const char *topic, int32_t partition,
	const char *source, struct kb_cancel *interrupt, struct kb_lane **out)
{
	struct kb_lane *lane = join(l, topic, partition);
	const void *me = &lane;
	int r;

	if (!lane)
		return kb_err(-ENOMEM, "out of memory");
	r = take_turn(lane, me, interrupt);
	if (r == 0) {
		r = kb_target_admit(
			l->target, topic, partition, source, interrupt);
		if (r == 0)
			r = connect_lane(lane);
		if (r < 0)
			disconnect(lane);
		give_turn(lane);
	}
	if (r < 0) {
		kb_lane_close(lane, me);
		return r;
	}
	*out = lane;
	return 0;
}

/* ---- sending, with the turn ---- */

static int
send_batch(struct kb_lane *lane, const struct kb_parcel *parcel,
	struct kb_cancel *interrupt)
{
	int64_t before = kb_produce_part_end(lane->part), base;
	int32_t doubt = lane->doubt;
	int r = kb_producer_send(lane->producer, lane->part, parcel->batch,
		parcel->len, interrupt, &base);

	lane->end = kb_produce_part_end(lane->part);
	lane->doubt = 0;
	if (r == -ECANCELED || r == -ETIMEDOUT)
		lane->doubt = parcel->count;
	if (r != 0 || base == before || base == before + doubt)
		return r;
	if (lane->pool->o->append)
		return 0;
	return kb_err(-EBUSY,
		"%s/%" PRId32 ": somebody else has written to offset %" PRId64
		" meanwhile: ask for `append` if that is meant",
		lane->topic, lane->partition, before);
}

int
kb_lane_send(struct kb_lane *lane, const void *owner,
	const struct kb_parcel *parcel, struct kb_cancel *interrupt)
{
	int r = take_turn(lane, owner, interrupt);

	if (r < 0)
		return r;
	if (!lane->part)
		r = connect_lane(lane);
	if (r == 0)
		r = send_batch(lane, parcel, interrupt);
	if (r == -ECANCELED && lane->doubt && kb_cancel_fired(interrupt))
		return r;
	if (r < 0 && !lane->doubt && r != -EMSGSIZE)
		disconnect(lane);
	give_turn(lane);
	return r;
}
