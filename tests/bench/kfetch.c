/*
 * Fetches a topic to nothing: what the network side alone can do. Batch
 * headers are walked, for the next offset; nothing is decoded or checked.
 * Prints wire bytes, rate, CPU time and memory of the fetching itself.
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "common/budget.h"
#include "common/cancel.h"
#include "common/clock.h"
#include "common/err.h"
#include "format/batch.h"
#include "kafka/cluster.h"
#include "kafka/conf.h"
#include "kafka/fetcher.h"

static const char usage[] =
	"usage: kfetch -b BROKERS -t TOPIC [-m MIB] [-c CONNECTIONS]\n"
	"              [-r REQUESTS] [-X PROP=VALUE]...\n";

struct lane {
	struct kb_fetch_part *part;
	int64_t next, end;
};

struct bench {
	struct kb_fetcher *fetcher;
	size_t running;
	uint64_t bytes, used, records, answers, events;
	int64_t waited_us;
};

static void
must(int r)
{
	if (r >= 0)
		return;
	fprintf(stderr, "kfetch: %s\n", kb_err_text());
	exit(1);
}

/* Past the whole batches of the event. */
static void
walk(struct bench *b, struct lane *l, struct kb_slice in)
{
	struct kb_batch batch;

	b->bytes += in.len;
	while (in.len && !kb_batch_parse(in, &batch)) {
		l->next = kb_batch_last(&batch) + 1;
		b->records += (uint64_t)batch.count;
		b->used += batch.bytes.len;
		in.data += batch.bytes.len;
		in.len -= batch.bytes.len;
	}
}

static void
take(struct bench *b, const struct kb_fetch_event *e)
{
	struct lane *l = e->user;

	if (e->kind == KB_FETCH_GAP)
		l->next = e->log_start;
	else if (e->kind != KB_FETCH_DATA)
		must(kb_err(-1, "%s", e->sentence));
	walk(b, l, e->records);
	b->events++;
	b->answers += e->took_us > 0;
	b->waited_us += e->took_us;
	if (l->next < l->end) {
		kb_fetcher_advance(b->fetcher, l->part, l->next, -1);
		return;
	}
	kb_fetcher_remove(b->fetcher, l->part);
	b->running--;
}

static void
add_lanes(struct bench *b, struct kb_cluster *c,
	const struct kb_metadata_topic *t, struct lane *lanes)
{
	for (size_t i = 0; i < t->partition_count; i++) {
		struct lane *l = &lanes[i];
		int32_t p = t->partitions[i].partition;

		must(kb_cluster_offset(c, t->name, &t->id, p, KB_OFFSET_LATEST,
			KB_READ_COMMITTED, &l->end));
		if (l->end == 0)
			continue;
		must(kb_fetcher_add(
			b->fetcher, t->name, &t->id, p, 0, -1, l, &l->part));
		b->running++;
	}
}

static double
cpu_seconds(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void
print(const struct bench *b, int64_t us, double cpu)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	printf("%.3f s, cpu %.3f s, rss %.1f MB, %.1f MB (%.1f%% torn), "
	       "%.0f MB/s, %llu records, %llu answers, %llu events, "
	       "%.2f ms an answer\n",
		(double)us / 1e6, cpu, (double)u.ru_maxrss / 1e3,
		(double)b->bytes / 1e6,
		b->bytes ? 100.0 * (double)(b->bytes - b->used) /
				   (double)b->bytes
			 : 0,
		us ? (double)b->used / (double)us : 0,
		(unsigned long long)b->records, (unsigned long long)b->answers,
		(unsigned long long)b->events,
		b->answers ? (double)b->waited_us / (double)b->answers / 1e3
			   : 0);
}

static void
run(const struct kb_conf *conf, const char *topic,
	const struct kb_fetcher_options *o)
{
	struct bench b = {0};
	struct kb_cluster *c;
	struct kb_metadata *m;
	struct kb_fetch_event e;
	struct lane *lanes;
	int64_t start;
	double cpu;

	must(kb_cluster_open(conf, NULL, &c));
	must(kb_cluster_metadata(c, &topic, 1, &m));
	lanes = calloc(m->topics[0].partition_count + 1, sizeof(*lanes));
	must(kb_fetcher_new(c, KB_READ_COMMITTED, o, &b.fetcher));
	add_lanes(&b, c, &m->topics[0], lanes);
	start = kb_clock_us();
	cpu = cpu_seconds();
	while (b.running) {
		int r = kb_fetcher_next(b.fetcher, 1000, &e);

		must(r);
		if (r == 0)
			take(&b, &e);
	}
	print(&b, kb_clock_us() - start, cpu_seconds() - cpu);
	kb_fetcher_free(b.fetcher);
	kb_metadata_free(m);
	kb_cluster_close(c);
	free(lanes);
}

int
main(int argc, char **argv)
{
	struct kb_fetcher_options o = {0};
	struct kb_budget budget;
	struct kb_conf *conf;
	const char *topic = NULL;
	size_t total = 64 << 20;
	int c;

	must(kb_conf_new(&conf));
	while ((c = getopt(argc, argv, "b:t:m:c:r:X:")) != -1) {
		if (c == 'b')
			must(kb_conf_set(conf, "bootstrap.servers", optarg));
		else if (c == 't')
			topic = optarg;
		else if (c == 'm')
			total = (size_t)strtoul(optarg, NULL, 10) << 20;
		else if (c == 'c')
			o.connections = atoi(optarg);
		else if (c == 'r')
			o.requests = atoi(optarg);
		else if (c == 'X')
			must(kb_conf_set_pair(conf, optarg));
		else
			topic = NULL, optind = argc + 1;
	}
	if (!topic || optind != argc) {
		fputs(usage, stderr);
		return 2;
	}
	must(kb_conf_check(conf));
	kb_budget_init(&budget, total);
	o.budget = &budget;
	run(conf, topic, &o);
	kb_budget_release(&budget);
	kb_conf_free(conf);
	return 0;
}
