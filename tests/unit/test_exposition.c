#include "backup/exposition.h"

#include <jansson.h>
#include <stdio.h>

#include "backup/deposit.h"
#include "backup/plan.h"
#include "suite.h"

static struct kb_deposit deposit;
static struct kb_lane lanes[] = {
	{.topic = {.name = "orders"}, .partition = 0, .next = 10, .cut = 25},
	{.topic = {.name = "orders"}, .partition = 1, .next = 30, .cut = 30},
	{.topic = {.name = "users"}, .partition = 0, .next = 5, .cut = 5},
};
static struct kb_plan plan = {.lanes = lanes, .lane_count = 3};
static struct kb_exposition run = {
	.deposit = &deposit,
	.plan = &plan,
	.started = 1700000000123,
};
static struct kb_buf out;

static const char *
metrics(void)
{
	kb_buf_clear(&out);
	ck_ok(kb_exposition_metrics(&run, &out));
	ck_ok(kb_buf_put(&out, "", 1));
	return (const char *)out.data;
}

#define HAS(line) ck_assert_msg(strstr(metrics(), "\n" line "\n"), "%s", line)

START_TEST(exposition__tells_every_number)
{
	deposit.totals.records = 1;
	deposit.totals.raw = 2;
	deposit.totals.stored = 3;
	deposit.totals.fetched = 4;
	deposit.totals.segments = 5;
	deposit.totals.gaps = 6;
	deposit.totals.problems = 7;
	deposit.totals.dropped = 8;
	deposit.totals.repacked = 9;
	deposit.gauges.records = 10;
	deposit.gauges.raw = 11;
	deposit.gauges.stored = 12;
	deposit.gauges.memory = 13;
	deposit.gauges.open_segments = 14;
	HAS("kbak_records_total 1");
	HAS("kbak_payload_bytes_total 2");
	HAS("kbak_stored_bytes_total 3");
	HAS("kbak_fetched_bytes_total 4");
	HAS("kbak_segments_published_total 5");
	HAS("kbak_gaps_total 6");
	HAS("kbak_problems_total 7");
	HAS("kbak_dropped_batches_total 8");
	HAS("kbak_repacked_batches_total 9");
	HAS("kbak_written_records_total 10");
	HAS("kbak_written_payload_bytes_total 11");
	HAS("kbak_written_bytes_total 12");
	HAS("kbak_memory_bytes 13");
	HAS("kbak_open_segments 14");
	HAS("kbak_run_start_time_seconds 1700000000.123");
	HAS("# TYPE kbak_records_total counter");
	HAS("# TYPE kbak_memory_bytes gauge");
	HAS("# TYPE kbak_fetch_seconds histogram");
}
END_TEST

START_TEST(exposition__tells_brokers_apart)
{
	ck_assert_ptr_null(strstr(metrics(), "kbak_broker_bytes_total{"));
	kb_gauges_came(&deposit.gauges, 3, 100);
	kb_gauges_came(&deposit.gauges, 0, 7);
	kb_gauges_came(&deposit.gauges, 3, 11);
	HAS("kbak_broker_bytes_total{node=\"3\"} 111");
	HAS("kbak_broker_bytes_total{node=\"0\"} 7");
	HAS("# TYPE kbak_broker_bytes_total counter");
}
END_TEST

START_TEST(exposition__tells_each_topics_lag)
{
	HAS("kbak_lag_offsets{topic=\"orders\"} 15");
	HAS("kbak_lag_offsets{topic=\"users\"} 0");
	run.plan = NULL;
	ck_assert_ptr_null(strstr(metrics(), "kbak_lag_offsets{"));
	HAS("# TYPE kbak_lag_offsets gauge");
}
END_TEST

START_TEST(exposition__tells_histograms)
{
	kb_histogram_add(&deposit.gauges.fetch, 1000);
	kb_histogram_add(&deposit.gauges.fetch, 1001);
	kb_histogram_add(&deposit.gauges.fetch, 60000000);
	HAS("kbak_fetch_seconds_bucket{le=\"0.0005\"} 0");
	HAS("kbak_fetch_seconds_bucket{le=\"0.001\"} 1");
	HAS("kbak_fetch_seconds_bucket{le=\"0.0025\"} 2");
	HAS("kbak_fetch_seconds_bucket{le=\"50\"} 2");
	HAS("kbak_fetch_seconds_bucket{le=\"+Inf\"} 3");
	HAS("kbak_fetch_seconds_sum 60.002001");
	HAS("kbak_fetch_seconds_count 3");
	HAS("kbak_index_seconds_count 0");
	HAS("kbak_publish_seconds_count 0");
}
END_TEST

/* The value of what begins with `name ` on a line of its own. */
static double
value_of(const char *name)
{
	char key[100];
	const char *at;

	snprintf(key, sizeof(key), "\n%s ", name);
	at = strstr(metrics(), key);
	ck_assert_ptr_nonnull(at);
	return strtod(at + strlen(key), NULL);
}

START_TEST(exposition__tells_of_the_process)
{
	ck_assert_double_gt(value_of("process_resident_memory_bytes"), 4096);
	ck_assert_double_gt(value_of("process_cpu_seconds_total"), 0);
}
END_TEST

START_TEST(exposition__explains_each_metric_once)
{
	char *rest = strdup(metrics()), *line, name[100], type[20], key[110];
	size_t n = 0;

	for (char *s = rest; (line = strtok(s, "\n")); s = NULL) {
		const char *again;

		if (sscanf(line, "# TYPE %99s %19s", name, type) != 2)
			continue;
		n++;
		snprintf(key, sizeof(key), "# HELP %s ", name);
		again = strstr(metrics(), key);
		ck_assert_ptr_nonnull(again);
		ck_assert_ptr_null(strstr(again + 1, key));
	}
	ck_assert_uint_eq(n, 22);
	free(rest);
}
END_TEST

static json_t *
health(int want)
{
	json_t *j;

	kb_buf_clear(&out);
	ck_assert_int_eq(kb_exposition_health(&run, &out), want);
	j = json_loadb((const char *)out.data, out.len, 0, NULL);
	ck_assert_ptr_nonnull(j);
	ck_assert_str_eq(json_string_value(json_object_get(j, "status")),
		want ? "failing" : "ok");
	return j;
}

START_TEST(exposition__is_healthy_while_something_comes)
{
	json_t *j;

	run.idle_ms = 29999;
	j = health(0);
	ck_assert(json_is_null(json_object_get(j, "reason")));
	ck_assert_int_eq(
		json_integer_value(json_object_get(j, "lag_offsets")), 15);
	json_decref(j);
}
END_TEST

START_TEST(exposition__fails_when_nothing_comes)
{
	json_t *j;

	run.idle_ms = 30000;
	j = health(1);
	ck_assert_str_eq(json_string_value(json_object_get(j, "reason")),
		"nothing has come for 30 s");
	json_decref(j);
}
END_TEST

START_TEST(exposition__fails_with_problems)
{
	json_t *j;

	deposit.totals.problems = 2;
	j = health(1);
	ck_assert_str_eq(json_string_value(json_object_get(j, "reason")),
		"2 partitions or topics will not be complete; standard error "
		"names them");
	json_decref(j);
}
END_TEST

KB_SUITE("exposition", exposition__tells_every_number,
	exposition__tells_brokers_apart, exposition__tells_each_topics_lag,
	exposition__tells_histograms, exposition__tells_of_the_process,
	exposition__explains_each_metric_once,
	exposition__is_healthy_while_something_comes,
	exposition__fails_when_nothing_comes, exposition__fails_with_problems)
