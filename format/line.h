/* A line of the text view read back into a record. */
#ifndef KB_FORMAT_LINE_H
#define KB_FORMAT_LINE_H

#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "format/jsonl.h"
#include "format/record.h"

/* One line read back. Slices borrow the parser's buffers or the line. */
struct kb_line {
	struct kb_record record;      /* offset -1 when the line has none */
	char topic[KB_TOPIC_MAX + 1]; /* "" when the line has none */
	int32_t partition;	      /* -1 when the line has none */
};

/* Buffers kept from line to line. One thread at a time. */
struct kb_line_parser;

int
kb_line_parser_new(struct kb_line_parser **out);
void
kb_line_parser_free(struct kb_line_parser *p);

/* Bytes of memory that the buffers hold; and gives it back between lines. */
size_t
kb_line_parser_memory(const struct kb_line_parser *p);
void
kb_line_parser_shrink(struct kb_line_parser *p);

/*
 * Parses one line, with or without its newline: our own text, `kcat -J`
 * (`broker` ignored, raw bytes inside strings taken as they are) and rpk's
 * (`value`, `timestamp`, `headers:[{"key":..,"value":..}]`). White space
 * between tokens is allowed; unknown keys are an error that names them, so
 * nothing is dropped in silence; \u escapes (surrogate pairs included) and
 * "\/" are accepted. No ts: timestamp -1. A missing payload or key is null.
 * Valid until the next call. -EINVAL: not such a line; *out_column is the
 * byte, from 1, where that shows, and the sentence says what was expected.
 * -ENOMEM.
 */
int
kb_line_parse(struct kb_line_parser *p, struct kb_slice line,
	struct kb_line *out, size_t *out_column);

#endif
