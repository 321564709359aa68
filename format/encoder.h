/* Record batches made: from records, or from another batch. */
#ifndef KB_FORMAT_ENCODER_H
#define KB_FORMAT_ENCODER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "format/batch.h"
#include "format/record.h"

struct kb_compressor;

/*
 * Collects records of one CreateTime batch. {0} then kb_encoder_init(). The
 * memory is kept from batch to batch.
 */
struct kb_encoder {
	struct kb_buf raw;
	int64_t base_offset;
	int64_t last_offset;
	int64_t base_timestamp;
	int64_t max_timestamp;
	int32_t count;
};

void
kb_encoder_init(struct kb_encoder *e);
void
kb_encoder_release(struct kb_encoder *e);

/*
 * Adds a record; its offset must be above the one before. Offsets and
 * timestamps are kept exactly, gaps included; logappend is ignored.
 * 0. 1: the offset lies too far from the first for one batch, not added.
 * -EMSGSIZE: the record alone exceeds what a batch can hold. -ENOMEM.
 */
int
kb_encoder_add(struct kb_encoder *e, const struct kb_record *r);

/*
 * Forgets what was added since *mark was a copy of *e; no batch was finished
 * in between.
 */
void
kb_encoder_rewind(struct kb_encoder *e, const struct kb_encoder *mark);

/* Bytes of the batch if it were finished uncompressed now. */
size_t
kb_encoder_size(const struct kb_encoder *e);

/*
 * The records as framed: the body of the batch if it were not compressed.
 * Borrowed until the next record is added, finishing the batch included.
 */
static inline struct kb_slice
kb_encoder_raw(const struct kb_encoder *e)
{
	return kb_buf_slice(&e->raw);
}

/*
 * Appends the batch to out and starts afresh. c NULL: uncompressed; else
 * zstd at `level`. h gives leader epoch, producer id, epoch and sequence;
 * its other fields are set here, attributes to the codec alone, and come back
 * as written. -EINVAL without a record. -ENOMEM.
 */
int
kb_encoder_finish(struct kb_encoder *e, struct kb_compressor *c, int level,
	struct kb_batch_header *h, struct kb_buf *out);

/*
 * Appends b, recompressed with zstd at `level`: raw is its decoded body.
 * Producer id, epoch and sequence become -1, transactional and delete-horizon
 * bits are cleared; offsets, timestamps, leader epoch stay.
 */
int
kb_encoder_recompress(const struct kb_batch *b, struct kb_slice raw,
	struct kb_compressor *c, int level, struct kb_buf *out);

/*
 * Appends a batch of those records of b with from <= offset < until (zstd at
 * `level`), LogAppendTime kept, covering exactly up to its last record.
 * Producer fields as in kb_encoder_recompress(). 1: no record lies there,
 * nothing appended. -EBADMSG: b is damaged.
 */
int
kb_encoder_trim(const struct kb_batch *b, struct kb_slice raw, int64_t from,
	int64_t until, struct kb_compressor *c, int level, struct kb_buf *out);

#endif
