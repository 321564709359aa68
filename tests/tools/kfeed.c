/*
 * The test feeder: puts topics and records on a real Kafka and reads them
 * back, through librdkafka, so that nothing of ours judges itself. What it
 * writes depends only on its arguments.
 */
#include "tests/tools/kfeed.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
	"usage: kfeed VERB -b BROKERS -t TOPIC [-p PARTITION] [OPTION]...\n"
	"  create          --partitions N, -c CONFIG=VALUE; timestamp limits\n"
	"                  are off unless set\n"
	"  delete          and waits until it is gone\n"
	"  delete-records  --before OFFSET\n"
	"  grow            --partitions N\n"
	"  alter           -c CONFIG=VALUE; all others go back to defaults\n"
	"  produce         --count N --size BYTES --ts START[:STEP] --seed S\n"
	"                  --codec none|gzip|snappy|lz4|zstd --linger MS\n"
	"                  --batch BYTES --batch-records N\n"
	"                  --pool N: only N different values, which is faster\n"
	"                  -X PROP=VALUE, a librdkafka property\n"
	"  odd             records with odd content; options of produce\n"
	"  lines           records from JSON lines on stdin\n"
	"  txn             --txid ID --script 'c5 a3 o2' --timeout MS: commits 5,\n"
	"                  aborts 3, leaves 2 open, says so, and waits for\n"
	"                  commit or abort (or the end) on stdin\n"
	"  dump            -o FIRST --no-offset; one line a committed record\n"
	"  offsets         PARTITION FIRST END lines; END is the stable one\n";

enum {
	OPT_PARTITIONS = 256,
	OPT_CODEC,
	OPT_COUNT,
	OPT_SIZE,
	OPT_TS,
	OPT_LINGER,
	OPT_BATCH,
	OPT_BATCH_RECORDS,
	OPT_SEED,
	OPT_POOL,
	OPT_BEFORE,
	OPT_NO_OFFSET,
	OPT_TXID,
	OPT_SCRIPT,
	OPT_TIMEOUT,
};

static const struct option long_options[] = {
	{"partitions", required_argument, NULL, OPT_PARTITIONS},
	{"codec", required_argument, NULL, OPT_CODEC},
	{"count", required_argument, NULL, OPT_COUNT},
	{"size", required_argument, NULL, OPT_SIZE},
	{"ts", required_argument, NULL, OPT_TS},
	{"linger", required_argument, NULL, OPT_LINGER},
	{"batch", required_argument, NULL, OPT_BATCH},
	{"batch-records", required_argument, NULL, OPT_BATCH_RECORDS},
	{"seed", required_argument, NULL, OPT_SEED},
	{"pool", required_argument, NULL, OPT_POOL},
	{"before", required_argument, NULL, OPT_BEFORE},
	{"no-offset", no_argument, NULL, OPT_NO_OFFSET},
	{"txid", required_argument, NULL, OPT_TXID},
	{"script", required_argument, NULL, OPT_SCRIPT},
	{"timeout", required_argument, NULL, OPT_TIMEOUT},
	{NULL, 0, NULL, 0},
};

static const struct verb {
	const char *name;
	int (*run)(const struct kfeed_options *o);
} verbs[] = {
	{"create", kfeed_create},
	{"delete", kfeed_delete},
	{"delete-records", kfeed_delete_records},
	{"grow", kfeed_grow},
	{"alter", kfeed_alter},
	{"produce", kfeed_produce},
	{"odd", kfeed_odd},
	{"lines", kfeed_lines},
	{"txn", kfeed_txn},
	{"dump", kfeed_dump},
	{"offsets", kfeed_offsets},
};

void
kfeed_die(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fputs("kfeed: ", stderr);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

void
kfeed_conf_set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
	char why[KFEED_ERRSTR];

	if (rd_kafka_conf_set(conf, name, value, why, sizeof(why)) !=
		RD_KAFKA_CONF_OK)
		kfeed_die("%s", why);
}

rd_kafka_t *
kfeed_handle(const struct kfeed_options *o, rd_kafka_type_t type,
	rd_kafka_conf_t *conf)
{
	char why[KFEED_ERRSTR];
	rd_kafka_t *rk;

	kfeed_conf_set(conf, "bootstrap.servers", o->brokers);
	kfeed_conf_set(conf, "broker.address.family", "v4");
	kfeed_conf_set(conf, "log_level", "3");
	rk = rd_kafka_new(type, conf, why, sizeof(why));
	if (!rk)
		kfeed_die("%s", why);
	return rk;
}

/* Asks for all topics: to ask for one by name may create it. */
int32_t
kfeed_partitions(rd_kafka_t *rk, const char *topic)
{
	const struct rd_kafka_metadata *all;
	rd_kafka_resp_err_t err;
	int32_t n = 0;

	err = rd_kafka_metadata(rk, 1, NULL, &all, KFEED_DEADLINE_MS);
	if (err)
		kfeed_die("metadata: %s", rd_kafka_err2str(err));
	for (int i = 0; i < all->topic_cnt; i++) {
		if (!strcmp(all->topics[i].topic, topic))
			n = all->topics[i].partition_cnt;
	}
	rd_kafka_metadata_destroy(all);
	return n;
}

static int64_t
parse_number(const char *text)
{
	char *end;
	long long n = strtoll(text, &end, 10);

	if (end == text || *end)
		kfeed_die("%s: not a number", text);
	return n;
}

/* START[:STEP] in milliseconds. */
static void
parse_ts(struct kfeed_options *o, const char *text)
{
	char *end;

	o->has_ts = true;
	o->ts_start = strtoll(text, &end, 10);
	if (*end == ':')
		o->ts_step = strtoll(end + 1, &end, 10);
	if (*end)
		kfeed_die("%s: not START[:STEP]", text);
}

static void
set_option(struct kfeed_options *o, int option, const char *value)
{
	switch (option) {
	case 'b':
		o->brokers = value;
		break;
	case 't':
		o->topic = value;
		break;
	case 'p':
		o->partition = (int32_t)parse_number(value);
		break;
	case 'o':
		o->first = parse_number(value);
		break;
	case 'c':
		if (o->n_configs == KFEED_MAX_CONFIGS)
			kfeed_die("too many -c");
		o->configs[o->n_configs++] = value;
		break;
	case 'X':
		if (o->n_properties == KFEED_MAX_CONFIGS)
			kfeed_die("too many -X");
		o->properties[o->n_properties++] = value;
		break;
	case OPT_PARTITIONS:
		o->partitions = (int32_t)parse_number(value);
		break;
	case OPT_CODEC:
		o->codec = value;
		break;
	case OPT_COUNT:
		o->count = parse_number(value);
		break;
	case OPT_SIZE:
		o->size = (size_t)parse_number(value);
		break;
	case OPT_TS:
		parse_ts(o, value);
		break;
	case OPT_LINGER:
		o->linger = value;
		break;
	case OPT_BATCH:
		o->batch = value;
		break;
	case OPT_BATCH_RECORDS:
		o->batch_records = value;
		break;
	case OPT_SEED:
		o->seed = (uint64_t)parse_number(value);
		break;
	case OPT_POOL:
		o->pool = parse_number(value);
		break;
	case OPT_BEFORE:
		o->before = parse_number(value);
		break;
	case OPT_NO_OFFSET:
		o->no_offset = true;
		break;
	case OPT_TXID:
		o->txid = value;
		break;
	case OPT_SCRIPT:
		o->script = value;
		break;
	case OPT_TIMEOUT:
		o->timeout = value;
		break;
	default:
		fputs(usage, stderr);
		exit(2);
	}
}

int
main(int argc, char **argv)
{
	struct kfeed_options o = {
		.brokers = getenv("KAFKA"),
		.partition = -1,
		.partitions = 1,
		.codec = "none",
		.count = 1,
		.size = 100,
		/* A flush ends it: batches do not depend on time. */
		.linger = "10000",
		.batch = "1000000",
		.batch_records = "10000",
		.before = -1,
	};
	int c;

	while ((c = getopt_long(
			argc, argv, "b:t:p:o:c:X:", long_options, NULL)) != -1)
		set_option(&o, c, optarg);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
		if (optind + 1 != argc || strcmp(argv[optind], verbs[i].name))
			continue;
		if (!o.brokers || !o.topic)
			kfeed_die("-b (or $KAFKA) and -t are needed");
		return verbs[i].run(&o);
	}
	fputs(usage, stderr);
	return 2;
}
