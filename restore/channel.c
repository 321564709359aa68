/*
 * Not doubling: a channel remembers where the log ended after its own last
 * batch, for as long as the mount lives, connected or not. A log that now ends
 * somewhere else holds other people's records. A batch whose arrival is in
 * doubt may move the end by its count, no more and no less.
 *
 * Turns: whoever sends owns the channel. An owner that was interrupted keeps
 * it, since only the same batch sent again settles whether it has arrived; the
 * others wait, and can be interrupted as well.
 *
 * 1. `busy`, users and the idle list are guarded by the pool's lock.
 * 2. Everything else of a channel is touched only by who has its turn, or while
 *    it has no user, under the pool's lock.
 * 3. A channel without users may be connected only while it is in `idle`.
 */
#include "restore/channel.h"

#include <errno.h>
#include <inttypes.h>
#include <search.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/cancel.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/wait.h"
#include "kafka/cluster.h"
#include "kafka/conf.h"
#include "kafka/producer.h"
#include "restore/packer.h"
#include "restore/restore.h"
#include "restore/target.h"

/* Channels that stay connected in case another file for them comes. */
#define IDLE_MAX 8

struct kb_channel {
	struct kb_channels *pool;
	char *topic;
	int32_t partition;
	unsigned users;
	const void *busy;      /* who has the turn */
	struct kb_cancel stop; /* the restore's, and the request's in hand */
	struct kb_cluster *cluster;
	struct kb_producer *producer;
	struct kb_produce_part *part;
	int64_t end;   /* after our last batch; -1: we have sent none */
	int32_t doubt; /* records of ours that may lie behind the end */
};

struct kb_channels {
	const struct kb_restore_options *o;
	struct kb_target *target;
	struct kb_wait wait;
	void *all; /* tsearch(3), by topic and partition */
	struct kb_channel *idle[IDLE_MAX]; /* connected, longest idle first */
	size_t idle_count;
};

static int
compare(const void *a, const void *b)
{
	const struct kb_channel *p = a, *q = b;
	int r = strcmp(p->topic, q->topic);

	if (r)
		return r;
	return (p->partition > q->partition) - (p->partition < q->partition);
}

int
kb_channels_new(const struct kb_restore_options *o, struct kb_target *target,
	struct kb_channels **out)
{
	struct kb_channels *l = calloc(1, sizeof(*l));

	if (!l)
		return kb_err(-ENOMEM, "out of memory");
	l->o = o;
	l->target = target;
	kb_wait_init(&l->wait);
	*out = l;
	return 0;
}

static void
disconnect(struct kb_channel *channel)
{
	kb_producer_free(channel->producer);
	kb_cluster_close(channel->cluster);
	channel->part = NULL;
	channel->producer = NULL;
	channel->cluster = NULL;
	kb_cancel_release(&channel->stop);
}

static void
free_channel(void *node)
{
	struct kb_channel *channel = node;

	disconnect(channel);
	free(channel->topic);
	free(channel);
}

void
kb_channels_free(struct kb_channels *l)
{
	if (!l)
		return;
	tdestroy(l->all, free_channel);
	kb_wait_release(&l->wait);
	free(l);
}

/* ---- the pool, with its lock held ---- */

/* The channel of that name, made if need be; NULL: out of memory. */
static struct kb_channel *
find_channel(struct kb_channels *l, const char *topic, int32_t partition)
{
	struct kb_channel *channel = calloc(1, sizeof(*channel)),
			  **found = NULL;

	if (!channel)
		return NULL;
	channel->pool = l;
	channel->partition = partition;
	channel->end = -1;
	channel->stop.fd = -1;
	channel->topic = strdup(topic);
	if (channel->topic)
		found = tsearch(channel, &l->all, compare);
	if (!found || *found != channel)
		free_channel(channel);
	return found ? *found : NULL;
}

static void
leave_idle(struct kb_channels *l, const struct kb_channel *channel)
{
	size_t n = 0;

	for (size_t i = 0; i < l->idle_count; i++) {
		if (l->idle[i] != channel)
			l->idle[n++] = l->idle[i];
	}
	l->idle_count = n;
}

/* Keeps the channel connected, at the expense of the longest idle one. */
static void
enter_idle(struct kb_channels *l, struct kb_channel *channel)
{
	if (!channel->part) {
		disconnect(channel);
		return;
	}
	if (l->idle_count == IDLE_MAX) {
		disconnect(l->idle[0]);
		leave_idle(l, l->idle[0]);
	}
	l->idle[l->idle_count++] = channel;
}

static struct kb_channel *
join(struct kb_channels *l, const char *topic, int32_t partition)
{
	struct kb_channel *channel;

	kb_wait_lock(&l->wait);
	channel = find_channel(l, topic, partition);
	if (channel) {
		channel->users++;
		leave_idle(l, channel);
	}
	kb_wait_unlock(&l->wait);
	return channel;
}

void
kb_channel_close(struct kb_channel *channel, const void *owner)
{
	struct kb_channels *l = channel->pool;

	kb_wait_lock(&l->wait);
	if (channel->busy == owner)
		channel->busy = NULL;
	if (--channel->users == 0)
		enter_idle(l, channel);
	kb_wait_change(&l->wait);
	kb_wait_unlock(&l->wait);
}

static void
give_turn(struct kb_channel *channel)
{
	struct kb_channels *l = channel->pool;

	if (channel->stop.fd >= 0)
		kb_cancel_watch(&channel->stop, NULL);
	kb_wait_lock(&l->wait);
	channel->busy = NULL;
	kb_wait_change(&l->wait);
	kb_wait_unlock(&l->wait);
}

static int
wait_turn(struct kb_channel *channel, const void *owner,
	struct kb_cancel *interrupt)
{
	struct kb_channels *l = channel->pool;
	int64_t deadline = kb_clock_ms() +
			   kb_conf_get_int(l->o->conf, "message.timeout.ms");
	int r = 0;

	kb_wait_lock(&l->wait);
	while (channel->busy && channel->busy != owner && r == 0)
		r = kb_wait_moment(&l->wait, l->o->cancel, interrupt, deadline);
	if (r == 0)
		channel->busy = owner;
	kb_wait_unlock(&l->wait);
	if (r == -ETIMEDOUT)
		r = kb_err(r,
			"%s/%" PRId32 ": another file that is being restored "
			"to this partition does not go on",
			channel->topic, channel->partition);
	return r;
}

/* With the turn, network waits end when this request is interrupted. */
static int
take_turn(struct kb_channel *channel, const void *owner,
	struct kb_cancel *interrupt)
{
	int r = wait_turn(channel, owner, interrupt);

	if (r < 0)
		return r;
	if (channel->stop.fd < 0)
		r = kb_cancel_join(&channel->stop, channel->pool->o->cancel);
	if (r == 0)
		r = kb_cancel_watch(&channel->stop, interrupt);
	if (r < 0)
		give_turn(channel);
	return r;
}

/* ---- connecting, with the turn ---- */

/* Is a log that ends there as we left it? */
static bool
is_ours(const struct kb_channel *channel, int64_t end)
{
	return channel->end >= 0 &&
	       (end == channel->end || end == channel->end + channel->doubt);
}

/* *out_end is where the log ends. */
static int
check_content(struct kb_channel *channel, int64_t *out_end)
{
	int64_t start, end;
	int r = kb_cluster_offset(channel->cluster, channel->topic, NULL,
		channel->partition, KB_OFFSET_EARLIEST, KB_READ_UNCOMMITTED,
		&start);

	if (r == 0)
		r = kb_cluster_offset(channel->cluster, channel->topic, NULL,
			channel->partition, KB_OFFSET_LATEST,
			KB_READ_UNCOMMITTED, &end);
	if (r < 0)
		return r;
	*out_end = end;
	if (start == end || is_ours(channel, end) || channel->pool->o->append)
		return 0;
	return kb_err(-EACCES,
		"%s/%" PRId32 " holds offsets %" PRId64 " to %" PRId64
		", not all put there by this restore: empty it, restore to "
		"another topic, or ask for `append`",
		channel->topic, channel->partition, start, end - 1);
}

/* Makes the channel ready to send; what was connected before is looked at. */
static int
connect_channel(struct kb_channel *channel)
{
	const struct kb_restore_options *o = channel->pool->o;
	int64_t end = 0;
	int r = 0;

	if (!channel->cluster)
		r = kb_cluster_open(o->conf, &channel->stop, &channel->cluster);
	if (r == 0)
		r = check_content(channel, &end);
	if (r < 0)
		return r;
	/* the log moved on: the producer begins anew, unless it has doubts */
	if (channel->part && !channel->doubt &&
		end != kb_produce_part_end(channel->part)) {
		kb_producer_free(channel->producer);
		channel->producer = NULL;
		channel->part = NULL;
	}
	if (channel->part)
		return 0;
	if (channel->end >= 0)
		channel->end = end;
	channel->doubt = 0;
	r = kb_producer_new(channel->cluster, &channel->producer);
	if (r == 0)
		r = kb_producer_open(channel->producer, channel->topic,
			channel->partition, &channel->part);
	return r;
}

int
kb_channel_open(struct kb_channels *l, const char *topic, int32_t partition,
	const char *source, struct kb_cancel *interrupt,
	struct kb_channel **out)
{
	struct kb_channel *channel = join(l, topic, partition);
	const void *me = &channel;
	int r;

	if (!channel)
		return kb_err(-ENOMEM, "out of memory");
	r = take_turn(channel, me, interrupt);
	if (r == 0) {
		r = kb_target_admit(
			l->target, topic, partition, source, interrupt);
		if (r == 0)
			r = connect_channel(channel);
		if (r < 0 && !channel->doubt)
			disconnect(channel);
		give_turn(channel);
	}
	if (r < 0) {
		kb_channel_close(channel, me);
		return r;
	}
	*out = channel;
	return 0;
}

/* ---- sending, with the turn ---- */

static int
send_batch(struct kb_channel *channel, const struct kb_parcel *parcel,
	struct kb_cancel *interrupt)
{
	int64_t before = kb_produce_part_end(channel->part), base;
	int32_t doubt = channel->doubt;
	int r = kb_producer_send(channel->producer, channel->part,
		parcel->batch, parcel->len, interrupt, &base);

	channel->end = kb_produce_part_end(channel->part);
	channel->doubt = 0;
	if (r == -ECANCELED || r == -ETIMEDOUT)
		channel->doubt = parcel->count;
	if (r != 0 || base == before || base == before + doubt)
		return r;
	if (channel->pool->o->append)
		return 0;
	return kb_err(-EBUSY,
		"%s/%" PRId32 ": somebody else has written to offset %" PRId64
		" meanwhile: ask for `append` if that is meant",
		channel->topic, channel->partition, before);
}

int
kb_channel_send(struct kb_channel *channel, const void *owner,
	const struct kb_parcel *parcel, struct kb_cancel *interrupt)
{
	int r = take_turn(channel, owner, interrupt);

	if (r < 0)
		return r;
	if (!channel->part)
		r = connect_channel(channel);
	if (r == 0)
		r = send_batch(channel, parcel, interrupt);
	if (r == -ECANCELED && channel->doubt && kb_cancel_fired(interrupt)) {
		kb_cancel_watch(&channel->stop, NULL);
		return r;
	}
	if (r < 0 && !channel->doubt && r != -EMSGSIZE)
		disconnect(channel);
	give_turn(channel);
	return r;
}
