/* kbak ls: tables for people; describe.c has the same for machines. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup/archive.h"
#include "backup/arguments.h"
#include "backup/describe.h"
#include "backup/table.h"
#include "backup/verb.h"
#include "common/err.h"

static const struct argp_option options[] = {
	{"json", KB_ARGUMENTS_JSON, NULL, 0, "print one JSON object", 0},
	{0},
};

static const struct argp argp = {
	.options = options,
	.parser = kb_arguments_parse,
	.args_doc = "REPO [TOPIC[/PARTITION]]",
	.doc = "List what a repository holds: its topics, the partitions of a "
	       "topic, or the segments of a partition.",
};

static const char *
offsets(char cell[KB_TABLE_CELL], int64_t first, int64_t last)
{
	if (first < 0)
		strcpy(cell, "-");
	else
		snprintf(cell, KB_TABLE_CELL, "%" PRId64 "-%" PRId64, first,
			last);
	return cell;
}

/* ---- topics ---- */

/* p's totals are added to sum's. */
static void
add_totals(struct kb_index_partition *sum, const struct kb_index_partition *p)
{
	sum->records += p->records;
	sum->bytes += p->bytes;
	sum->gaps += p->gaps;
	if (p->min_timestamp != KB_NO_TIME &&
		(sum->min_timestamp == KB_NO_TIME ||
			p->min_timestamp < sum->min_timestamp))
		sum->min_timestamp = p->min_timestamp;
	if (p->max_timestamp > sum->max_timestamp)
		sum->max_timestamp = p->max_timestamp;
}

static int
add_topic(struct kb_archive *a, struct kb_table *table,
	const struct kb_index_topic *topic)
{
	struct kb_index_partition sum = {
		.min_timestamp = KB_NO_TIME, .max_timestamp = KB_NO_TIME};
	struct kb_topic_ref t = kb_archive_ref(topic);
	struct kb_index_partition *p;
	char cell[6][KB_TABLE_CELL];
	size_t count;
	int r = kb_archive_partitions(a, &t, &p, &count);

	if (r < 0)
		return r;
	for (size_t i = 0; i < count; i++)
		add_totals(&sum, &p[i]);
	free(p);
	return kb_table_add(table,
		(const char *[]){topic->shown, kb_table_count(cell[0], count),
			kb_table_count(cell[1], sum.records),
			kb_table_size(cell[2], sum.bytes),
			kb_table_time(cell[3], sum.min_timestamp),
			kb_table_time(cell[4], sum.max_timestamp),
			kb_table_count(cell[5], sum.gaps)});
}

static int
print_last_run(struct kb_archive *a)
{
	char ended[KB_TABLE_CELL], records[KB_TABLE_CELL];
	char size[KB_TABLE_CELL];
	struct kb_run run;
	int r = kb_index_last_run(a->index, &run);

	if (r == -ENOENT) {
		printf("last run: none has finished yet\n");
		return 0;
	}
	if (r < 0)
		return r;
	printf("last run: %s, %s, %s records, %s stored\n",
		kb_table_time(ended, run.ended),
		run.complete ? "complete" : "INCOMPLETE",
		kb_table_count(records, run.records),
		kb_table_size(size, run.bytes));
	return 0;
}

static int
print_topics(struct kb_archive *a)
{
	static const char *const titles[] = {
		"TOPIC", "PARTITIONS", "RECORDS", "SIZE", "FROM", "TO", "GAPS"};
	struct kb_index_topic *topics;
	struct kb_table table;
	size_t count;
	int r = kb_archive_topics(a, &topics, &count);

	if (r < 0)
		return r;
	r = kb_table_init(&table, stdout, "lrrrllr", titles);
	for (size_t i = 0; i < count && r == 0; i++)
		r = add_topic(a, &table, &topics[i]);
	kb_table_end(&table);
	free(topics);
	return r < 0 ? r : print_last_run(a);
}

/* ---- partitions ---- */

struct gaps {
	const char *shown;
	int32_t partition;
};

static int
print_gap(void *ctx, const struct kb_gap *g)
{
	const struct gaps *where = ctx;

	printf("%s/%" PRId32 ": offsets %" PRId64 "-%" PRId64
	       " are lost: %s%s%s\n",
		where->shown, where->partition, g->start, g->end - 1,
		kb_gap_reason_name(g->reason), *g->detail ? ": " : "",
		g->detail);
	return 0;
}

static int
print_hole(void *ctx, int64_t start, int64_t end)
{
	const struct gaps *where = ctx;

	printf("%s/%" PRId32 ": offsets %" PRId64 "-%" PRId64
	       " are MISSING, in no segment and no gap: `kbak verify` tells "
	       "what is damaged\n",
		where->shown, where->partition, start, end - 1);
	return 0;
}

static int
print_gaps(struct kb_archive *a, const struct kb_index_topic *topic,
	int32_t partition)
{
	struct gaps where = {topic->shown, partition};
	struct kb_topic_ref t = kb_archive_ref(topic);
	int r = kb_index_gaps(a->index, &t, partition, print_gap, &where);

	if (r == 0)
		r = kb_index_holes(a->index, &t, partition, print_hole, &where);
	return r;
}

static int
add_partition(struct kb_table *table, const struct kb_index_partition *p)
{
	char cell[8][KB_TABLE_CELL];

	snprintf(cell[0], KB_TABLE_CELL, "%" PRId32, p->partition);
	return kb_table_add(table,
		(const char *[]){cell[0], offsets(cell[1], p->first, p->last),
			kb_table_count(cell[2], p->records),
			kb_table_size(cell[3], p->bytes),
			kb_table_count(cell[4], p->segments),
			kb_table_time(cell[5], p->min_timestamp),
			kb_table_time(cell[6], p->max_timestamp),
			kb_table_count(cell[7], p->gaps)});
}

static int
print_partitions(struct kb_archive *a, const struct kb_index_topic *topic)
{
	static const char *const titles[] = {"PARTITION", "OFFSETS", "RECORDS",
		"SIZE", "SEGMENTS", "FROM", "TO", "GAPS"};
	struct kb_topic_ref t = kb_archive_ref(topic);
	struct kb_index_partition *p;
	struct kb_table table;
	size_t count;
	int r = kb_archive_partitions(a, &t, &p, &count);

	if (r < 0)
		return r;
	r = kb_table_init(&table, stdout, "rrrrrllr", titles);
	for (size_t i = 0; i < count && r == 0; i++)
		r = add_partition(&table, &p[i]);
	kb_table_end(&table);
	for (size_t i = 0; i < count && r == 0; i++)
		r = print_gaps(a, topic, p[i].partition);
	free(p);
	return r;
}

/* ---- segments ---- */

static int
add_segment(void *ctx, const struct kb_index_segment *row)
{
	const char *slash = strrchr(row->object, '/');
	const struct kb_segment *s = &row->s;
	char cell[6][KB_TABLE_CELL];

	return kb_table_add(
		ctx, (const char *[]){offsets(cell[0], s->first, s->last),
			     kb_table_count(cell[1], s->records),
			     kb_table_size(cell[2], s->bytes),
			     kb_table_size(cell[3], s->text_length),
			     kb_table_time(cell[4], s->min_timestamp),
			     kb_table_time(cell[5], s->max_timestamp),
			     slash ? slash + 1 : row->object});
}

static int
print_segments(struct kb_archive *a, const struct kb_index_topic *topic,
	int32_t partition)
{
	static const char *const titles[] = {
		"OFFSETS", "RECORDS", "SIZE", "TEXT", "FROM", "TO", "OBJECT"};
	struct kb_topic_ref t = kb_archive_ref(topic);
	struct kb_index_partition p;
	struct kb_table table;
	int r = kb_archive_partition(a, topic, partition, &p);

	if (r < 0)
		return r;
	r = kb_table_init(&table, stdout, "rrrrlll", titles);
	if (r == 0)
		r = kb_index_segments(
			a->index, &t, partition, 0, add_segment, &table);
	kb_table_end(&table);
	return r < 0 ? r : print_gaps(a, topic, partition);
}

/* ---- the verb ---- */

static int
list(struct kb_archive *a, const struct kb_arguments *args)
{
	const struct kb_operand *o = args->has_topic ? &args->topic : NULL;
	struct kb_index_topic topic;
	int r;

	if (args->json)
		return kb_describe(a, o, stdout);
	if (!o)
		return print_topics(a);
	r = kb_archive_topic(a, o->topic, &topic);
	if (r < 0)
		return r;
	if (o->partition < 0)
		return print_partitions(a, &topic);
	return print_segments(a, &topic, o->partition);
}

int
kb_verb_ls(int argc, char **argv)
{
	struct kb_arguments args = {.takes_topic = true};
	struct kb_archive a = {0};
	int r;

	argp_parse(&argp, argc, argv, 0, NULL, &args);
	r = kb_archive_open(args.repo, &a);
	if (r == 0)
		r = list(&a, &args);
	kb_archive_close(&a);
	return kb_verb_finish(r);
}
