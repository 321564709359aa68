/*
 * The parts put together: a target that knows topics, channels that lead to
 * partitions, a budget that all sinks share. The restore is the delivery of its
 * sinks.
 */
#include "restore/restore.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "common/budget.h"
#include "common/cancel.h"
#include "common/err.h"
#include "kafka/conf.h"
#include "restore/channel.h"
#include "restore/delivery.h"
#include "restore/sink.h"
#include "restore/target.h"
#include "store/layout.h"

/* Under the default max.message.bytes even if nothing can be compressed. */
#define BATCH_BYTES ((1 << 20) - 4096)
#define MEMORY_BYTES ((size_t)64 << 20)

struct kb_restore {
	struct kb_delivery delivery; /* first: a restore is a delivery */
	struct kb_restore_options o;
	struct kb_budget budget;
	struct kb_target *target;
	struct kb_channels *channels;
};

/* ---- the delivery ---- */

static int
open_channel(struct kb_delivery *o, const char *topic, int32_t partition,
	const char *source, struct kb_cancel *interrupt, void **out_channel)
{
	struct kb_restore *r = (struct kb_restore *)o;
	struct kb_channel *channel;
	int e = kb_channel_open(
		r->channels, topic, partition, source, interrupt, &channel);

	if (e == 0)
		*out_channel = channel;
	return e;
}

static int
send_parcel(void *channel, const void *owner, const struct kb_parcel *parcel,
	struct kb_cancel *interrupt)
{
	return kb_channel_send(channel, owner, parcel, interrupt);
}

static void
close_channel(void *channel, const void *owner)
{
	kb_channel_close(channel, owner);
}

static const struct kb_delivery_ops channel_ops = {
	.open = open_channel,
	.send = send_parcel,
	.close = close_channel,
};

/* ---- the restore ---- */

int
kb_restore_open(const struct kb_restore_options *o, struct kb_restore **out)
{
	struct kb_restore *r = calloc(1, sizeof(*r));
	int e;

	if (!r)
		return kb_err(-ENOMEM, "out of memory");
	r->o = *o;
	kb_budget_init(&r->budget, o->memory ? o->memory : MEMORY_BYTES);
	r->delivery = (struct kb_delivery){
		.ops = &channel_ops,
		.budget = &r->budget,
		.cancel = o->cancel,
		.batch_bytes = o->batch_bytes ? o->batch_bytes : BATCH_BYTES,
		.timeout_ms =
			(int)kb_conf_get_int(o->conf, "message.timeout.ms"),
	};
	e = kb_target_open(&r->o, &r->target);
	if (e == 0)
		e = kb_channels_new(&r->o, r->target, &r->channels);
	if (e < 0) {
		kb_restore_close(r);
		return e;
	}
	*out = r;
	return 0;
}

void
kb_restore_close(struct kb_restore *r)
{
	if (!r)
		return;
	kb_channels_free(r->channels);
	kb_target_close(r->target);
	kb_budget_release(&r->budget);
	free(r);
}

static int
check_name(const char *topic)
{
	if (kb_topic_name_valid(topic))
		return 0;
	return kb_err(-ENOENT, "%s: not a name that a topic can have", topic);
}

int
kb_restore_make_topic(
	struct kb_restore *r, const char *topic, struct kb_cancel *interrupt)
{
	int e = check_name(topic);

	if (e < 0)
		return e;
	e = kb_target_make(r->target, topic, topic, 1, interrupt);
	if (e == -ECANCELED && kb_cancel_fired(interrupt))
		e = kb_err(-EINTR, "topic %s: interrupted", topic);
	return e;
}

int
kb_sink_open(struct kb_restore *r, const char *topic, int32_t partition,
	const char *label, struct kb_sink **out)
{
	int e = check_name(topic);

	if (e < 0)
		return e;
	if (partition < 0 || partition == INT32_MAX)
		return kb_err(-ENOENT, "%s: no partition has number %" PRId32,
			topic, partition);
	return kb_sink_new(&r->delivery, topic, partition, label, out);
}
