/* Where records lie inside rendered text (format/jsonl.h, rules 1 to 4). */
#ifndef KB_FS_LINES_H
#define KB_FS_LINES_H

#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"

struct kb_facts;

/*
 * text is whole lines of one partition, offsets rising, each beginning with
 * head_len bytes that are the same for all, then the offset.
 *
 * Position of the first line whose offset is at or above `offset`; text.len
 * when there is none. -EBADMSG: a line is not of that form.
 */
int
kb_lines_find(
	struct kb_slice text, size_t head_len, int64_t offset, size_t *out);

/* What there is to know of those lines' records. -EBADMSG. */
int
kb_lines_survey(struct kb_slice text, size_t head_len, struct kb_facts *out);

#endif
