/*
 * The verb: options, the parts put together, and the word at the end. A run is
 * complete only when every partition asked for is stored up to its cut;
 * everything else ends with a non-zero status.
 */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup/engine.h"
#include "backup/options.h"
#include "backup/deposit.h"
#include "backup/metrics.h"
#include "backup/plan.h"
#include "backup/progress.h"
#include "backup/verb.h"
#include "common/cancel.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "index/index.h"
#include "kafka/admin.h"
#include "kafka/cluster.h"
#include "kafka/conf.h"
#include "store/repo.h"
#include "store/store.h"

#define SEGMENT_BYTES ((uint64_t)128 << 20)
#define MEMORY ((uint64_t)64 << 20)
#define MEMORY_MIN ((uint64_t)1 << 20)
#define SEGMENT_BYTES_MAX ((uint64_t)1 << 30) /* a file < 2^31, with room */

/* ---- options ---- */

enum {
	OPT_EXCLUDE = 256,
	OPT_DRY_RUN,
	OPT_SEGMENT_BYTES,
	OPT_SEGMENT_RECORDS,
	OPT_SEGMENT_AGE,
	OPT_MEMORY,
	OPT_CONNECTIONS,
	OPT_METRICS,
	OPT_COMPRESSION,
	OPT_SKIP_DAMAGED,
	OPT_JSON,
};

static const struct argp_option argp_options[] = {
	{"brokers", 'b', "HOST[:PORT],...", 0, "brokers to start from", 0},
	{"topic", 't', "GLOB", 0, "topic or glob of topics; repeatable", 0},
	{"exclude", OPT_EXCLUDE, "GLOB", 0, "but not these; repeatable", 0},
	{"offset", 'o', "WHERE", 0,
		"where a partition's first run begins: "
		"beginning (default), an OFFSET, or a TIME "
		"(2026-11-22T10:00)",
		0},
	{"segment-bytes", OPT_SEGMENT_BYTES, "N[K|M|G]", 0,
		"size of a segment (128M)", 0},
	{"segment-records", OPT_SEGMENT_RECORDS, "N", 0,
		"records in a segment (any)", 0},
	{"segment-age", OPT_SEGMENT_AGE, "SECONDS", 0,
		"time that a segment is written to (any)", 0},
	{"memory", OPT_MEMORY, "N[K|M|G]", 0, "payload held in memory (64M)",
		0},
	{"connections", OPT_CONNECTIONS, "N", 0,
		"further connections to each leader (0)", 0},
	{"metrics", OPT_METRICS, "ADDRESS:PORT", 0,
		"serve Prometheus metrics "
		"and /health there while it runs",
		0},
	{"compression", OPT_COMPRESSION, "HOW", 0,
		"auto (default), verbatim, "
		"zstd or zstd:LEVEL",
		0},
	{"skip-damaged", OPT_SKIP_DAMAGED, NULL, 0,
		"record batches that the "
		"broker has damaged as gaps and go on",
		0},
	{"dry-run", OPT_DRY_RUN, NULL, 0,
		"say what would be done, write "
		"nothing",
		0},
	{"property", 'X', "PROP=VALUE", 0, "a librdkafka property", 0},
	{"config", 'F', "FILE", 0, "a file of properties", 0},
	{"json", OPT_JSON, NULL, 0, "print the summary as JSON", 0},
	{"quiet", 'q', NULL, 0, "no progress, no summary", 0},
	{"verbose", 'v', NULL, 0, "say more; twice: even more", 0},
	{0},
};

/* What argp fills in. The lists hold argv's own strings. */
struct arguments {
	struct kb_backup_options o;
	const char **topics;
	const char **excludes;
	int verbosity;
};

static int
parse_size(const char *text, uint64_t *out)
{
	unsigned long long v;
	char *end;
	int shift = 0;

	errno = 0;
	v = strtoull(text, &end, 10);
	if (*end == 'K' || *end == 'k')
		shift = 10;
	else if (*end == 'M' || *end == 'm')
		shift = 20;
	else if (*end == 'G' || *end == 'g')
		shift = 30;
	if (shift)
		end++;
	if (errno || *text < '0' || *text > '9' || *end ||
		v > (UINT64_MAX >> shift))
		return -EINVAL;
	*out = v << shift;
	return 0;
}

static int
parse_compression(const char *text, struct kb_backup_options *o)
{
	char *end;
	long level = 1;

	if (strcmp(text, "auto") == 0) {
		o->compression = KB_COMPRESSION_AUTO;
		return 0;
	}
	if (strcmp(text, "verbatim") == 0) {
		o->compression = KB_COMPRESSION_VERBATIM;
		return 0;
	}
	if (strncmp(text, "zstd", 4) != 0)
		return -EINVAL;
	if (text[4] == ':' && text[5]) {
		level = strtol(text + 5, &end, 10);
		if (*end || level == 0 || level < -100 || level > 19)
			return -EINVAL;
	} else if (text[4]) {
		return -EINVAL;
	}
	o->compression = KB_COMPRESSION_ZSTD;
	o->level = (int)level;
	return 0;
}

static int
parse_origin(const char *text, struct kb_backup_options *o)
{
	char *end;

	if (strcmp(text, "beginning") == 0) {
		o->origin = KB_ORIGIN_BEGINNING;
		return 0;
	}
	if (kb_clock_parse(text, &o->origin_value) == 0) {
		o->origin = KB_ORIGIN_TIME;
		return o->origin_value < 0 ? -EINVAL : 0;
	}
	errno = 0;
	o->origin_value = strtoll(text, &end, 10);
	o->origin = KB_ORIGIN_OFFSET;
	return errno || *text < '0' || *text > '9' || *end ? -EINVAL : 0;
}

/* 1 to max, or a usage error. */
static uint64_t
parse_number(struct argp_state *state, const char *name, const char *text,
	int64_t max)
{
	long long v;
	char *end;

	errno = 0;
	v = strtoll(text, &end, 10);
	if (errno || *text < '0' || *text > '9' || *end || v < 1 || v > max)
		argp_error(state, "--%s %s: not a number of 1 to %" PRId64,
			name, text, max);
	return (uint64_t)v;
}

static void
set_property(struct argp_state *state, int r)
{
	if (r < 0)
		argp_error(state, "%s", kb_err_text());
}

static void
parse_value(int key, const char *arg, struct argp_state *state)
{
	struct kb_backup_options *o = &((struct arguments *)state->input)->o;

	switch (key) {
	case 'o':
		if (parse_origin(arg, o) < 0)
			argp_error(state,
				"-o %s: neither `beginning`, an "
				"offset, nor a time",
				arg);
		break;
	case OPT_SEGMENT_BYTES:
		if (parse_size(arg, &o->segment_bytes) < 0 ||
			!o->segment_bytes ||
			o->segment_bytes > SEGMENT_BYTES_MAX)
			argp_error(state,
				"--segment-bytes %s: not a size of "
				"1 to 1G",
				arg);
		break;
	case OPT_SEGMENT_RECORDS:
		o->segment_records =
			parse_number(state, "segment-records", arg, INT64_MAX);
		break;
	case OPT_SEGMENT_AGE:
		o->segment_age_ms =
			1000 * (int64_t)parse_number(state, "segment-age", arg,
				       INT64_MAX / 1000);
		break;
	case OPT_CONNECTIONS:
		o->connections =
			(int)parse_number(state, "connections", arg, 64);
		break;
	case OPT_MEMORY:
		if (parse_size(arg, &o->memory) < 0 || o->memory < MEMORY_MIN)
			argp_error(state,
				"--memory %s: not a size of at "
				"least 1M",
				arg);
		break;
	case OPT_COMPRESSION:
		if (parse_compression(arg, o) < 0)
			argp_error(state,
				"--compression %s: neither auto, "
				"verbatim, zstd nor zstd:LEVEL "
				"(-100..-1, 1..19)",
				arg);
		break;
	default:
		break;
	}
}

static error_t
parse_option(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;
	struct kb_backup_options *o = &a->o;

	switch (key) {
	case 'b':
		set_property(
			state, kb_conf_set(o->conf, "bootstrap.servers", arg));
		break;
	case 'X':
		set_property(state, kb_conf_set_pair(o->conf, arg));
		break;
	case 'F':
		set_property(state, kb_conf_read_file(o->conf, arg));
		break;
	case 't':
		a->topics[o->selection.topic_count++] = arg;
		break;
	case OPT_EXCLUDE:
		a->excludes[o->selection.exclude_count++] = arg;
		break;
	case 'o':
	case OPT_SEGMENT_BYTES:
	case OPT_SEGMENT_RECORDS:
	case OPT_SEGMENT_AGE:
	case OPT_MEMORY:
	case OPT_CONNECTIONS:
	case OPT_COMPRESSION:
		parse_value(key, arg, state);
		break;
	case OPT_SKIP_DAMAGED:
		o->skip_damaged = true;
		break;
	case OPT_METRICS:
		o->metrics = arg;
		break;
	case OPT_DRY_RUN:
		o->dry_run = true;
		break;
	case OPT_JSON:
		o->json = true;
		break;
	case 'q':
		o->quiet = true;
		break;
	case 'v':
		a->verbosity++;
		break;
	case ARGP_KEY_ARG:
		if (o->repo)
			argp_error(state, "more than one REPO: %s", arg);
		o->repo = arg;
		break;
	case ARGP_KEY_END:
		if (!o->repo)
			argp_error(state, "REPO is missing");
		if (!o->selection.topic_count)
			argp_error(state, "-t is missing: -t '*' means all "
					  "topics but internal ones");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp argp = {
	.options = argp_options,
	.parser = parse_option,
	.args_doc = "REPO",
	.doc = "Back up topics into REPO, up to what is committed now.\v"
	       "A further run goes on where the last one ended. Exit status: "
	       "0 complete, 1 something is missing or failed, 2 usage, "
	       "128+n ended by signal n.",
};

/* ---- the run ---- */

/* Everything a run holds. */
struct run {
	struct kb_cluster *cluster;
	struct kb_admin *admin;
	struct kb_repo *repo;
	struct kb_index *index;
	struct kb_deposit deposit;
	struct kb_plan plan;
	struct kb_progress progress;
	struct kb_metrics *metrics; /* NULL: not asked for */
	int64_t started;
};

static int
found_data(void *ctx, const char *name, bool is_dir)
{
	(void)ctx;
	(void)name;
	return is_dir ? 1 : 0;
}

/*
 * Opens the repository, made when absent (not in a dry run: then repo stays
 * NULL and everything counts as a first run).
 */
static int
open_repo(struct run *run, const struct kb_backup_options *o)
{
	int r;

	if (o->dry_run) {
		r = kb_repo_open(o->repo, &run->repo);
		if (r == -ENOENT)
			return 0;
	} else {
		r = kb_repo_open_or_create(
			o->repo, kb_cluster_id(run->cluster), &run->repo);
	}
	if (r < 0)
		return r;
	if (!o->dry_run)
		r = kb_store_sweep(run->repo->store, NULL);
	if (r == 0)
		r = kb_index_open(run->repo, &run->index);
	if (r < 0 || !kb_index_empty(run->index))
		return r;
	r = kb_store_list(run->repo->store, "data", found_data, NULL);
	if (r > 0)
		return kb_err(-ESTALE,
			"%s: holds data but its index is empty; "
			"run `kbak reindex %s` first",
			o->repo, o->repo);
	return r;
}

static void
close_run(struct run *run)
{
	kb_metrics_close(run->metrics); /* it looks at the others */
	kb_plan_release(&run->plan);
	kb_deposit_release(&run->deposit);
	kb_index_close(run->index);
	kb_repo_close(run->repo);
	kb_admin_free(run->admin);
	kb_cluster_close(run->cluster);
}

static void
print_plan(const struct kb_plan *p)
{
	for (size_t i = 0; i < p->lane_count; i++) {
		const struct kb_lane *l = &p->lanes[i];
		int64_t n = l->cut > l->next ? l->cut - l->next : 0;

		if (l->state == KB_LANE_STOPPED)
			continue;
		printf("%s: %" PRId64 " offsets, from %" PRId64 " to %" PRId64
		       "\n",
			kb_lane_name(l), n, l->next, l->cut);
	}
}

/* The run's own word, kept in the repository for `kbak ls`. */
static int
keep_word(struct run *run, int r)
{
	struct kb_backup_totals *t = &run->deposit.totals;
	struct kb_run word = {
		.started = run->started,
		.ended = kb_clock_wall_ms(),
		.complete = r == 0 && t->problems == 0,
		.records = t->records,
		.bytes = t->stored,
		.problems = t->problems,
	};
	uint64_t n;

	r = kb_run_publish(run->repo->store, &word, &n);
	if (r == 0)
		r = kb_deposit_run(&run->deposit, &word, n);
	return r < 0 ? r : kb_deposit_commit(&run->deposit);
}

static void
print_json(const struct run *run, bool complete)
{
	const struct kb_backup_totals *t = &run->deposit.totals;
	json_t *j = json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
		"complete", complete, "records", (json_int_t)t->records,
		"payload_bytes", (json_int_t)t->raw, "stored_bytes",
		(json_int_t)t->stored, "segments", (json_int_t)t->segments,
		"gaps", (json_int_t)t->gaps, "problems",
		(json_int_t)t->problems, "partitions",
		(json_int_t)run->plan.lane_count);

	json_dumpf(j, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(j);
}

/* Plans and fetches; the repository is there. */
static int
carry_out(struct run *run, const struct kb_backup_options *o,
	struct kb_cancel *cancel)
{
	struct kb_failure failure;
	int r, kept;

	r = kb_plan_lanes(&run->plan, run->cluster, run->admin, &run->deposit);
	kb_metrics_plan(run->metrics, &run->plan);
	kb_progress_init(&run->progress, o->quiet, &run->plan);
	if (r == 0)
		r = kb_engine_run(&run->plan, run->cluster, &run->deposit,
			&run->progress, cancel);
	kb_failure_take(&failure, r);
	kept = keep_word(run, r);
	kb_progress_finish(&run->progress, &run->deposit);
	if (o->json)
		print_json(run, r == 0 && !run->deposit.totals.problems);
	return r < 0 ? kb_failure_raise(&failure) : kept;
}

static int
back_up(struct run *run, const struct kb_backup_options *o,
	struct kb_cancel *cancel)
{
	int r = 0;

	if (o->metrics)
		r = kb_metrics_open(o->metrics, &run->metrics);
	if (r == 0)
		r = kb_cluster_open(o->conf, cancel, &run->cluster);
	if (r == 0)
		r = kb_plan_pick(run->cluster, &o->selection, &run->plan);
	if (r == 0)
		r = kb_admin_new(o->conf, &run->admin);
	if (r == 0)
		r = open_repo(run, o);
	if (r == 0)
		r = kb_deposit_init(&run->deposit, o, run->repo, run->index);
	if (r == 0)
		kb_metrics_watch(run->metrics, &run->deposit);
	if (r < 0 || !o->dry_run)
		return r < 0 ? r : carry_out(run, o, cancel);
	r = kb_plan_lanes(&run->plan, run->cluster, run->admin, &run->deposit);
	if (r == 0)
		print_plan(&run->plan);
	return r;
}

/* Status and last words. */
static int
conclude(const struct run *run, const struct kb_backup_options *o, int r)
{
	if (kb_cancel_fired(kb_verb_cancel())) {
		kb_log_error("interrupted; what was whole is stored in %s: "
			     "run the same command again to go on",
			o->repo);
		return 128 + kb_cancel_fired(kb_verb_cancel());
	}
	if (r == 0 && run->deposit.totals.problems)
		r = KB_EXIT_FAILED;
	return kb_verb_finish(r);
}

int
kb_verb_backup(int argc, char **argv)
{
	struct arguments a = {
		.o = {.segment_bytes = SEGMENT_BYTES, .memory = MEMORY},
	};
	struct run run = {.started = kb_clock_wall_ms()};
	int r, status;

	a.topics = calloc((size_t)argc + 1, sizeof(*a.topics));
	a.excludes = calloc((size_t)argc + 1, sizeof(*a.excludes));
	a.o.selection.topics = a.topics;
	a.o.selection.excludes = a.excludes;
	r = a.topics && a.excludes ? kb_conf_new(&a.o.conf)
				   : kb_err(-ENOMEM, "out of memory");
	if (r == 0) {
		argp_parse(&argp, argc, argv, 0, NULL, &a);
		r = kb_conf_check(a.o.conf);
		kb_verb_verbosity(a.verbosity, a.o.quiet);
	}
	if (r == 0)
		r = back_up(&run, &a.o, kb_verb_cancel());
	status = conclude(&run, &a.o, r);
	close_run(&run);
	kb_conf_free(a.o.conf);
	free(a.topics);
	free(a.excludes);
	return status;
}
