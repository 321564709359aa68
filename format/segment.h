/*
 * A segment: a row of batches. What the index keeps of it, its blocks and
 * sums, is a pure function of its bytes, its topic's name and its partition.
 */
#ifndef KB_FORMAT_SEGMENT_H
#define KB_FORMAT_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/sha256.h"
#include "format/batch.h"
#include "format/jsonl.h"

/* A run of whole batches of at least this many raw bytes is a block. */
#define KB_BLOCK_RAW (256 << 10)

/* Timestamps of "no record has one". */
#define KB_NO_TIME (-1)

struct kb_block {
	int64_t first;	   /* offset of the first record */
	int64_t last;	   /* offset of the last record */
	uint64_t position; /* in the segment */
	uint64_t size;	   /* stored bytes */
	uint64_t records;
	/*
	 * Offsets of this block's cover (from the end of the block before, or
	 * the segment's covered start, to its last batch's last offset) that
	 * hold no record: control batches, aborted and compacted records.
	 */
	uint64_t dropped;
	int64_t min_timestamp; /* of records that have one; else KB_NO_TIME */
	int64_t max_timestamp;
	uint64_t undated;	/* records without a timestamp */
	uint64_t text_length;	/* of its lines */
	uint64_t values_length; /* of its values, a newline each */
	uint64_t raw_length;	/* decoded bytes of its batches' bodies */
	bool newline_in_value;
};

/* Sums over blocks; end is where the next segment would start. */
struct kb_segment {
	int64_t start; /* covered start: the name */
	int64_t end;   /* last batch's last offset + 1 */
	int64_t first; /* of the records stored */
	int64_t last;
	uint64_t bytes;
	uint64_t records;
	uint64_t dropped;
	int64_t min_timestamp;
	int64_t max_timestamp;
	uint64_t undated;
	uint64_t text_length;
	uint64_t values_length;
	uint64_t raw_length;
	int32_t leader_epoch; /* of the last batch */
	bool newline_in_value;
	uint32_t block_count;
	uint8_t sha256[KB_SHA256_SIZE]; /* of all bytes */
};

/* Sums up a segment as its batches pass. One thread at a time. */
struct kb_summary;

int
kb_summary_new(struct kb_summary **out);
void
kb_summary_free(struct kb_summary *s);

/* Begins a segment; what was summed before is forgotten. */
void
kb_summary_begin(struct kb_summary *s, const char *topic, int32_t partition,
	int64_t start);

/*
 * Adds the next batch as it is stored, with its decoded body: every record is
 * decoded and measured. -EBADMSG: damaged, without records, or its offsets do
 * not lie above what came before; the sentence gives the position.
 */
int
kb_summary_add(
	struct kb_summary *s, const struct kb_batch *b, struct kb_slice raw);

/* Stored bytes and records so far, for rolling. */
uint64_t
kb_summary_bytes(const struct kb_summary *s);
uint64_t
kb_summary_records(const struct kb_summary *s);

/* Where the next batch must lie at or above: start, at first. */
int64_t
kb_summary_end(const struct kb_summary *s);

/*
 * Closes the last block and gives the sums; *out_blocks (out->block_count of
 * them, in order) is borrowed until the next begin. -EINVAL without records.
 */
int
kb_summary_finish(struct kb_summary *s, struct kb_segment *out,
	const struct kb_block **out_blocks);

#endif
