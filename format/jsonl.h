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

/* A length that the line does not exceed, found without looking at its bytes.
 */
uint64_t
kb_jsonl_bound(const struct kb_jsonl *v, const struct kb_record *r);

/*
 * Writes r's line at out, which has room for kb_jsonl_measure() bytes plus
 * KB_JSONL_SLACK (a wide store may touch, never use, those). Returns the
 * length: always the measured one.
 */
#define KB_JSONL_SLACK 64
size_t
kb_jsonl_render(const struct kb_jsonl *v, const struct kb_record *r, char *out);

#endif
