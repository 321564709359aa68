/*
 * decode REPO TOPIC PARTITION: what one record costs at least. For each offset
 * on stdin its block is read, checked, decoded and rendered in this process.
 * Prints as peek does.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/histogram.h"
#include "index/index.h"
#include "index/text.h"
#include "store/repo.h"
#include "store/store.h"

struct bench {
	struct kb_repo *repo;
	struct kb_index *index;
	struct kb_text *text;
	struct kb_index_topic row;
	struct kb_topic_ref topic;
	int32_t partition;
	struct kb_histogram took;
};

/* The block that holds, or is first after, an offset. */
struct search {
	int64_t offset;
	struct kb_block block;
};

static int
see_block(void *ctx, const struct kb_block *b)
{
	struct search *s = ctx;

	s->block = *b;
	return b->last >= s->offset;
}

static int
decode(struct bench *b, int64_t offset, struct kb_buf *out)
{
	struct search s = {.offset = offset};
	struct kb_index_segment row;
	struct kb_blob *blob;
	int64_t from;
	int r;

	r = kb_index_segment_at(
		b->index, &b->topic, b->partition, offset, &row);
	if (r == 0)
		r = kb_index_blocks(b->index, &b->topic, b->partition,
			row.s.start, see_block, &s);
	if (r >= 0)
		r = kb_store_open(b->repo->store, row.object, &blob, NULL);
	if (r < 0)
		return r;
	kb_buf_clear(out);
	from = kb_clock_us();
	r = kb_text_block(b->text, blob, row.object, &b->topic, b->partition,
		&s.block, s.block.first, s.block.last, out);
	kb_histogram_add(&b->took, kb_clock_us() - from);
	kb_blob_close(blob);
	return r;
}

int
main(int argc, char **argv)
{
	static struct bench b;
	struct kb_buf out = {0};
	int64_t offset;
	int r;

	if (argc != 4) {
		fputs("usage: decode REPO TOPIC PARTITION\n", stderr);
		return 2;
	}
	b.partition = atoi(argv[3]);
	r = kb_repo_open(argv[1], &b.repo);
	if (r == 0)
		r = kb_index_open(b.repo, &b.index);
	if (r == 0)
		r = kb_index_topic(b.index, argv[2], &b.row);
	b.topic = (struct kb_topic_ref){b.row.name, b.row.id};
	if (r == 0)
		r = kb_text_new(&b.text);
	while (r == 0 && scanf("%" SCNd64, &offset) == 1)
		r = decode(&b, offset, &out);
	if (r < 0) {
		fprintf(stderr, "decode: %s\n", kb_err_text());
		return 1;
	}
	printf("%" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
		kb_histogram_quantile(&b.took, 0.5),
		kb_histogram_quantile(&b.took, 0.99),
		kb_histogram_count(&b.took));
	kb_buf_release(&out);
	kb_text_free(b.text);
	kb_index_close(b.index);
	kb_repo_close(b.repo);
	return 0;
}
