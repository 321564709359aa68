/* Blocks read back: stored bytes checked, decoded, rendered as text. */
#ifndef KB_INDEX_TEXT_H
#define KB_INDEX_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "format/segment.h"
#include "store/layout.h"

struct kb_blob;
struct kb_pick;

/* Scratch memory for reading blocks; one thread at a time. */
struct kb_text;

int
kb_text_new(struct kb_text **out);
void
kb_text_free(struct kb_text *t);

/*
 * Appends to out the lines of the records of one block with
 * from <= offset <= to. `object` and `blob` are the segment's. One ranged
 * read. -EBADMSG: the bytes are damaged (the sentence names object and
 * position). -ESTALE: a whole block's text is not as long as its row says
 * (the sentence names `kbak reindex`). -EIO and other errors of the store.
 */
int
kb_text_block(struct kb_text *t, struct kb_blob *blob, const char *object,
	const struct kb_topic_ref *topic, int32_t partition,
	const struct kb_block *block, int64_t from, int64_t to,
	struct kb_buf *out);

/*
 * Appends to out the values of all records of a block, a newline behind each;
 * null is an empty line as well. Errors as kb_text_block().
 */
int
kb_text_values(struct kb_text *t, struct kb_blob *blob, const char *object,
	const struct kb_block *block, struct kb_buf *out);

/* Appends the stored bytes of a block, not looked at. Errors of the store. */
int
kb_text_stored(struct kb_blob *blob, const char *object,
	const struct kb_block *block, struct kb_buf *out);

/* Where a record is among the values of its block. */
struct kb_text_mark {
	int64_t offset;
	int64_t timestamp;
	uint64_t end; /* of its line in what kb_text_values() appends */
	bool newline; /* the value holds one */
};

/* Appends a mark for each record of a block. Errors as kb_text_block(). */
int
kb_text_marks(struct kb_text *t, struct kb_blob *blob, const char *object,
	const struct kb_block *block, struct kb_buf *out);

/* What some records of a block are like. */
struct kb_text_survey {
	uint64_t length; /* of their lines or values; bytes */
	uint64_t records;
	int64_t first; /* offsets; -1 when there is none */
	int64_t last;
	int64_t min_timestamp;
	int64_t max_timestamp;
	int64_t newline; /* the first value with a newline in it; -1 none */
};

/*
 * Appends to out the lines, or the values, of those records of a block that
 * `pick` means; without out nothing is rendered. *out_survey says what they are
 * like, `length` being what is or would be appended. Errors as kb_text_block(),
 * but nothing is compared with the row.
 */
int
kb_text_sift(struct kb_text *t, struct kb_blob *blob, const char *object,
	const struct kb_topic_ref *topic, int32_t partition,
	const struct kb_block *block, const struct kb_pick *pick, bool values,
	struct kb_buf *out, struct kb_text_survey *out_survey);

#endif
