/*
 * Our own fetcher and producer, driven from a shell. What it prints is meant
 * to be compared: a line an event or a batch.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "common/cancel.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/file.h"
#include "common/log.h"
#include "format/batch.h"
#include "format/record.h"
#include "kafka/cluster.h"
#include "kafka/conf.h"
#include "kafka/fetcher.h"
#include "kafka/producer.h"

static const char usage[] =
	"usage: kwire fetch -b BROKERS -t TOPIC [-X PROP=VALUE] [OPTION]...\n"
	"         -o OFFSET (0), --epoch EPOCH of the batch before, --by-name,\n"
	"         --uncommitted, --sum (no line a batch, but times),\n"
	"         --until SECONDS without the end being reached: exit 3\n"
	"       kwire produce -b BROKERS -t TOPIC -p PARTITION FILE\n"
	"         batches of a segment; --step: a line on stdin before each\n";

struct options {
	struct kb_conf *conf;
	const char *topic;
	const char *file;
	int partition;
	int64_t offset;
	int32_t epoch;
	int64_t until_ms;
	bool by_name, uncommitted, sum, step;
};

static struct kb_cancel cancel;

static void
die(const char *what)
{
	fprintf(stderr, "kwire: %s: %s\n", what, kb_err_text());
	exit(1);
}

static void
must(int r, const char *what)
{
	if (r < 0)
		die(what);
}

static void
on_signal(int number)
{
	kb_cancel_fire(&cancel, number);
}

/* ---- fetch ---- */

struct lane {
	struct kb_fetch_part *part;
	struct kb_txn txn;
	int64_t end;
	int32_t partition;
};

struct job {
	const struct options *o;
	struct kb_fetcher *fetcher;
	struct kb_decoder *decoder;
	struct lane *lanes;
	size_t count, open;
	uint64_t bytes, records, batches, events, torn;
	int status;
};

static struct kb_slice
control_key(struct job *j, const struct kb_batch *b)
{
	struct kb_slice raw, none = {NULL, 0};
	struct kb_records it;
	struct kb_record r;

	if (!(b->attributes & KB_BATCH_CONTROL) || !b->count)
		return none;
	must(kb_decoder_run(j->decoder, kb_batch_codec(b), b->body,
		     KB_DECODE_MAX, &raw),
		"decode");
	kb_records_init(&it, b, raw);
	must(kb_records_next(&it, &r), "control record");
	return r.key;
}

static void
show_batch(struct job *j, struct lane *l, const struct kb_batch *b)
{
	static const char *const words[] = {"keep", "aborted", "marker"};
	enum kb_txn_verdict v;

	must(kb_txn_judge(&l->txn, b, control_key(j, b), &v), "judge");
	j->batches++;
	j->bytes += b->bytes.len;
	if (v == KB_TXN_KEEP)
		j->records += (uint64_t)b->count;
	if (!j->o->sum)
		printf("batch %d %" PRId64 " %" PRId64 " %d %s epoch %d\n",
			l->partition, b->base_offset, kb_batch_last(b),
			b->count, words[v], b->leader_epoch);
}

/* Closes a lane for good. */
static void
finish(struct job *j, struct lane *l)
{
	kb_fetcher_remove(j->fetcher, l->part);
	l->part = NULL;
	j->open--;
}

static void
take_data(struct job *j, struct lane *l, const struct kb_fetch_event *e)
{
	struct kb_slice in = e->records;
	int64_t next = e->offset;
	int32_t epoch = -1;
	struct kb_batch b;
	int r = 0;

	must(kb_txn_answer(&l->txn, e->aborted, e->aborted_count), "answer");
	while (in.len && !(r = kb_batch_parse(in, &b))) {
		must(kb_batch_check(&b), "check");
		show_batch(j, l, &b);
		next = kb_batch_last(&b) + 1;
		epoch = b.leader_epoch;
		in.data += b.bytes.len;
		in.len -= b.bytes.len;
	}
	must(r, "parse");
	j->torn += in.len;
	if (next >= l->end)
		finish(j, l);
	else
		kb_fetcher_advance(j->fetcher, l->part, next, epoch);
}

static void
take_event(struct job *j, const struct kb_fetch_event *e)
{
	struct lane *l = e->user;

	j->events++;
	switch (e->kind) {
	case KB_FETCH_DATA:
		take_data(j, l, e);
		return;
	case KB_FETCH_GAP:
		printf("gap %d %" PRId64 " %" PRId64 "\n", l->partition,
			e->offset, e->log_start);
		if (e->log_start >= l->end)
			finish(j, l);
		else
			kb_fetcher_advance(
				j->fetcher, l->part, e->log_start, -1);
		return;
	case KB_FETCH_TRUNCATED:
		printf("truncated %d %" PRId64 " %" PRId64 "\n", l->partition,
			e->offset, e->end);
		break;
	case KB_FETCH_DELETED:
		printf("deleted %d\n", l->partition);
		break;
	case KB_FETCH_FAILED:
		printf("failed %d %d\n", l->partition, -e->error);
		break;
	}
	printf("# %s\n", e->sentence);
	j->status = 2;
	finish(j, l);
}

static void
add_lanes(struct job *j, struct kb_cluster *c, const struct kb_uuid *id,
	size_t count)
{
	const struct options *o = j->o;

	j->lanes = calloc(count, sizeof(*j->lanes));
	for (size_t i = 0; i < count; i++) {
		struct lane *l = &j->lanes[i];
		int64_t start = o->offset;

		l->partition = (int32_t)i;
		must(kb_cluster_offset(c, o->topic, id, l->partition,
			     KB_OFFSET_LATEST,
			     o->uncommitted ? KB_READ_UNCOMMITTED
					    : KB_READ_COMMITTED,
			     &l->end),
			"end");
		if (o->partition >= 0 && l->partition != o->partition)
			continue;
		if (l->end <= start && start == 0)
			continue;
		must(kb_fetcher_add(j->fetcher, o->topic, id, l->partition,
			     start, o->epoch, l, &l->part),
			"add");
		j->open++;
	}
	j->count = count;
}

static void
show_sum(const struct job *j, int64_t ms)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	printf("%" PRIu64 " records, %" PRIu64 " batches, %" PRIu64
	       " bytes, %" PRIu64 " torn, %" PRIu64 " events\n",
		j->records, j->batches, j->bytes, j->torn, j->events);
	printf("%" PRId64 " ms, %.0f MB/s, cpu %.3f + %.3f s, %ld KB\n", ms,
		(double)j->bytes / 1e3 / (double)(ms ? ms : 1),
		(double)u.ru_utime.tv_sec + (double)u.ru_utime.tv_usec / 1e6,
		(double)u.ru_stime.tv_sec + (double)u.ru_stime.tv_usec / 1e6,
		u.ru_maxrss);
}

static int
fetch(const struct options *o)
{
	struct job j = {.o = o};
	struct kb_cluster *c;
	struct kb_metadata *m;
	struct kb_uuid id = {{0}};
	struct kb_fetch_event e;
	int64_t start;
	int r;

	must(kb_cluster_open(o->conf, &cancel, &c), "open");
	must(kb_cluster_metadata(c, &o->topic, 1, &m), "metadata");
	must(kb_fetcher_new(c,
		     o->uncommitted ? KB_READ_UNCOMMITTED : KB_READ_COMMITTED,
		     NULL, &j.fetcher),
		"fetcher");
	must(kb_decoder_new(&j.decoder), "decoder");
	if (!o->by_name)
		id = m->topics[0].id;
	add_lanes(&j, c, &id, m->topics[0].partition_count);
	kb_metadata_free(m);
	if (o->step) {
		puts("ready");
		fflush(stdout);
		(void)getchar();
	}
	start = kb_clock_ms();
	while (j.open) {
		r = kb_fetcher_next(j.fetcher, 200, &e);
		must(r, "next");
		if (!r)
			take_event(&j, &e);
		fflush(stdout);
		if (kb_clock_ms() - start > o->until_ms) {
			puts("not at the end in time");
			j.status = 3;
			break;
		}
	}
	if (o->sum)
		show_sum(&j, kb_clock_ms() - start);
	for (size_t i = 0; i < j.count; i++)
		kb_txn_release(&j.lanes[i].txn);
	free(j.lanes);
	kb_decoder_free(j.decoder);
	kb_fetcher_free(j.fetcher);
	kb_cluster_close(c);
	return j.status;
}

/* ---- produce ---- */

static int
produce(const struct options *o)
{
	struct kb_cluster *c;
	struct kb_producer *p;
	struct kb_produce_part *part;
	struct kb_buf file = {0};
	struct kb_batch b;
	uint64_t at = 0;
	int64_t base, start;
	int r;

	must(kb_file_read_all(o->file, 1u << 30, &file), o->file);
	must(kb_cluster_open(o->conf, &cancel, &c), "open");
	must(kb_producer_new(c, &p), "producer");
	must(kb_producer_open(p, o->topic, o->partition, &part), "partition");
	start = kb_clock_ms();
	printf("end %" PRId64 "\n", kb_produce_part_end(part));
	while (at < file.len) {
		struct kb_batch_header h;
		uint8_t *bytes = file.data + at;

		fflush(stdout);
		if (o->step && getchar() == EOF)
			break;
		must(kb_batch_parse(kb_slice_of(bytes, file.len - at), &b),
			"parse");
		kb_batch_header_of(&b, &h);
		h.base_offset = 0;
		kb_batch_seal(bytes, b.bytes.len, &h);
		r = kb_producer_send(p, part, bytes, b.bytes.len, NULL, &base);
		at += b.bytes.len;
		if (r < 0)
			printf("error %d %s\n", -r, kb_err_text());
		else if (!o->sum)
			printf("stored %" PRId64 " %d\n", base, b.count);
	}
	if (o->sum)
		printf("%" PRId64 " ms\n", kb_clock_ms() - start);
	printf("end %" PRId64 "\n", kb_produce_part_end(part));
	kb_producer_free(p);
	kb_cluster_close(c);
	kb_buf_release(&file);
	return 0;
}

enum {
	OPT_BY_NAME = 256,
	OPT_UNCOMMITTED,
	OPT_SUM,
	OPT_UNTIL,
	OPT_EPOCH,
	OPT_STEP
};

static const struct option long_options[] = {
	{"by-name", no_argument, NULL, OPT_BY_NAME},
	{"uncommitted", no_argument, NULL, OPT_UNCOMMITTED},
	{"sum", no_argument, NULL, OPT_SUM},
	{"until", required_argument, NULL, OPT_UNTIL},
	{"epoch", required_argument, NULL, OPT_EPOCH},
	{"step", no_argument, NULL, OPT_STEP},
	{0},
};

static void
set_option(struct options *o, int c)
{
	switch (c) {
	case 'b':
		must(kb_conf_set(o->conf, "bootstrap.servers", optarg), "-b");
		break;
	case 'X':
		must(kb_conf_set_pair(o->conf, optarg), "-X");
		break;
	case 't':
		o->topic = optarg;
		break;
	case 'p':
		o->partition = atoi(optarg);
		break;
	case 'o':
		o->offset = atoll(optarg);
		break;
	case 'v':
		kb_log_set_level(KB_LOG_DEBUG);
		break;
	case OPT_BY_NAME:
		o->by_name = true;
		break;
	case OPT_UNCOMMITTED:
		o->uncommitted = true;
		break;
	case OPT_SUM:
		o->sum = true;
		break;
	case OPT_UNTIL:
		o->until_ms = atoll(optarg) * 1000;
		break;
	case OPT_EPOCH:
		o->epoch = atoi(optarg);
		break;
	case OPT_STEP:
		o->step = true;
		break;
	default:
		fputs(usage, stderr);
		exit(64);
	}
}

int
main(int argc, char **argv)
{
	struct options o = {.partition = -1, .epoch = -1, .until_ms = 60000};
	const char *verb = argc > 1 ? argv[1] : "";
	int c, status;

	must(kb_cancel_init(&cancel), "cancel");
	must(kb_conf_new(&o.conf), "conf");
	if (getenv("KAFKA"))
		must(kb_conf_set(o.conf, "bootstrap.servers", getenv("KAFKA")),
			"KAFKA");
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	optind = 2;
	while ((c = getopt_long(
			argc, argv, "b:X:t:p:o:v", long_options, NULL)) != -1)
		set_option(&o, c);
	must(kb_conf_check(o.conf), "conf");
	o.file = argv[optind];
	if (o.topic && !strcmp(verb, "fetch")) {
		status = fetch(&o);
	} else if (o.topic && o.file && !strcmp(verb, "produce")) {
		status = produce(&o);
	} else {
		fputs(usage, stderr);
		status = 64;
	}
	kb_conf_free(o.conf);
	kb_cancel_release(&cancel);
	return status;
}
