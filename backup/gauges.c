/*
 * Single numbers, each true by itself; nothing here holds two of them
 * together. A plan's lanes lie topic by topic, which is all that the lag of a
 * topic takes.
 */
#include "backup/gauges.h"

#include <string.h>

#include "backup/plan.h"
#include "common/clock.h"

void
kb_gauges_moved(struct kb_gauges *g)
{
	atomic_store_explicit(&g->moved, kb_clock_ms(), memory_order_relaxed);
}

void
kb_gauges_came(struct kb_gauges *g, int32_t node, size_t bytes)
{
	size_t i, n = g->node_count;

	for (i = 0; i < n && g->nodes[i].node != node; i++)
		;
	if (i == KB_GAUGES_NODES)
		return;
	g->nodes[i].node = node;
	atomic_fetch_add(&g->nodes[i].bytes, bytes);
	if (i == n)
		g->node_count = n + 1; /* now others may look at it */
}

int64_t
kb_gauges_lag(const struct kb_plan *plan,
	void (*each)(void *ctx, const char *topic, int64_t lag), void *ctx)
{
	int64_t all = 0, topic = 0;

	for (size_t i = 0; i < plan->lane_count; i++) {
		const struct kb_lane *l = &plan->lanes[i];
		int64_t next = l->next;

		if (l->cut > next)
			topic += l->cut - next;
		if (i + 1 < plan->lane_count &&
			strcmp(l[1].topic.name, l->topic.name) == 0)
			continue;
		if (each)
			each(ctx, l->topic.name, topic);
		all += topic;
		topic = 0;
	}
	return all;
}
