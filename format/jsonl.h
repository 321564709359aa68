/* The text view: one JSON object a line a record, the shape of `kcat -J`. */
#ifndef KB_FORMAT_JSONL_H
#define KB_FORMAT_JSONL_H

#include <stdint.h>

#include "common/buf.h"
#include "format/record.h"

/*
 * The version of the text that lengths are measured for. Any change of what
 * kb_jsonl_render() writes must raise it: index files carry it.
 */
#define KB_JSONL_VERSION 1

/* A topic name's longest, in bytes (Kafka's own limit). */
#define KB_TOPIC_MAX 249

/* What all lines of one partition begin with. */
struct kb_jsonl {
	char head[KB_TOPIC_MAX + 64];
	size_t head_len;
};

/* topic is a valid topic name: [a-zA-Z0-9._-], at most KB_TOPIC_MAX. */
void
kb_jsonl_init(struct kb_jsonl *v, const char *topic, int32_t partition);

/* Exact length in bytes of r's line, its newline included. */
uint64_t
kb_jsonl_measure(const struct kb_jsonl *v, const struct kb_record *r);

/*
 * Writes r's line at out, which has room for kb_jsonl_measure() bytes plus
 * KB_JSONL_SLACK (a wide store may touch, never use, those). Returns the
 * length: always the measured one.
 */
#define KB_JSONL_SLACK 64
size_t
kb_jsonl_render(const struct kb_jsonl *v, const struct kb_record *r,
	char *out);

/* One line read back. Slices borrow the parser's buffers or the line. */
struct kb_line {
	struct kb_record record; /* offset -1 when the line has none */
	char topic[KB_TOPIC_MAX + 1]; /* "" when the line has none */
	int32_t partition; /* -1 when the line has none */
};

/* Buffers kept from line to line. One thread at a time. */
struct kb_line_parser;

int
kb_line_parser_new(struct kb_line_parser **out);
void
kb_line_parser_free(struct kb_line_parser *p);

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
