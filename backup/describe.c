/*
 * The outer brackets are written by hand and what is inside topic by topic and
 * segment by segment, so that memory is that of the largest topic's totals.
 * Offsets are as in the names: `last` is included, `end` is not. Timestamps
 * of records are milliseconds, null for none.
 */
#include "backup/describe.h"

#include <errno.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/err.h"
#include "store/repo.h"

static json_t *
time_text(int64_t ms)
{
	char text[KB_CLOCK_TEXT];

	kb_clock_format(ms, text);
	return json_string(text);
}

/* null for -1, which means "none". */
static json_t *
number(int64_t n)
{
	return n == -1 ? json_null() : json_integer(n);
}

/* Takes and writes o. */
static int
dump(json_t *o, FILE *to)
{
	int r = o ? json_dumpf(o, to, JSON_ENCODE_ANY) : -1;

	if (r < 0)
		r = o && ferror(to) ? 0 : kb_err(-ENOMEM, "out of memory");
	json_decref(o);
	return r;
}

static int
keep_gap(void *ctx, const struct kb_gap *g)
{
	return json_array_append_new(ctx,
		       json_pack("{s:I, s:I, s:s, s:o, s:s}", "start",
			       (json_int_t)g->start, "end", (json_int_t)g->end,
			       "reason", kb_gap_reason_name(g->reason),
			       "noticed", time_text(g->noticed), "detail",
			       g->detail)) < 0
		       ? kb_err(-ENOMEM, "out of memory")
		       : 0;
}

static json_t *
partition_object(const struct kb_index_partition *p, json_t *gaps)
{
	return json_pack("{s:i, s:I, s:I, s:I, s:I, s:o, s:o, s:I, s:o, s:o, "
			 "s:o}",
		"partition", (int)p->partition, "segments",
		(json_int_t)p->segments, "records", (json_int_t)p->records,
		"bytes", (json_int_t)p->bytes, "text_bytes",
		(json_int_t)p->text_length, "first", number(p->first), "last",
		number(p->last), "end", (json_int_t)p->end, "min_timestamp",
		number(p->min_timestamp), "max_timestamp",
		number(p->max_timestamp), "gaps", gaps);
}

static int
add_partition(struct kb_archive *a, const struct kb_topic_ref *t,
	const struct kb_index_partition *p, json_t *to)
{
	json_t *gaps = json_array();
	int r = gaps ? kb_index_gaps(a->index, t, p->partition, keep_gap, gaps)
		     : kb_err(-ENOMEM, "out of memory");

	if (r < 0) {
		json_decref(gaps);
		return r;
	}
	if (json_array_append_new(to, partition_object(p, gaps)) < 0)
		return kb_err(-ENOMEM, "out of memory");
	return 0;
}

/* An array of t's partitions, or of the one asked for. */
static int
partitions_of(struct kb_archive *a, const struct kb_topic_ref *t, int32_t only,
	json_t **out)
{
	struct kb_index_partition *p = NULL;
	json_t *array = json_array();
	size_t count = 0;
	int r = kb_archive_partitions(a, t, &p, &count);

	for (size_t i = 0; i < count && r == 0; i++) {
		if (only == -1 || only == p[i].partition)
			r = add_partition(a, t, &p[i], array);
	}
	free(p);
	if (r < 0)
		json_decref(array);
	else
		*out = array;
	return r;
}

static int
describe_topic(struct kb_archive *a, const struct kb_index_topic *topic,
	int32_t only, FILE *to)
{
	struct kb_topic_ref t = kb_archive_ref(topic);
	char id[KB_UUID_TEXT];
	json_t *partitions;
	int r = partitions_of(a, &t, only, &partitions);

	if (r < 0)
		return r;
	kb_uuid_format(&topic->id, id);
	return dump(
		json_pack("{s:s, s:s, s:s, s:o, s:o, s:i, s:o}", "shown",
			topic->shown, "topic", topic->name, "id", id,
			"first_seen", time_text(topic->first_seen), "last_seen",
			time_text(topic->last_seen), "partition_count",
			(int)topic->partitions, "partitions", partitions),
		to);
}

static int
describe_all(struct kb_archive *a, FILE *to)
{
	struct kb_index_topic *t;
	size_t count;
	int r = kb_archive_topics(a, &t, &count);

	if (r < 0)
		return r;
	for (size_t i = 0; i < count && r == 0; i++) {
		fputs(i ? ",\n" : "\n", to);
		r = describe_topic(a, &t[i], -1, to);
	}
	free(t);
	return r;
}

struct segments {
	FILE *to;
	bool any;
};

static int
describe_segment(void *ctx, const struct kb_index_segment *row)
{
	struct segments *list = ctx;
	const struct kb_segment *s = &row->s;
	char sha[KB_SHA256_TEXT];

	kb_sha256_format(s->sha256, sha);
	fputs(list->any ? ",\n" : "\n", list->to);
	list->any = true;
	return dump(
		json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, "
			  "s:o, s:o, s:i, s:s}",
			"object", row->object, "start", (json_int_t)s->start,
			"end", (json_int_t)s->end, "first",
			(json_int_t)s->first, "last", (json_int_t)s->last,
			"records", (json_int_t)s->records, "dropped",
			(json_int_t)s->dropped, "bytes", (json_int_t)s->bytes,
			"text_bytes", (json_int_t)s->text_length,
			"min_timestamp", number(s->min_timestamp),
			"max_timestamp", number(s->max_timestamp), "blocks",
			(int)s->block_count, "sha256", sha),
		list->to);
}

static int
describe_one(struct kb_archive *a, const struct kb_operand *o, FILE *to)
{
	struct segments list = {.to = to};
	struct kb_index_partition p;
	struct kb_index_topic topic;
	struct kb_topic_ref t;
	int r = kb_archive_topic(a, o->topic, &topic);

	if (r == 0 && o->partition != -1)
		r = kb_archive_partition(a, &topic, o->partition, &p);
	if (r < 0)
		return r;
	fputs("\n", to);
	r = describe_topic(a, &topic, o->partition, to);
	if (r < 0 || o->partition == -1)
		return r;
	fputs("\n],\n\"segments\": [", to);
	t = kb_archive_ref(&topic);
	return kb_index_segments(
		a->index, &t, o->partition, 0, describe_segment, &list);
}

static json_t *
repo_object(const struct kb_repo *repo)
{
	return json_pack("{s:s, s:s, s:o}", "uuid", repo->uuid, "cluster_id",
		repo->cluster_id, "created", time_text(repo->created));
}

static json_t *
run_object(const struct kb_run *run)
{
	return json_pack("{s:o, s:o, s:b, s:I, s:I, s:I}", "started",
		time_text(run->started), "ended", time_text(run->ended),
		"complete", run->complete, "records", (json_int_t)run->records,
		"bytes", (json_int_t)run->bytes, "problems",
		(json_int_t)run->problems);
}

int
kb_describe(struct kb_archive *a, const struct kb_operand *o, FILE *to)
{
	struct kb_run run;
	int r = kb_index_last_run(a->index, &run), has_run = r == 0;

	if (r < 0 && r != -ENOENT)
		return r;
	fputs("{\n\"repository\": ", to);
	r = dump(repo_object(a->repo), to);
	fputs(",\n\"last_run\": ", to);
	if (r == 0)
		r = dump(has_run ? run_object(&run) : json_null(), to);
	fputs(",\n\"topics\": [", to);
	if (r == 0)
		r = o ? describe_one(a, o, to) : describe_all(a, to);
	fputs("\n]\n}\n", to);
	return r;
}
