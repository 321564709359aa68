/*
 * What fake brokers (fake_broker.h) say, in Metadata 12 and Fetch 13: topic
 * "t" with an id, all partitions led by node 1 with epoch 4, at first.
 */
#ifndef KB_TESTS_UNIT_FAKE_CLUSTER_H
#define KB_TESTS_UNIT_FAKE_CLUSTER_H

#include <check.h>
#include <stdatomic.h>
#include <string.h>

#include "common/bytes.h"
#include "common/cursor.h"
#include "common/uuid.h"
#include "kafka/wire.h"

#define FAKE_FETCH 1
#define FAKE_METADATA 3
#define FAKE_PARTS 256
#define FAKE_END (1 << 20)

static const struct kb_uuid fake_id = {{7, 7}};
static atomic_int fake_epoch = 4;

struct fake_fetch {
	int32_t max_wait, max_bytes;
	int count;
	struct {
		int32_t partition;
		int32_t epoch;
		int64_t offset;
		int32_t max_bytes;
	} parts[FAKE_PARTS];
	char rack[16];
};

/* A request as fake_broker_request() gives it. */
static inline void
fake_cluster_read_fetch(struct kb_slice body, struct fake_fetch *f)
{
	struct kb_cursor c = kb_cursor_of(body);
	struct kb_slice rack;

	kb_wire_string(&c, false); /* client id */
	kb_wire_tags(&c, true);
	kb_cursor_i32(&c);
	f->max_wait = kb_cursor_i32(&c);
	kb_cursor_i32(&c);
	f->max_bytes = kb_cursor_i32(&c);
	kb_cursor_take(&c, 1 + 4 + 4);
	ck_assert_uint_eq(kb_wire_array(&c, true, 1), 1);
	ck_assert_mem_eq(kb_cursor_take(&c, 16), fake_id.b, 16);
	f->count = (int)kb_wire_array(&c, true, 1);
	ck_assert_int_le(f->count, FAKE_PARTS);
	for (int i = 0; i < f->count; i++) {
		f->parts[i].partition = kb_cursor_i32(&c);
		f->parts[i].epoch = kb_cursor_i32(&c);
		ck_assert_int_ge(f->parts[i].epoch, 4);
		ck_assert_int_le(f->parts[i].epoch, fake_epoch);
		f->parts[i].offset = kb_cursor_i64(&c);
		kb_cursor_take(&c, 4 + 8);
		f->parts[i].max_bytes = kb_cursor_i32(&c);
		kb_wire_tags(&c, true);
	}
	kb_wire_tags(&c, true);
	ck_assert_uint_eq(kb_wire_array(&c, true, 1), 0);
	rack = kb_wire_string(&c, true);
	ck_assert(!c.bad);
	ck_assert_uint_lt(rack.len, sizeof(f->rack));
	memcpy(f->rack, rack.data, rack.len);
	f->rack[rack.len] = '\0';
}

/* Nodes 1, 2, ... at these ports. */
static inline void
fake_cluster_put_metadata(
	struct kb_buf *b, const int *ports, int nodes, int partitions)
{
	kb_buf_put_i8(b, 0); /* header: no tags */
	kb_buf_put_i32(b, 0);
	kb_wire_put_array(b, true, (size_t)nodes);
	for (int i = 0; i < nodes; i++) {
		kb_buf_put_i32(b, i + 1);
		kb_wire_put_string(b, true, "127.0.0.1");
		kb_buf_put_i32(b, ports[i]);
		kb_wire_put_string(b, true, NULL);
		kb_wire_put_tags(b, true);
	}
	kb_wire_put_string(b, true, "fake");
	kb_buf_put_i32(b, 1);
	kb_wire_put_array(b, true, 1);
	kb_buf_put_i16(b, 0);
	kb_wire_put_string(b, true, "t");
	kb_buf_put(b, fake_id.b, sizeof(fake_id.b));
	kb_buf_put_i8(b, 0);
	kb_wire_put_array(b, true, (size_t)partitions);
	for (int p = 0; p < partitions; p++) {
		kb_buf_put_i16(b, 0);
		kb_buf_put_i32(b, p);
		kb_buf_put_i32(b, 1);
		kb_buf_put_i32(b, fake_epoch);
		for (int i = 0; i < 3; i++)
			kb_wire_put_array(b, true, 0);
		kb_wire_put_tags(b, true);
	}
	kb_buf_put_i32(b, 0);
	kb_wire_put_tags(b, true);
	kb_wire_put_tags(b, true);
}

/* An answer's beginning; `count` partitions, then two kb_wire_put_tags(). */
static inline void
fake_cluster_put_head(struct kb_buf *b, int count)
{
	kb_buf_put_i8(b, 0);
	kb_buf_put_i32(b, 0);
	kb_buf_put_i16(b, 0);
	kb_buf_put_i32(b, 0);
	kb_wire_put_array(b, true, 1);
	kb_buf_put(b, fake_id.b, sizeof(fake_id.b));
	kb_wire_put_array(b, true, (size_t)count);
}

/* The log is FAKE_END offsets long. */
static inline void
fake_cluster_put_part(struct kb_buf *b, int32_t partition, int16_t error,
	int32_t preferred, struct kb_slice records)
{
	kb_buf_put_i32(b, partition);
	kb_buf_put_i16(b, error);
	for (int i = 0; i < 3; i++)
		kb_buf_put_i64(b, error ? -1 : i < 2 ? FAKE_END : 0);
	kb_wire_put_array(b, true, 0);
	kb_buf_put_i32(b, preferred);
	kb_buf_put_uvarint(b, records.len + 1);
	kb_buf_put(b, records.data, records.len);
	kb_wire_put_tags(b, true);
}

#endif
