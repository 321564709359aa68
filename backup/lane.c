/*
 * The data path of a backup, for one partition. A batch is written as it came
 * unless it straddles a border or is to be recompressed; either way it is
 * decoded once, to be measured for the index.
 *
 * 1. `covered` moves only when a segment or gap is published.
 * 2. A segment's covered start is `covered`, so the next name is known to
 *    every writer, and two of them collide on it.
 * 3. No record below `next` at the time, or at or above `cut`, is written.
 */
#include "backup/lane.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup/options.h"
#include "backup/deposit.h"
#include "common/clock.h"
#include "common/err.h"
#include "format/encoder.h"
#include "format/segment.h"
#include "index/index.h"
#include "store/repo.h"
#include "store/store.h"

#define AUTO_LEVEL 1

void
kb_lane_release(struct kb_lane *l)
{
	kb_blob_abandon(l->writer);
	l->writer = NULL;
	kb_summary_free(l->summary);
	l->summary = NULL;
	kb_txn_release(&l->txn);
}

const char *
kb_lane_name(const struct kb_lane *l)
{
	static _Thread_local char name[KB_TOPIC_MAX + 16];

	snprintf(name, sizeof(name), "%s/%" PRId32, l->topic.name,
		l->partition);
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
	kb_summary_begin(l->summary, l->topic.name, l->partition, l->covered);
	return 0;
}

int
kb_lane_publish(struct kb_lane *l, struct kb_deposit *o)
{
	struct kb_index_segment row;
	const struct kb_block *blocks;
	int r;

	if (!l->writer)
		return 0;
	r = kb_summary_finish(l->summary, &row.s, &blocks);
	if (r < 0) {
		kb_blob_abandon(l->writer);
		l->writer = NULL;
		return r;
	}
	kb_layout_segment(row.object, &l->topic, l->partition, row.s.start);
	r = kb_blob_publish(l->writer);
	l->writer = NULL;
	if (r == -EEXIST)
		return kb_err(r, "%s: another backup has just stored "
			"this partition from offset %" PRId64
			"; its segment stays, ours is dropped",
			kb_lane_name(l), row.s.start);
	if (r < 0)
		return r;
	l->covered = row.s.end;
	o->totals.segments++;
	o->totals.records += row.s.records;
	o->totals.raw += row.s.raw_length;
	o->totals.stored += row.s.bytes;
	return kb_index_delta_segment(o->delta, &l->topic, l->partition,
		&row, blocks);
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
	if (kb_summary_bytes(l->summary) >= o->options->segment_bytes)
		r = kb_lane_publish(l, o);
	return r;
}

/* ---- one batch ---- */

/* The zstd level to store b at, or 0: as it is. */
static bool
wants_repack(const struct kb_backup_options *opt, const struct kb_batch *b,
	int *out_level)
{
	switch (opt->compression) {
	case KB_COMPRESSION_VERBATIM:
		return false;
	case KB_COMPRESSION_ZSTD:
		*out_level = opt->level;
		return true;
	case KB_COMPRESSION_AUTO:
		break;
	}
	*out_level = AUTO_LEVEL;
	return kb_batch_codec(b) == KB_CODEC_NONE;
}

/* Stores the records of b inside [next, cut). */
static int
store_trimmed(struct kb_lane *l, struct kb_deposit *o, const struct kb_batch *b,
	struct kb_slice raw)
{
	struct kb_batch made;
	int level = AUTO_LEVEL, r;

	wants_repack(o->options, b, &level);
	kb_buf_clear(&o->scratch);
	r = kb_encoder_trim(b, raw, l->next, l->cut, o->compressor, level,
		&o->scratch);
	if (r != 0)
		return r < 0 ? r : 0;
	r = kb_batch_parse(kb_buf_slice(&o->scratch), &made);
	if (r == 0)
		r = kb_decoder_run(o->decoder, kb_batch_codec(&made),
			made.body, KB_DECODE_MAX, &raw);
	return r < 0 ? r : write_batch(l, o, &made, raw);
}

static int
store_batch(struct kb_lane *l, struct kb_deposit *o, const struct kb_batch *b,
	struct kb_slice raw)
{
	struct kb_batch made;
	int level, r;

	if (b->base_offset < l->next || kb_batch_last(b) >= l->cut)
		return store_trimmed(l, o, b, raw);
	if (!wants_repack(o->options, b, &level))
		return write_batch(l, o, b, raw);
	kb_buf_clear(&o->scratch);
	r = kb_encoder_recompress(b, raw, o->compressor, level, &o->scratch);
	if (r == 0)
		r = kb_batch_parse(kb_buf_slice(&o->scratch), &made);
	return r < 0 ? r : write_batch(l, o, &made, raw);
}

/* The key of a control batch's record; empty for data batches. */
static int
control_key(const struct kb_batch *b, struct kb_slice raw,
	struct kb_slice *out_key)
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

/* Deals with one whole batch. */
static int
take_batch(struct kb_lane *l, struct kb_deposit *o, const struct kb_batch *b)
{
	int64_t end = kb_batch_last(b) + 1;
	struct kb_slice raw = {0};
	bool drop = false;
	int r;

	r = kb_batch_check(b);
	if (r == 0)
		r = kb_decoder_run(o->decoder, kb_batch_codec(b), b->body,
			KB_DECODE_MAX, &raw);
	if (r == 0)
		r = judge(l, b, raw, &drop);
	if (r < 0)
		return r;
	if (drop)
		o->totals.dropped++;
	else if (end > l->next)
		r = store_batch(l, o, b, raw);
	if (r < 0)
		return r;
	if (end > l->next)
		l->next = end < l->cut ? end : l->cut;
	l->last_epoch = b->leader_epoch;
	return 0;
}

int
kb_lane_take(struct kb_lane *l, struct kb_deposit *o,
	const struct kb_fetch_event *e, int64_t *out_damage_end)
{
	struct kb_slice left = e->records;
	struct kb_batch b;
	int r;

	*out_damage_end = -1;
	r = kb_txn_answer(&l->txn, e->aborted, e->aborted_count);
	if (r < 0)
		return r;
	l->idle = left.len ? 0 : l->idle + 1;
	while (l->next < l->cut) {
		r = kb_batch_parse(left, &b);
		if (r != 0)
			break;
		if (b.base_offset >= l->cut) {
			l->next = l->cut;
			break;
		}
		r = take_batch(l, o, &b);
		if (r < 0) {
			*out_damage_end = kb_batch_last(&b) + 1;
			break;
		}
		o->totals.fetched += b.bytes.len;
		left.data += b.bytes.len;
		left.len -= b.bytes.len;
	}
	if (r < 0)
		return kb_err(r, "%s: at offset %" PRId64 ": %s",
			kb_lane_name(l), l->next, kb_err_text());
	return 0;
}

int
kb_lane_put_gap(struct kb_lane *l, struct kb_deposit *o, int64_t end,
	enum kb_gap_reason reason, const char *detail)
{
	struct kb_gap gap = {
		.end = end,
		.reason = reason,
		.noticed = kb_clock_wall_ms(),
	};
	int r;

	r = kb_lane_publish(l, o);
	if (r < 0 || end <= l->covered)
		return r;
	gap.start = l->covered;
	snprintf(gap.detail, sizeof(gap.detail), "%s", detail);
	r = kb_gap_publish(o->repo->store, &l->topic, l->partition, &gap);
	if (r == 0)
		r = kb_index_delta_gap(o->delta, &l->topic, l->partition,
			&gap);
	if (r < 0)
		return r;
	o->totals.gaps++;
	l->covered = end;
	if (l->next < end)
		l->next = end;
	return 0;
}
