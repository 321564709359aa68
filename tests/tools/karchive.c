/*
 * karchive REPO TOPIC PARTITIONS SEGMENTS RECORDS VALUE_BYTES: adds to a topic
 * of a repository, both made when absent, without any broker. SEGMENTS and
 * RECORDS are of each partition and each segment.
 */
#include <stdio.h>
#include <stdlib.h>

#include "specimen.h"
#include "common/clock.h"
#include "common/err.h"

/* Where the partition goes on. */
static int
end_of(struct specimen *a, const struct kb_topic_ref *t, int32_t partition,
	int64_t *out)
{
	struct kb_index_partition p;
	int r = kb_index_partition(a->index, t, partition, &p);

	if (r == 0)
		*out = p.end;
	return r;
}

static int
fill(struct specimen *a, char **argv)
{
	struct kb_topic_ref t = specimen_topic(argv[2]);
	int partitions = atoi(argv[3]), segments = atoi(argv[4]);
	struct specimen_segment s = {.topic = argv[2],
		.records = atoi(argv[5]),
		.batch = 1000,
		.value = (size_t)atol(argv[6])};
	struct kb_index_delta *d;
	int r = specimen_meta(a, &t, kb_clock_wall_ms(), partitions);

	for (int p = 0; r == 0 && p < partitions; p++) {
		r = kb_index_delta_new(&d);
		s.partition = p;
		if (r == 0)
			r = end_of(a, &t, p, &s.start);
		for (int i = 0; r == 0 && i < segments; i++)
			r = specimen_add(a, d, &s, &s.start);
		if (r == 0)
			r = kb_index_commit(a->index, d);
		kb_index_delta_free(d);
	}
	return r;
}

int
main(int argc, char **argv)
{
	struct specimen a;
	int r;

	if (argc != 7) {
		fputs("usage: karchive REPO TOPIC PARTITIONS SEGMENTS RECORDS "
		      "VALUE_BYTES\n",
			stderr);
		return 2;
	}
	r = specimen_open(&a, argv[1]);
	if (r == 0)
		r = fill(&a, argv);
	if (r < 0)
		fprintf(stderr, "karchive: %s\n", kb_err_text());
	specimen_close(&a);
	return r < 0;
}
