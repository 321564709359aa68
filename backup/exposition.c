/*
 * Everything is read while it changes. A counter never goes back, and within a
 * histogram a bucket never holds more than the next one, since they are read
 * in that order.
 *
 * Names of topics need no quoting: Kafka allows letters, digits and `._-`.
 */
#include "backup/exposition.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "backup/deposit.h"
#include "backup/plan.h"
#include "common/err.h"

/* ---- single numbers ---- */

struct number {
	const char *name;
	const char *type;
	const char *help;
	size_t offset; /* in struct kb_deposit, of an atomic of 64 bits */
};

#define COUNTER(name, field, help)                                             \
	{                                                                      \
		name, "counter", help, offsetof(struct kb_deposit, field)      \
	}
#define GAUGE(name, field, help)                                               \
	{                                                                      \
		name, "gauge", help, offsetof(struct kb_deposit, field)        \
	}

static const struct number numbers[] = {
	COUNTER("kbak_records_total", totals.records,
		"Records in published segments."),
	COUNTER("kbak_payload_bytes_total", totals.raw,
		"Decoded bytes of records in published segments."),
	COUNTER("kbak_stored_bytes_total", totals.stored,
		"Bytes of published segments."),
	COUNTER("kbak_fetched_bytes_total", totals.fetched,
		"Bytes of record batches from the brokers, dealt with."),
	COUNTER("kbak_written_records_total", gauges.records,
		"Records written to segments, published or not yet."),
	COUNTER("kbak_written_payload_bytes_total", gauges.raw,
		"Decoded bytes of records written to segments."),
	COUNTER("kbak_written_bytes_total", gauges.stored,
		"Bytes written to segments, published or not yet."),
	COUNTER("kbak_dropped_batches_total", totals.dropped,
		"Batches not stored: aborted, control, empty."),
	COUNTER("kbak_repacked_batches_total", totals.repacked,
		"Batches made anew: merged, recompressed, cut."),
	COUNTER("kbak_segments_published_total", totals.segments,
		"Segments published."),
	COUNTER("kbak_gaps_total", totals.gaps,
		"Gaps published: offsets lost for ever."),
	COUNTER("kbak_problems_total", totals.problems,
		"Partitions and topics that will not be complete."),
	GAUGE("kbak_memory_bytes", gauges.memory,
		"Payload held in memory, of what --memory allows."),
	GAUGE("kbak_open_segments", gauges.open_segments,
		"Segments begun and not yet published."),
};

static int
put_head(struct kb_buf *out, const char *name, const char *type,
	const char *help)
{
	return kb_buf_printf(
		out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static int
put_numbers(struct kb_buf *out, const struct kb_deposit *d)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(numbers) / sizeof(*numbers);
		i++) {
		const struct number *n = &numbers[i];
		const void *at = (const char *)d + n->offset;
		const atomic_uint_fast64_t *v = at;

		r = put_head(out, n->name, n->type, n->help);
		if (r == 0)
			r = kb_buf_printf(out, "%s %" PRIuFAST64 "\n", n->name,
				atomic_load(v));
	}
	return r;
}

static int
put_nodes(struct kb_buf *out, const struct kb_gauges *g)
{
	const char *name = "kbak_broker_bytes_total";
	size_t n = g->node_count;
	int r = put_head(
		out, name, "counter", "Bytes of record batches, by broker.");

	for (size_t i = 0; r == 0 && i < n; i++)
		r = kb_buf_printf(out,
			"%s{node=\"%" PRId32 "\"} %" PRIuFAST64 "\n", name,
			g->nodes[i].node, atomic_load(&g->nodes[i].bytes));
	return r;
}

/* ---- histograms ---- */

static const struct {
	uint64_t us;
	const char *seconds;
} bounds[] = {
	{100, "0.0001"},
	{250, "0.00025"},
	{500, "0.0005"},
	{1000, "0.001"},
	{2500, "0.0025"},
	{5000, "0.005"},
	{10000, "0.01"},
	{25000, "0.025"},
	{50000, "0.05"},
	{100000, "0.1"},
	{250000, "0.25"},
	{500000, "0.5"},
	{1000000, "1"},
	{2500000, "2.5"},
	{5000000, "5"},
	{10000000, "10"},
	{25000000, "25"},
	{50000000, "50"},
};

static int
put_histogram(struct kb_buf *out, const char *name, const char *help,
	const struct kb_histogram *h)
{
	uint64_t sum = kb_histogram_sum(h), count;
	int r = put_head(out, name, "histogram", help);

	for (size_t i = 0; r == 0 && i < sizeof(bounds) / sizeof(*bounds); i++)
		r = kb_buf_printf(out, "%s_bucket{le=\"%s\"} %" PRIu64 "\n",
			name, bounds[i].seconds,
			kb_histogram_upto(h, bounds[i].us));
	if (r < 0)
		return r;
	count = kb_histogram_count(h);
	return kb_buf_printf(out,
		"%s_bucket{le=\"+Inf\"} %" PRIu64 "\n"
		"%s_sum %" PRIu64 ".%06" PRIu64 "\n%s_count %" PRIu64 "\n",
		name, count, name, sum / 1000000, sum % 1000000, name, count);
}

/* ---- the plan, the process ---- */

struct lag_out {
	struct kb_buf *out;
	int r;
};

static void
put_lag(void *ctx, const char *topic, int64_t lag)
{
	struct lag_out *o = ctx;

	if (o->r == 0)
		o->r = kb_buf_printf(o->out,
			"kbak_lag_offsets{topic=\"%s\"} %" PRId64 "\n", topic,
			lag);
}

static int
put_lags(struct kb_buf *out, const struct kb_plan *plan)
{
	struct lag_out o = {.out = out};

	o.r = put_head(out, "kbak_lag_offsets", "gauge",
		"Offsets between what is dealt with and the run's end.");
	if (plan)
		kb_gauges_lag(plan, put_lag, &o);
	return o.r;
}

static uint64_t
resident_bytes(void)
{
	unsigned long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f && fscanf(f, "%*u %lu", &pages) != 1)
		pages = 0;
	if (f)
		fclose(f);
	return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static double
seconds_of(const struct timeval *t)
{
	return (double)t->tv_sec + (double)t->tv_usec / 1e6;
}

static int
put_process(struct kb_buf *out, int64_t started)
{
	struct rusage u = {0};
	int r;

	getrusage(RUSAGE_SELF, &u);
	r = put_head(out, "kbak_run_start_time_seconds", "gauge",
		"When the run began, in seconds since 1970.");
	if (r == 0)
		r = kb_buf_printf(out, "kbak_run_start_time_seconds %.3f\n",
			(double)started / 1e3);
	if (r == 0)
		r = put_head(out, "process_resident_memory_bytes", "gauge",
			"Resident memory size in bytes.");
	if (r == 0)
		r = kb_buf_printf(out,
			"process_resident_memory_bytes %" PRIu64 "\n",
			resident_bytes());
	if (r == 0)
		r = put_head(out, "process_cpu_seconds_total", "counter",
			"User and system CPU time spent, in seconds.");
	return r < 0 ? r
		     : kb_buf_printf(out, "process_cpu_seconds_total %.6f\n",
			       seconds_of(&u.ru_utime) +
				       seconds_of(&u.ru_stime));
}

int
kb_exposition_metrics(const struct kb_exposition *e, struct kb_buf *out)
{
	const struct kb_gauges *g = &e->deposit->gauges;
	int r = put_numbers(out, e->deposit);

	if (r == 0)
		r = put_nodes(out, g);
	if (r == 0)
		r = put_lags(out, e->plan);
	if (r == 0)
		r = put_histogram(out, "kbak_fetch_seconds",
			"From a fetch request to its answer.", &g->fetch);
	if (r == 0)
		r = put_histogram(out, "kbak_index_seconds",
			"A worker's time for a partition's share of an answer.",
			&g->index);
	if (r == 0)
		r = put_histogram(out, "kbak_publish_seconds",
			"Until a finished segment or gap is durable.",
			&g->publish);
	return r < 0 ? r : put_process(out, e->started);
}

/* ---- health ---- */

/* False: all is well. */
static bool
find_reason(const struct kb_exposition *e, char *out, size_t size)
{
	uint64_t problems = e->deposit->totals.problems;

	if (problems)
		snprintf(out, size,
			"%" PRIu64 " partitions or topics will "
			"not be complete; standard error names them",
			problems);
	else if (e->idle_ms >= KB_EXPOSITION_PATIENCE_MS)
		snprintf(out, size, "nothing has come for %" PRId64 " s",
			e->idle_ms / 1000);
	return problems || e->idle_ms >= KB_EXPOSITION_PATIENCE_MS;
}

int
kb_exposition_health(const struct kb_exposition *e, struct kb_buf *out)
{
	const struct kb_backup_totals *t = &e->deposit->totals;
	int64_t lag = e->plan ? kb_gauges_lag(e->plan, NULL, NULL) : 0;
	char reason[128];
	bool failing = find_reason(e, reason, sizeof(reason));
	json_t *j = json_pack("{s:s, s:s?, s:I, s:I, s:I, s:f}", "status",
		failing ? "failing" : "ok", "reason", failing ? reason : NULL,
		"records", (json_int_t)t->records, "problems",
		(json_int_t)t->problems, "lag_offsets", (json_int_t)lag,
		"idle_seconds", (double)e->idle_ms / 1e3);
	char *text = j ? json_dumps(j, JSON_REAL_PRECISION(6)) : NULL;
	int r = text ? kb_buf_printf(out, "%s\n", text)
		     : kb_err(-ENOMEM, "out of memory");

	free(text);
	json_decref(j);
	return r < 0 ? r : failing;
}
