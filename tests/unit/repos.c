#include "repos.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/codec.h"
#include "format/encoder.h"
#include "store/store.h"

#define TIME INT64_C(1700000000000)

void
repos_make(struct repos *r, const char *path)
{
	ck_ok(kb_repo_open_or_create(path, "cluster", &r->repo));
	ck_ok(kb_index_open(r->repo, &r->index));
	ck_ok(kb_index_delta_new(&r->delta));
}

void
repos_close(struct repos *r)
{
	if (!kb_index_delta_empty(r->delta))
		ck_ok(kb_index_commit(r->index, r->delta));
	kb_index_delta_free(r->delta);
	kb_index_close(r->index);
	kb_repo_close(r->repo);
}

/* Appends a batch of records first..last. */
static void
add_batch(struct kb_buf *out, int64_t first, int64_t last)
{
	struct kb_batch_header h = {.leader_epoch = 3, .producer_id = -1};
	struct kb_encoder e;
	struct kb_compressor *zstd;
	char key[40], value[80];

	kb_encoder_init(&e);
	ck_ok(kb_compressor_new(&zstd));
	for (int64_t i = first; i <= last; i++) {
		snprintf(key, sizeof(key), "key %lld", (long long)i);
		snprintf(value, sizeof(value), "{\"n\":%lld}", (long long)i);
		ck_ok(kb_encoder_add(&e, &(struct kb_record){
						 .offset = i,
						 .timestamp = TIME + i,
						 .key = kb_slice_str(key),
						 .value = kb_slice_str(value),
					 }));
	}
	ck_ok(kb_encoder_finish(&e, zstd, 1, &h, out));
	kb_compressor_free(zstd);
	kb_encoder_release(&e);
}

/* The row of the batches in `bytes`, and its blocks: *out_sum holds them. */
static void
sum_up(const struct kb_buf *bytes, const struct kb_topic_ref *t,
	int32_t partition, int64_t start, struct kb_summary **out_sum,
	struct kb_segment *out, const struct kb_block **out_blocks)
{
	struct kb_slice rest = kb_buf_slice(bytes), raw;
	struct kb_decoder *d;
	struct kb_batch b;

	ck_ok(kb_summary_new(out_sum));
	ck_ok(kb_decoder_new(&d));
	kb_summary_begin(*out_sum, t->name, partition, start);
	while (rest.len) {
		ck_ok(kb_batch_parse(rest, &b));
		ck_ok(kb_decoder_run(
			d, kb_batch_codec(&b), b.body, KB_DECODE_MAX, &raw));
		ck_ok(kb_summary_add(*out_sum, &b, raw));
		rest.data += b.bytes.len;
		rest.len -= b.bytes.len;
	}
	ck_ok(kb_summary_finish(*out_sum, out, out_blocks));
	kb_decoder_free(d);
}

void
repos_segment(struct repos *r, const struct kb_topic_ref *t, int32_t partition,
	int64_t start, int count, bool indexed)
{
	struct kb_index_segment row;
	const struct kb_block *blocks;
	struct kb_summary *sum;
	struct kb_blob_writer *w;
	struct kb_buf bytes = {0};

	for (int i = 0; i < count; i += 10)
		add_batch(&bytes, start + i,
			start + (i + 10 < count ? i + 10 : count) - 1);
	kb_layout_segment(row.object, t, partition, start);
	ck_ok(kb_store_create(r->repo->store, row.object, &w));
	ck_ok(kb_blob_write(w, kb_buf_slice(&bytes)));
	ck_ok(kb_blob_publish(w));
	sum_up(&bytes, t, partition, start, &sum, &row.s, &blocks);
	if (indexed)
		ck_ok(kb_index_delta_segment(
			r->delta, t, partition, &row, blocks));
	kb_summary_free(sum);
	kb_buf_release(&bytes);
}

void
repos_gap(struct repos *r, const struct kb_topic_ref *t, int32_t partition,
	int64_t start, int64_t end)
{
	struct kb_gap gap = {start, end, KB_GAP_RETENTION, TIME, "some detail"};

	ck_ok(kb_gap_publish(r->repo->store, t, partition, &gap));
	ck_ok(kb_index_delta_gap(r->delta, t, partition, &gap));
}

void
repos_meta(struct repos *r, const struct kb_topic_ref *t, int32_t partitions,
	int64_t seen)
{
	struct kb_meta m = {.id = t->id,
		.seen = TIME + seen,
		.partitions = partitions,
		.replication_factor = 1};
	uint64_t n;

	strcpy(m.topic, t->name);
	ck_ok(kb_meta_put(&m, "cleanup.policy", "compact"));
	ck_ok(kb_meta_publish(r->repo->store, &m, &n));
	ck_ok(kb_index_delta_meta(r->delta, &m, n));
	kb_meta_release(&m);
}

void
repos_run(struct repos *r)
{
	struct kb_run run = {TIME, TIME + 5, true, 150, 1500, 0};
	uint64_t n;

	ck_ok(kb_run_publish(r->repo->store, &run, &n));
	ck_ok(kb_index_delta_run(r->delta, &run, n));
}

void
repos_make_sample(const char *path)
{
	static const struct kb_topic_ref old = {"orders", {{1}}};
	static const struct kb_topic_ref new = {"orders", {{2}}};
	static const struct kb_topic_ref other = {"other", {{0}}};
	struct repos r;

	repos_make(&r, path);
	repos_meta(&r, &old, 2, 0);
	repos_gap(&r, &old, 0, 0, 10);
	repos_segment(&r, &old, 0, 10, 100, true);
	repos_segment(&r, &old, 0, 110, 30, true);
	ck_ok(kb_index_commit(r.index, r.delta));
	repos_meta(&r, &new, 1, 1000);
	repos_segment(&r, &new, 0, 0, 10, true);
	repos_meta(&r, &other, 1, 0);
	repos_segment(&r, &other, 0, 0, 10, true);
	repos_run(&r);
	repos_close(&r);
}
