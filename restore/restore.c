/*
 * The parts put together: a target that knows topics, lanes that lead to
 * partitions, a budget that all sinks share. The restore is the outlet of its
 * sinks.
 */
#include "restore/restore.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "common/err.h"
#include "kafka/conf.h"
#include "restore/budget.h"
#include "restore/lane.h"
#include "restore/outlet.h"
#include "restore/sink.h"
#include "restore/target.h"
#include "store/layout.h"

/* Under the default max.message.bytes even if nothing can be compressed. */
#define BATCH_BYTES ((1 << 20) - 4096)
#define MEMORY_BYTES ((size_t)64 << 20)

struct kb_restore {
	struct kb_outlet outlet; /* first: an outlet is a restore */
	struct kb_restore_options o;
	struct kb_budget budget;
	struct kb_target *target;
	struct kb_lanes *lanes;
};

/* ---- the outlet ---- */

static int
open_lane(struct kb_outlet *o, const char *topic, int32_t partition,
	const char *source, struct kb_cancel *interrupt, void **out_lane)
{
	struct kb_restore *r = (struct kb_restore *)o;
	struct kb_lane *lane;
	int e = kb_lane_open(
		r->lanes, topic, partition, source, interrupt, &lane);

	if (e == 0)
		*out_lane = lane;
	return e;
}

static int
send_parcel(void *lane, const void *owner, const struct kb_parcel *parcel,
	struct kb_cancel *interrupt)
{
	return kb_lane_send(lane, owner, parcel, interrupt);
}

static void
close_lane(void *lane, const void *owner)
{
	kb_lane_close(lane, owner);
}

static const struct kb_outlet_ops lane_ops = {
	.open = open_lane,
	.send = send_parcel,
	.close = close_lane,
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
	r->outlet = (struct kb_outlet){
		.ops = &lane_ops,
		.budget = &r->budget,
		.cancel = o->cancel,
		.batch_bytes = o->batch_bytes ? o->batch_bytes : BATCH_BYTES,
		.timeout_ms =
			(int)kb_conf_get_int(o->conf, "message.timeout.ms"),
	};
	e = kb_target_open(&r->o, &r->target);
	if (e == 0)
		e = kb_lanes_new(&r->o, r->target, &r->lanes);
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
	kb_lanes_free(r->lanes);
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
kb_restore_make_topic(struct kb_restore *r, const char *topic)
{
	int e = check_name(topic);

	if (e < 0)
		return e;
	return kb_target_make(r->target, topic, topic, 1, NULL);
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
	return kb_sink_new(&r->outlet, topic, partition, label, out);
}
