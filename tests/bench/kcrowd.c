/*
 * kcrowd REPO TOPIC:PARTITIONS:SEGMENTS[:START]...: adds an index file to a
 * repository, made when absent: topics of so many partitions of so many
 * segments each, from the START-th on, and no segment behind them. What lists
 * or sizes files must not notice. The rows are a pure function of the
 * arguments.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "format/segment.h"
#include "index/draft.h"
#include "index/index.h"
#include "index/stack.h"
#include "store/repo.h"

#define RECORDS 100 /* a segment */
#define FIRST_MS INT64_C(1700000000000)

struct crowd {
	struct kb_repo *repo;
	struct kb_draft *draft;
	struct kb_topic_ref topic;
	int32_t partitions;
	int64_t segments;
	int64_t start;
};

/* Sizes that differ, so that sums tell one file from another. */
static uint64_t
noise(int32_t partition, int64_t n)
{
	uint64_t x = (uint64_t)partition << 32 ^ (uint64_t)n;

	x = (x + 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u;
	return x >> 48;
}

static int
add_segment(struct crowd *c, int32_t partition, int64_t n)
{
	uint64_t bytes = 1000 + noise(partition, n);
	int64_t start = n * RECORDS;
	struct kb_block b = {.first = start,
		.last = start + RECORDS - 1,
		.size = bytes,
		.records = RECORDS,
		.min_timestamp = FIRST_MS + start,
		.max_timestamp = FIRST_MS + start + RECORDS - 1,
		.text_length = 3 * bytes,
		.values_length = bytes,
		.raw_length = 2 * bytes};
	struct kb_index_segment row = {.s = {.start = start,
					       .end = start + RECORDS,
					       .first = b.first,
					       .last = b.last,
					       .bytes = bytes,
					       .records = RECORDS,
					       .min_timestamp = b.min_timestamp,
					       .max_timestamp = b.max_timestamp,
					       .text_length = b.text_length,
					       .values_length = bytes,
					       .raw_length = b.raw_length,
					       .block_count = 1}};

	memcpy(row.s.sha256, &bytes, sizeof(bytes));
	kb_layout_segment(row.object, &c->topic, partition, start);
	return kb_draft_segment(c->draft, &c->topic, partition, &row, &b);
}

static int
add_meta(struct crowd *c)
{
	struct kb_meta m = {.id = c->topic.id,
		.seen = FIRST_MS,
		.partitions = c->partitions,
		.replication_factor = 1};

	snprintf(m.topic, sizeof(m.topic), "%s", c->topic.name);
	return kb_draft_meta(c->draft, &m, 1);
}

/* TOPIC:PARTITIONS:SEGMENTS[:START]; cuts it up. */
static int
add_topic(struct crowd *c, char *spec)
{
	char *name = strsep(&spec, ":");
	int r;

	c->start = 0;
	if (!spec || sscanf(spec, "%" SCNd32 ":%" SCNd64 ":%" SCNd64,
			     &c->partitions, &c->segments, &c->start) < 2)
		return kb_err(
			-EINVAL, "%s: TOPIC:PARTITIONS:SEGMENTS[:START]", name);
	c->topic = (struct kb_topic_ref){.name = name};
	memcpy(c->topic.id.b, name, strnlen(name, sizeof(c->topic.id.b)));
	r = add_meta(c);
	for (int32_t p = 0; r == 0 && p < c->partitions; p++) {
		for (int64_t n = 0; r == 0 && n < c->segments; n++)
			r = add_segment(c, p, c->start + n);
	}
	return r;
}

/* As a commit does, but with pages of a merged file, and no merges. */
static int
publish(struct crowd *c)
{
	struct kb_stack k = {0};
	struct kb_stack_file f;
	char name[KB_STACK_NAME];
	int r = kb_draft_finish(c->draft);

	if (r == 0)
		r = kb_stack_list(c->repo->store, &k);
	if (r < 0)
		return r;
	f.from = f.to = kb_stack_top(&k) + 1;
	kb_stack_name(name, k.generation ? k.generation : 1, &f);
	kb_stack_release(&k);
	return kb_draft_publish(c->draft, c->repo->store, name);
}

int
main(int argc, char **argv)
{
	struct crowd c = {0};
	int r;

	if (argc < 3) {
		fputs("usage: kcrowd REPO TOPIC:PARTITIONS:SEGMENTS[:START]...\n",
			stderr);
		return 2;
	}
	r = kb_repo_open_or_create(argv[1], "crowd", &c.repo);
	if (r == 0)
		r = kb_draft_new(KB_DRAFT_LARGE, &c.draft);
	for (int i = 2; r == 0 && i < argc; i++)
		r = add_topic(&c, argv[i]);
	if (r == 0)
		r = publish(&c);
	if (r < 0)
		fprintf(stderr, "kcrowd: %s\n", kb_err_text());
	kb_draft_free(c.draft);
	kb_repo_close(c.repo);
	return r < 0;
}
