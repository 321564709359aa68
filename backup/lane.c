/*
 * The data path of a backup, for one partition. A batch is written as it came
 * unless it straddles a border, is small, or is to be recompressed; either way
 * it is decoded once, to be measured for the index.
 *
 * 1. `covered` moves only when a segment or gap is handed over, in order.
 * 2. A segment's covered start is `covered`, so the next name is known to
 *    every writer, and two of them collide on it.
 * 3. No record below `next` at the time, or at or above `cut`, is written.
 * 4. Records wait in `merged` only until a batch comes that cannot join them,
 *    and are written before it.
 */
#include "backup/lane.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup/deposit.h"
#include "backup/hand.h"
#include "backup/options.h"
#include "common/clock.h"
#include "common/err.h"
#include "format/segment.h"
#include "store/repo.h"
#include "store/store.h"

#define AUTO_LEVEL 1

/*
 * A batch stored in fewer bytes than this is small. One that is zstd already
 * is left alone sooner: from 8 KiB on it takes at most a few per cent more
 * than as a part of a large batch, and repacking would be most of the work.
 */
#define SMALL_BATCH (32 << 10)
#define SMALL_ZSTD (8 << 10)

void
kb_lane_release(struct kb_lane *l)
{
	kb_blob_abandon(l->writer);
	l->writer = NULL;
	kb_summary_free(l->summary);
	l->summary = NULL;
	kb_encoder_release(&l->merged);
	kb_txn_release(&l->txn);
}

const char *
kb_lane_name(const struct kb_lane *l)
{
	static _Thread_local char name[KB_TOPIC_MAX + 16];

	snprintf(
		name, sizeof(name), "%s/%" PRId32, l->topic.name, l->partition);
	return name;
}

/* ---- the segment being written ---- */

static int
begin_segment(struct kb_lane *l, struct kb_deposit *o)
{
	char name[KB_NAME_MAX];
	int r = 0;

	if (!l->summary)
		r = kb_summary_new(&l->summary);
	if (r < 0)
		return r;
	kb_layout_segment(name, &l->topic, l->partition, l->covered);
	r = kb_store_create(o->repo->store, name, &l->writer);
	if (r < 0)
		return r;
	atomic_fetch_add(&o->gauges.open_segments, 1);
	l->opened = kb_clock_ms();
	kb_summary_begin(l->summary, l->topic.name, l->partition, l->covered);
	return 0;
}

/* Whole batches only: what waits in `merged` is not in it. */
static int
finish_segment(struct kb_lane *l, struct kb_deposit *o)
{
	struct kb_blob_writer *w = l->writer;
	const struct kb_block *blocks;
	struct kb_segment sums;
	int r;

	if (!w)
		return 0;
	l->writer = NULL;
	r = kb_summary_finish(l->summary, &sums, &blocks);
	if (r < 0) {
		atomic_fetch_sub(&o->gauges.open_segments, 1);
		kb_blob_abandon(w);
		return r;
	}
	l->covered = sums.end;
	return kb_deposit_segment(o, l, w, &sums, blocks);
}

static bool
is_full(const struct kb_lane *l, const struct kb_backup_options *opt)
{
	if (kb_summary_bytes(l->summary) >= opt->segment_bytes)
		return true;
	if (opt->segment_records &&
		kb_summary_records(l->summary) >= opt->segment_records)
		return true;
	return opt->segment_age_ms &&
	       kb_clock_ms() - l->opened >= opt->segment_age_ms;
}

static void
count_batch(struct kb_gauges *g, const struct kb_batch *b, struct kb_slice raw)
{
	atomic_fetch_add(&g->records, (uint64_t)b->count);
	atomic_fetch_add(&g->raw, raw.len);
	atomic_fetch_add(&g->stored, b->bytes.len);
}

static int
write_batch(struct kb_lane *l, struct kb_deposit *o, const struct kb_batch *b,
	struct kb_slice raw)
{
	int r = 0;

	if (!l->writer)
		r = begin_segment(l, o);
	if (r == 0)
		r = kb_summary_add(l->summary, b, raw);
	if (r == 0)
		r = kb_blob_write(l->writer, b->bytes);
	if (r < 0)
		return r;
	count_batch(&o->gauges, b, raw);
	return is_full(l, o->options) ? finish_segment(l, o) : 0;
}

/* Writes the batch in hand->made, whose decoded body is raw. */
static int
write_made(struct kb_lane *l, struct kb_deposit *o, const struct kb_hand *hand,
	struct kb_slice raw)
{
	struct kb_batch made;
	int r = kb_batch_parse(kb_buf_slice(&hand->made), &made);

	atomic_fetch_add(&o->totals.repacked, 1);
	return r < 0 ? r : write_batch(l, o, &made, raw);
}

/* ---- what becomes of a batch ---- */

enum fate {
	FATE_VERBATIM,
	FATE_RECOMPRESS, /* alone */
	FATE_MERGE,	 /* with its neighbours */
};

static bool
is_small(const struct kb_deposit *o, const struct kb_batch *b)
{
	bool auto_zstd = o->options->compression == KB_COMPRESSION_AUTO &&
			 kb_batch_codec(b) == KB_CODEC_ZSTD;

	return b->bytes.len < (auto_zstd ? SMALL_ZSTD : SMALL_BATCH);
}

static enum fate
choose(const struct kb_deposit *o, const struct kb_batch *b,
	struct kb_slice raw)
{
	bool plain = kb_batch_codec(b) == KB_CODEC_NONE;

	if (o->options->compression == KB_COMPRESSION_VERBATIM)
		return FATE_VERBATIM;
	/* All records of a LogAppendTime batch share the batch's time. */
	if (!(b->attributes & KB_BATCH_LOGAPPEND)) {
		if (is_small(o, b))
			return FATE_MERGE;
		if (plain && raw.len < o->merge_bytes / 2)
			return FATE_MERGE;
	}
	if (plain || o->options->compression == KB_COMPRESSION_ZSTD)
		return FATE_RECOMPRESS;
	return FATE_VERBATIM;
}

static int
level(const struct kb_deposit *o)
{
	return o->options->compression == KB_COMPRESSION_ZSTD
		       ? o->options->level
		       : AUTO_LEVEL;
}

/* Writes what waits in `merged`. */
static int
flush_merged(struct kb_lane *l, struct kb_deposit *o, struct kb_hand *hand)
{
	struct kb_batch_header h = {
		.leader_epoch = l->merged_epoch,
		.producer_id = -1,
		.producer_epoch = -1,
		.base_sequence = -1,
	};
	int r;

	if (!l->merged.count)
		return 0;
	kb_buf_clear(&hand->made);
	r = kb_encoder_finish(
		&l->merged, hand->compressor, level(o), &h, &hand->made);
	return r < 0 ? r : write_made(l, o, hand, kb_encoder_raw(&l->merged));
}

/* For a batch that is neither merged nor written as it came. */
static int
store_alone(struct kb_lane *l, struct kb_deposit *o, struct kb_hand *hand,
	const struct kb_batch *b, struct kb_slice raw)
{
	int r;

	kb_buf_clear(&hand->made);
	r = kb_encoder_recompress(
		b, raw, hand->compressor, level(o), &hand->made);
	return r < 0 ? r : write_made(l, o, hand, raw);
}

/*
 * All of its records or none: a damaged batch must not be merged in part.
 * 1: they do not fit behind what waits.
 */
static int
merge_records(struct kb_lane *l, const struct kb_batch *b, struct kb_slice raw)
{
	const struct kb_encoder before = l->merged;
	struct kb_records it;
	struct kb_record rec;
	bool fits = true;
	int r;

	kb_records_init(&it, b, raw);
	while (fits && (r = kb_records_next(&it, &rec)) == 0) {
		r = kb_encoder_add(&l->merged, &rec);
		if (r < 0)
			break;
		fits = r == 0;
	}
	if (r < 0 || !fits)
		kb_encoder_rewind(&l->merged, &before);
	return r < 0 ? r : !fits;
}

/* Leader epochs are never mixed: resuming asks for the last batch's. */
static int
merge(struct kb_lane *l, struct kb_deposit *o, struct kb_hand *hand,
	const struct kb_batch *b, struct kb_slice raw)
{
	int r = 0;

	if (l->merged.count && l->merged_epoch != b->leader_epoch)
		r = flush_merged(l, o, hand);
	if (r < 0)
		return r;
	l->merged_epoch = b->leader_epoch;
	r = merge_records(l, b, raw);
	if (r == 1) {
		r = flush_merged(l, o, hand);
		if (r == 0)
			r = merge_records(l, b, raw);
		if (r == 1)
			return store_alone(l, o, hand, b, raw);
	}
	if (r < 0)
		return r;
	return kb_encoder_size(&l->merged) >= o->merge_bytes
		       ? flush_merged(l, o, hand)
		       : 0;
}

/* Stores the records of b inside [next, cut). */
static int
store_trimmed(struct kb_lane *l, struct kb_deposit *o, struct kb_hand *hand,
	const struct kb_batch *b, struct kb_slice raw)
{
	struct kb_batch made;
	int r;

	kb_buf_clear(&hand->made);
	r = kb_encoder_trim(b, raw, l->next, l->cut, hand->compressor, level(o),
		&hand->made);
	if (r != 0)
		return r < 0 ? r : 0;
	r = kb_batch_parse(kb_buf_slice(&hand->made), &made);
	if (r == 0)
		r = kb_decoder_run(hand->decoder, kb_batch_codec(&made),
			made.body, KB_DECODE_MAX, &raw);
	return r < 0 ? r : write_made(l, o, hand, raw);
}

static int
store_batch(struct kb_lane *l, struct kb_deposit *o, struct kb_hand *hand,
	const struct kb_batch *b, struct kb_slice raw)
{
	bool inside = b->base_offset >= l->next && kb_batch_last(b) < l->cut;
	enum fate fate = choose(o, b, raw);
	int r;

	if (inside && fate == FATE_MERGE)
		return merge(l, o, hand, b, raw);
	r = flush_merged(l, o, hand);
	if (r < 0)
		return r;
	if (!inside)
		return store_trimmed(l, o, hand, b, raw);
	if (fate == FATE_VERBATIM)
		return write_batch(l, o, b, raw);
	return store_alone(l, o, hand, b, raw);
}

/* The key of a control batch's record; empty for data batches. */
static int
control_key(
	const struct kb_batch *b, struct kb_slice raw, struct kb_slice *out_key)
{
	struct kb_records it;
	struct kb_record rec;
	int r;

	*out_key = (struct kb_slice){0};
	if (!(b->attributes & KB_BATCH_CONTROL))
		return 0;
	kb_records_init(&it, b, raw);
	r = kb_records_next(&it, &rec);
	if (r < 0)
		return r;
	if (r == 0)
		*out_key = rec.key;
	return 0;
}

/* True when the batch holds nothing that a reader would get. */
static int
judge(struct kb_lane *l, const struct kb_batch *b, struct kb_slice raw,
	bool *out_drop)
{
	enum kb_txn_verdict verdict = KB_TXN_KEEP;
	struct kb_slice key;
	int r = 0;

	if (b->count > 0) {
		r = control_key(b, raw, &key);
		if (r == 0)
			r = kb_txn_judge(&l->txn, b, key, &verdict);
	}
	*out_drop = b->count == 0 || verdict != KB_TXN_KEEP;
	return r;
}

/*
 * A batch's base offset lies outside its checksum. What a log cannot hold is a
 * batch behind the one before, or one that overlaps the next; of two that do
 * not agree, one that begins just where it should is the sound one.
 */
static int
check_order(const struct kb_lane *l, const struct kb_batch *b,
	struct kb_slice behind)
{
	struct kb_batch next;

	if (kb_batch_last(b) < l->next)
		return kb_err(-EBADMSG,
			"a batch of offsets %" PRId64 " to %" PRId64
			" comes late",
			b->base_offset, kb_batch_last(b));
	if (kb_batch_parse(behind, &next) != 0 ||
		next.base_offset > kb_batch_last(b))
		return 0;
	if (next.base_offset < b->base_offset && b->base_offset == l->next)
		return 0; /* the next one will be found late */
	return kb_err(-EBADMSG,
		"a batch of offsets %" PRId64 " to %" PRId64
		" overlaps the next, at %" PRId64,
		b->base_offset, kb_batch_last(b), next.base_offset);
}

/* Deals with one whole batch; `behind` is what follows it. */
static int
take_batch(struct kb_lane *l, struct kb_deposit *o, struct kb_hand *hand,
	const struct kb_batch *b, struct kb_slice behind)
{
	int64_t end = kb_batch_last(b) + 1;
	struct kb_slice raw = {0};
	bool drop = false;
	int r;

	r = kb_batch_check(b);
	if (r == 0)
		r = check_order(l, b, behind);
	if (r == 0)
		r = kb_decoder_run(hand->decoder, kb_batch_codec(b), b->body,
			KB_DECODE_MAX, &raw);
	if (r == 0)
		r = judge(l, b, raw, &drop);
	if (r < 0)
		return r;
	if (drop)
		atomic_fetch_add(&o->totals.dropped, 1);
	else
		r = store_batch(l, o, hand, b, raw);
	if (r < 0)
		return r;
	l->next = end < l->cut ? end : l->cut;
	l->last_epoch = b->leader_epoch;
	return 0;
}

/*
 * Where a damaged batch ends. Its own header says so, too, but is as little to
 * be trusted as the rest: the batch behind it tells better, if there is one.
 */
static int64_t
damage_end(const struct kb_lane *l, const struct kb_batch *b,
	struct kb_slice behind)
{
	int64_t end = kb_batch_last(b) + 1;
	struct kb_failure why;
	struct kb_batch next;

	kb_failure_take(&why, -EBADMSG);
	if (kb_batch_parse(behind, &next) == 0 && next.base_offset > l->next)
		end = next.base_offset;
	kb_failure_raise(&why);
	return end;
}

int
kb_lane_answer(
	struct kb_lane *l, const struct kb_aborted *aborted, size_t count)
{
	return kb_txn_answer(&l->txn, aborted, count);
}

int
kb_lane_take(struct kb_lane *l, struct kb_deposit *o, struct kb_hand *hand,
	struct kb_slice *records, int64_t *out_damage_end)
{
	struct kb_slice row = *records, behind;
	uint64_t taken = 0;
	struct kb_batch b;
	int r = 0;

	*out_damage_end = -1;
	while (l->next < l->cut) {
		r = kb_batch_parse(row, &b);
		if (r != 0)
			break;
		if (b.base_offset >= l->cut) {
			l->next = l->cut;
			break;
		}
		behind = kb_slice_of(
			row.data + b.bytes.len, row.len - b.bytes.len);
		r = take_batch(l, o, hand, &b, behind);
		if (r < 0) {
			*out_damage_end = damage_end(l, &b, behind);
			*records = behind;
			break;
		}
		taken += b.bytes.len;
		row = behind;
	}
	atomic_fetch_add(&o->totals.fetched, taken);
	if (r < 0)
		return kb_err(r, "%s: at offset %" PRIdFAST64 ": %s",
			kb_lane_name(l), l->next, kb_err_text());
	return 0;
}

int
kb_lane_publish(struct kb_lane *l, struct kb_deposit *o, struct kb_hand *hand)
{
	int r = flush_merged(l, o, hand);

	return r < 0 ? r : finish_segment(l, o);
}

int
kb_lane_put_gap(struct kb_lane *l, struct kb_deposit *o, struct kb_hand *hand,
	int64_t end, enum kb_gap_reason reason, const char *detail)
{
	struct kb_gap gap = {
		.end = end,
		.reason = reason,
		.noticed = kb_clock_wall_ms(),
	};
	int r;

	r = kb_lane_publish(l, o, hand);
	if (r < 0 || end <= l->covered)
		return r;
	gap.start = l->covered;
	snprintf(gap.detail, sizeof(gap.detail), "%s", detail);
	l->covered = end;
	if (l->next < end)
		l->next = end;
	return kb_deposit_gap(o, l, &gap);
}
