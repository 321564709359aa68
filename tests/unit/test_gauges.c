#include "backup/gauges.h"

#include <stdio.h>
#include <string.h>

#include "backup/plan.h"
#include "suite.h"

static struct kb_lane lanes[] = {
	{.topic = {.name = "a"}, .partition = 0, .next = 10, .cut = 25},
	{.topic = {.name = "a"}, .partition = 1, .next = 30, .cut = 30},
	{.topic = {.name = "b"}, .partition = 0, .next = 7, .cut = 0},
	{.topic = {.name = "c"}, .partition = 0, .next = 0, .cut = 100},
	{.topic = {.name = "c"}, .partition = 1, .next = 99, .cut = 100},
};

static char told[100];

static void
tell(void *ctx, const char *topic, int64_t lag)
{
	(void)ctx;
	sprintf(told + strlen(told), "%s=%d ", topic, (int)lag);
}

START_TEST(gauges__add_up_lag_by_topic)
{
	struct kb_plan plan = {.lanes = lanes, .lane_count = 5};

	ck_assert_int_eq(kb_gauges_lag(&plan, tell, NULL), 116);
	ck_assert_str_eq(told, "a=15 b=0 c=101 ");
	ck_assert_int_eq(kb_gauges_lag(&plan, NULL, NULL), 116);
}
END_TEST

START_TEST(gauges__have_no_lag_without_lanes)
{
	struct kb_plan plan = {.lanes = lanes};

	ck_assert_int_eq(kb_gauges_lag(&plan, tell, NULL), 0);
	ck_assert_str_eq(told, "");
}
END_TEST

START_TEST(gauges__remember_the_last_progress)
{
	static struct kb_gauges g;

	kb_gauges_moved(&g);
	ck_assert_int_ne(g.moved, 0);
}
END_TEST

START_TEST(gauges__tell_so_many_brokers_apart)
{
	static struct kb_gauges g;

	for (int pass = 0; pass < 2; pass++)
		for (int node = 0; node < KB_GAUGES_NODES + 2; node++)
			kb_gauges_came(&g, node, (size_t)node);
	ck_assert_uint_eq(g.node_count, KB_GAUGES_NODES);
	for (int i = 0; i < KB_GAUGES_NODES; i++) {
		ck_assert_int_eq(g.nodes[i].node, i);
		ck_assert_uint_eq(g.nodes[i].bytes, 2 * (size_t)i);
	}
}
END_TEST

KB_SUITE("gauges", gauges__tell_so_many_brokers_apart,
	gauges__add_up_lag_by_topic, gauges__have_no_lag_without_lanes,
	gauges__remember_the_last_progress)
