/* Blocks read back: stored bytes checked, decoded, rendered as text. */
#ifndef KB_INDEX_TEXT_H
#define KB_INDEX_TEXT_H

#include <stdint.h>

#include "common/buf.h"
#include "format/segment.h"
#include "store/layout.h"

struct kb_blob;

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

/* The length kb_text_block() would append, nothing rendered. */
int
kb_text_measure(struct kb_text *t, struct kb_blob *blob, const char *object,
	const struct kb_topic_ref *topic, int32_t partition,
	const struct kb_block *block, int64_t from, int64_t to,
	uint64_t *out_length, uint64_t *out_records);

#endif
