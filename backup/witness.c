/*
 * Records are compared by digest, so that neither has to be kept while the
 * other is read. The batch header would not do: compaction rewrites it, and
 * so do we when a batch is recompressed.
 */
#include "backup/witness.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "backup/deposit.h"
#include "backup/lane.h"
#include "common/err.h"
#include "common/sha256.h"
#include "format/batch.h"
#include "format/record.h"
#include "index/index.h"
#include "kafka/fetcher.h"
#include "store/repo.h"
#include "store/store.h"

#define WAIT_MS 1000
#define EMPTY_ANSWERS 5

/* What is looked for, and what was found. */
struct witness {
	struct kb_decoder *decoder;
	struct kb_sha256 *sha;
	int64_t offset;
	uint8_t digest[KB_SHA256_SIZE];
};

static void
add_bytes(struct kb_sha256 *sha, struct kb_slice s)
{
	int64_t len = s.data ? (int64_t)s.len : -1;

	kb_sha256_add(sha, &len, sizeof(len));
	if (s.len)
		kb_sha256_add(sha, s.data, s.len);
}

static void
digest(struct witness *w, const struct kb_record *r)
{
	kb_sha256_add(w->sha, &r->timestamp, sizeof(r->timestamp));
	add_bytes(w->sha, r->key);
	add_bytes(w->sha, r->value);
	kb_sha256_finish(w->sha, w->digest);
}

/* 0: found, digested. 1: not in this batch. */
static int
search_batch(struct witness *w, const struct kb_batch *b)
{
	struct kb_slice raw;
	struct kb_records it;
	struct kb_record rec;
	int r;

	r = kb_batch_check(b);
	if (r == 0)
		r = kb_decoder_run(w->decoder, kb_batch_codec(b), b->body,
			KB_DECODE_MAX, &raw);
	if (r < 0)
		return r;
	kb_records_init(&it, b, raw);
	while ((r = kb_records_next(&it, &rec)) == 0)
		if (rec.offset == w->offset)
			break;
	if (r == 0)
		digest(w, &rec);
	return r;
}

/* The same over a row of batches, perhaps torn at its end. */
static int
search(struct witness *w, struct kb_slice row)
{
	struct kb_batch b;
	int r;

	while ((r = kb_batch_parse(row, &b)) == 0) {
		if (kb_batch_last(&b) >= w->offset)
			return b.base_offset > w->offset ? 1
							 : search_batch(w, &b);
		row.data += b.bytes.len;
		row.len -= b.bytes.len;
	}
	return r;
}

/* ---- ours ---- */

struct pick {
	int64_t offset;
	struct kb_block block;
	bool found;
};

static int
pick_block(void *ctx, const struct kb_block *b)
{
	struct pick *p = ctx;

	if (p->offset < b->first || p->offset > b->last)
		return 0;
	p->block = *b;
	p->found = true;
	return 1;
}

static int
read_block(struct kb_store *store, const char *object,
	const struct kb_block *block, struct kb_buf *out)
{
	struct kb_blob *blob;
	ssize_t n;
	int r;

	r = kb_buf_reserve(out, block->size);
	if (r == 0)
		r = kb_store_open(store, object, &blob, NULL);
	if (r < 0)
		return r;
	n = kb_blob_read(blob, block->position, out->data, block->size);
	kb_blob_close(blob);
	if (n < 0)
		return (int)n;
	out->len = (size_t)n;
	return 0;
}

static int
search_stored(struct witness *w, const struct kb_lane *l, struct kb_deposit *o)
{
	struct kb_index_segment segment;
	struct pick pick = {.offset = w->offset};
	struct kb_buf bytes = {0};
	int r;

	r = kb_index_segment_at(
		o->index, &l->topic, l->partition, w->offset, &segment);
	if (r == 0)
		r = kb_index_blocks(o->index, &l->topic, l->partition,
			segment.s.start, pick_block, &pick);
	if (r < 0)
		return r;
	if (!pick.found)
		return kb_err(-ESTALE,
			"%s: the index has no block for offset "
			"%" PRId64 "; run `kbak reindex`",
			kb_lane_name(l), w->offset);
	r = read_block(o->repo->store, segment.object, &pick.block, &bytes);
	if (r == 0)
		r = search(w, kb_buf_slice(&bytes));
	if (r == 1)
		r = kb_err(-EBADMSG,
			"%s: offset %" PRId64 " is not where the "
			"index has it; run `kbak verify`",
			segment.object, w->offset);
	kb_buf_release(&bytes);
	return r;
}

/* ---- theirs ---- */

static int
search_broker(
	struct witness *w, const struct kb_lane *l, struct kb_cluster *cluster)
{
	struct kb_fetcher *f = NULL;
	struct kb_fetch_part *part;
	struct kb_fetch_event e;
	int r;

	r = kb_fetcher_new(cluster, KB_READ_UNCOMMITTED, NULL, &f);
	if (r == 0)
		r = kb_fetcher_add(f, l->topic.name, &l->topic.id, l->partition,
			w->offset, -1, NULL, &part);
	for (int empty = 0; r == 0 && empty < EMPTY_ANSWERS;) {
		r = kb_fetcher_next(f, WAIT_MS, &e);
		if (r == 1)
			r = 0; /* not yet */
		else if (r == 0 && e.kind == KB_FETCH_FAILED)
			r = kb_err(e.error, "%s", e.sentence);
		else if (r == 0 && e.kind != KB_FETCH_DATA)
			break; /* gone; who fetches on will say how */
		else if (r == 0 && e.records.len) {
			r = search(w, e.records);
			kb_fetcher_free(f);
			return r;
		} else if (r == 0) {
			empty++;
			kb_fetcher_advance(f, part, w->offset, -1);
		}
	}
	kb_fetcher_free(f);
	return r < 0 ? r : 1;
}

int
kb_witness_check(const struct kb_lane *l, struct kb_deposit *o,
	struct kb_cluster *cluster, int64_t last)
{
	struct witness w = {.offset = last};
	uint8_t ours[KB_SHA256_SIZE];
	int r;

	r = kb_sha256_new(&w.sha);
	if (r == 0)
		r = kb_decoder_new(&w.decoder);
	if (r == 0)
		r = search_stored(&w, l, o);
	if (r == 0) {
		memcpy(ours, w.digest, sizeof(ours));
		r = search_broker(&w, l, cluster);
	}
	if (r == 0 && memcmp(ours, w.digest, sizeof(ours)) != 0)
		r = kb_err(-ESTALE,
			"%s: at offset %" PRId64 " the broker has "
			"another record than the one stored: the topic was "
			"deleted and created again, or its log replaced; "
			"back it up into a new repository",
			kb_lane_name(l), last);
	kb_decoder_free(w.decoder);
	kb_sha256_free(w.sha);
	return r < 0 ? r : 0;
}
