/*
 * The restore layer without a mount, driven from a shell: each file goes to
 * its partition as a copy of it into a mount would. One line a file tells how
 * it ended.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cancel.h"
#include "common/err.h"
#include "common/log.h"
#include "index/index.h"
#include "kafka/conf.h"
#include "restore/restore.h"
#include "store/repo.h"

static const char usage[] =
	"usage: krestore [OPTION]... REPO TOPIC/PARTITION=FILE...\n"
	"       krestore [OPTION]... REPO --make TOPIC\n"
	"  -b BROKERS      $KAFKA when not given\n"
	"  -X PROP=VALUE   a setting\n"
	"  --append, --exact, --batch BYTES, --memory BYTES\n"
	"  --parallel      all files at once; else one after the other\n"
	"  --interrupt     now and then, as Ctrl-Z does\n"
	"  --step          a line on stdin before each file but the first\n";

#define PIECE (128 << 10) /* what the kernel writes at a time */
#define FILES_MAX 64

struct job {
	char topic[256];
	int32_t partition;
	const char *file;
	int result;
	uint64_t bytes, records;
	char sentence[480];
};

static struct kb_cancel cancel;
static struct kb_restore *restore;
static bool interrupting;

static void
must(int r, const char *what)
{
	if (r < 0) {
		fprintf(stderr, "krestore: %s: %s\n", what, kb_err_text());
		exit(2);
	}
}

/* A request that is interrupted before it begins, if `now`. */
static void
begin_request(struct kb_cancel *c, bool now)
{
	must(kb_cancel_init(c), "interrupt");
	if (interrupting && now)
		kb_cancel_fire(c, 1);
}

/* Writes all of buf, from where the sink says it is. */
static int
write_piece(struct kb_sink *s, const char *buf, size_t len)
{
	struct kb_cancel c;
	size_t at = 0, taken;
	unsigned tries = 0;
	int r;

	while (at < len) {
		begin_request(&c, tries++ % 2 == 0);
		r = kb_sink_write(s, kb_sink_size(s),
			kb_slice_of(buf + at, len - at), &c, &taken);
		kb_cancel_release(&c);
		if (r < 0 && r != -EINTR)
			return r;
		if (r == 0)
			at += taken;
	}
	return 0;
}

static int
flush(struct kb_sink *s)
{
	struct kb_cancel c;
	unsigned tries = 0;
	int r;

	do {
		begin_request(&c, tries++ % 2 == 0);
		r = kb_sink_flush(s, &c);
		kb_cancel_release(&c);
	} while (r == -EINTR);
	return r;
}

static int
copy(FILE *f, struct kb_sink *s)
{
	char *buf = malloc(PIECE);
	size_t n;
	int r = buf ? 0 : kb_err(-ENOMEM, "out of memory");

	while (r == 0 && (n = fread(buf, 1, PIECE, f)) > 0)
		r = write_piece(s, buf, n);
	free(buf);
	return r < 0 ? r : flush(s);
}

static void *
run(void *ctx)
{
	struct job *j = ctx;
	struct kb_sink *s = NULL;
	FILE *f = fopen(j->file, "r");
	int r = f ? 0 : kb_err(-errno, "%s: %s", j->file, strerror(errno));

	if (r == 0)
		r = kb_sink_open(restore, j->topic, j->partition, j->file, &s);
	if (r == 0) {
		r = copy(f, s);
		j->bytes = kb_sink_size(s);
		j->records = kb_sink_records(s);
	}
	j->result = r;
	if (r < 0)
		snprintf(j->sentence, sizeof(j->sentence), "%s", kb_err_text());
	kb_sink_close(s);
	if (f)
		fclose(f);
	return NULL;
}

/* TOPIC/PARTITION=FILE */
static void
read_job(char *text, struct job *j)
{
	char *slash = strchr(text, '/');

	if (!slash || slash - text >= (ptrdiff_t)sizeof(j->topic) ||
		!strchr(slash, '=')) {
		fputs(usage, stderr);
		exit(2);
	}
	memcpy(j->topic, text, (size_t)(slash - text));
	j->partition = (int32_t)strtol(slash + 1, NULL, 10);
	j->file = strchr(slash, '=') + 1;
}

static int
report(const struct job *j)
{
	if (j->result < 0)
		printf("error %d %s/%" PRId32 " records %" PRIu64 ": %s\n",
			-j->result, j->topic, j->partition, j->records,
			j->sentence);
	else
		printf("restored %s/%" PRId32 " bytes %" PRIu64
		       " records %" PRIu64 "\n",
			j->topic, j->partition, j->bytes, j->records);
	fflush(stdout);
	return j->result < 0;
}

static int
run_all(char **argv, int count, bool parallel, bool step)
{
	static struct job jobs[FILES_MAX];
	pthread_t threads[FILES_MAX];
	char line[16];
	int failed = 0;

	if (count < 1 || count > FILES_MAX) {
		fputs(usage, stderr);
		return 2;
	}
	for (int i = 0; i < count; i++) {
		read_job(argv[i], &jobs[i]);
		if (step && i && !fgets(line, sizeof(line), stdin))
			return 2;
		pthread_create(&threads[i], NULL, run, &jobs[i]);
		if (!parallel) {
			pthread_join(threads[i], NULL);
			failed |= report(&jobs[i]);
		}
	}
	for (int i = 0; parallel && i < count; i++) {
		pthread_join(threads[i], NULL);
		failed |= report(&jobs[i]);
	}
	return failed;
}

static int
make_topic(const char *topic)
{
	int r = kb_restore_make_topic(restore, topic, NULL);

	if (r < 0)
		printf("error %d %s: %s\n", -r, topic, kb_err_text());
	else
		printf("made %s\n", topic);
	return r < 0;
}

enum { APPEND = 256, EXACT, BATCH, MEMORY, PARALLEL, INTERRUPT, STEP, MAKE };

static const struct option long_options[] = {
	{"append", no_argument, NULL, APPEND},
	{"exact", no_argument, NULL, EXACT},
	{"batch", required_argument, NULL, BATCH},
	{"memory", required_argument, NULL, MEMORY},
	{"parallel", no_argument, NULL, PARALLEL},
	{"interrupt", no_argument, NULL, INTERRUPT},
	{"step", no_argument, NULL, STEP},
	{"make", required_argument, NULL, MAKE},
	{0},
};

int
main(int argc, char **argv)
{
	struct kb_restore_options o = {.cancel = &cancel};
	const char *brokers = getenv("KAFKA"), *make = NULL;
	bool parallel = false, step = false;
	struct kb_conf *conf;
	int c, r;

	kb_log_set_name("krestore");
	must(kb_cancel_init(&cancel), "cancel");
	must(kb_conf_new(&conf), "settings");
	while ((c = getopt_long(argc, argv, "b:X:", long_options, NULL)) !=
		-1) {
		switch (c) {
		case 'b':
			brokers = optarg;
			break;
		case 'X':
			must(kb_conf_set_pair(conf, optarg), "settings");
			break;
		case APPEND:
			o.append = true;
			break;
		case EXACT:
			o.exact_settings = true;
			break;
		case BATCH:
			o.batch_bytes = strtoul(optarg, NULL, 10);
			break;
		case MEMORY:
			o.memory = strtoul(optarg, NULL, 10);
			break;
		case PARALLEL:
			parallel = true;
			break;
		case INTERRUPT:
			interrupting = true;
			break;
		case STEP:
			step = true;
			break;
		case MAKE:
			make = optarg;
			break;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	if (optind == argc || !brokers) {
		fputs(usage, stderr);
		return 2;
	}
	must(kb_conf_set(conf, "bootstrap.servers", brokers), "settings");
	must(kb_conf_check(conf), "settings");
	must(kb_repo_open(argv[optind], &o.repo), "repository");
	must(kb_index_open(o.repo, &o.index), "index");
	o.conf = conf;
	must(kb_restore_open(&o, &restore), "target");
	r = make ? make_topic(make)
		 : run_all(argv + optind + 1, argc - optind - 1, parallel,
			   step);
	kb_restore_close(restore);
	kb_index_close(o.index);
	kb_repo_close(o.repo);
	kb_conf_free(conf);
	kb_cancel_release(&cancel);
	return r;
}
