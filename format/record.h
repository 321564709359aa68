/* The records inside a decoded batch body (KIP-98, KIP-82). */
#ifndef KB_FORMAT_RECORD_H
#define KB_FORMAT_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/cursor.h"

struct kb_batch;

/* Borrows the decoded body. A slice with data NULL is null, not empty. */
struct kb_record {
	int64_t offset;
	int64_t timestamp; /* ms; -1 none */
	bool logappend;	   /* timestamp was set by the broker */
	struct kb_slice key;
	struct kb_slice value;
	uint32_t header_count;
	struct kb_slice headers; /* encoded, for kb_headers_init() */
};

/* Walks the records of one batch. */
struct kb_records {
	struct kb_cursor at;
	int64_t base_offset;
	int64_t base_timestamp;
	int64_t append_timestamp; /* of every record, when logappend */
	int64_t last; /* offset of the record before; base - 1 at first */
	int32_t last_offset_delta;
	int32_t left;
	bool logappend;
};

/* raw is b's body, decoded; both are borrowed while the walk lasts. */
void
kb_records_init(
	struct kb_records *it, const struct kb_batch *b, struct kb_slice raw);

/*
 * 0: *out is the next record, its headers' framing checked. 1: end, and the
 * body ended exactly there. -EBADMSG: damaged (bad length, offset not rising
 * or outside the batch, bytes left over).
 */
int
kb_records_next(struct kb_records *it, struct kb_record *out);

struct kb_headers {
	struct kb_cursor at;
	uint32_t left;
};

/* r came from kb_records_next() or obeys the same framing. */
void
kb_headers_init(struct kb_headers *it, const struct kb_record *r);

/* 0: name (never null) and value of the next header. 1: end. */
int
kb_headers_next(struct kb_headers *it, struct kb_slice *out_name,
	struct kb_slice *out_value);

/* Appends one header in the encoded form of struct kb_record.headers. */
int
kb_headers_put(
	struct kb_buf *headers, struct kb_slice name, struct kb_slice value);

#endif
