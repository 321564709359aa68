/*
 * Questions about one partition. An answer must be about that partition and
 * nothing else; brokers answer what they were asked.
 */
#include "kafka/offsets.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "common/cursor.h"
#include "common/err.h"
#include "kafka/wire.h"

/* One topic with one partition, in requests of one structure. */
static int
put_partition(struct kb_buf *out, const char *topic, int32_t partition)
{
	int r = 0;

	r |= kb_wire_put_array(out, false, 1);
	r |= kb_wire_put_string(out, false, topic);
	r |= kb_wire_put_array(out, false, 1);
	r |= kb_buf_put_i32(out, partition);
	return r;
}

/* Reads the same from an answer up to its one partition's fields. */
static bool
read_topic(struct kb_cursor *c, const char *topic)
{
	size_t topics = kb_wire_array(c, false, 2 + 4);
	struct kb_slice name = kb_wire_string(c, false);
	size_t partitions = kb_wire_array(c, false, 4 + 2);

	return !c->bad && topics == 1 && partitions == 1 &&
	       name.len == strlen(topic) &&
	       memcmp(name.data, topic, name.len) == 0;
}

static int
malformed(const char *request, const char *topic, int32_t partition)
{
	return kb_err(-EBADMSG, "%s/%d: the answer to %s is malformed", topic,
		partition, request);
}

int
kb_list_offsets_request_put(struct kb_buf *out, const char *topic,
	int32_t partition, int64_t time, enum kb_isolation isolation)
{
	int r = 0;

	r |= kb_buf_put_i32(out, -1); /* replica id: a consumer */
	r |= kb_buf_put_i8(out, isolation == KB_READ_COMMITTED);
	r |= put_partition(out, topic, partition);
	r |= kb_buf_put_i64(out, time);
	return r;
}

int
kb_list_offsets_answer_read(struct kb_slice bytes, const char *topic,
	int32_t partition, int16_t *out_error, int64_t *out_offset)
{
	struct kb_cursor c = kb_cursor_of(bytes);
	bool ours;
	int32_t number;
	int16_t error;
	int64_t offset;

	kb_cursor_i32(&c); /* throttled for */
	ours = read_topic(&c, topic);
	number = kb_cursor_i32(&c);
	error = kb_cursor_i16(&c);
	kb_cursor_i64(&c); /* its timestamp */
	offset = kb_cursor_i64(&c);
	if (c.bad || !ours || number != partition)
		return malformed("ListOffsets", topic, partition);
	*out_error = error;
	*out_offset = offset;
	return 0;
}

int
kb_epoch_end_request_put(struct kb_buf *out, const char *topic,
	int32_t partition, int32_t leader_epoch, int32_t epoch)
{
	int r = 0;

	r |= kb_buf_put_i32(out, -1); /* replica id: a consumer */
	r |= put_partition(out, topic, partition);
	r |= kb_buf_put_i32(out, leader_epoch);
	r |= kb_buf_put_i32(out, epoch);
	return r;
}

int
kb_epoch_end_answer_read(struct kb_slice bytes, const char *topic,
	int32_t partition, int16_t *out_error, int32_t *out_epoch,
	int64_t *out_end)
{
	struct kb_cursor c = kb_cursor_of(bytes);
	bool ours;
	int16_t error;
	int32_t number, epoch;
	int64_t end;

	kb_cursor_i32(&c); /* throttled for */
	ours = read_topic(&c, topic);
	error = kb_cursor_i16(&c);
	number = kb_cursor_i32(&c);
	epoch = kb_cursor_i32(&c);
	end = kb_cursor_i64(&c);
	if (c.bad || !ours || number != partition)
		return malformed("OffsetForLeaderEpoch", topic, partition);
	*out_error = error;
	*out_epoch = epoch;
	*out_end = end;
	return 0;
}

int
kb_init_producer_id_request_put(struct kb_buf *out)
{
	int r = 0;

	r |= kb_wire_put_string(out, false, NULL); /* transactional id */
	r |= kb_buf_put_i32(out, 0);		   /* its timeout: unused */
	return r;
}

int
kb_init_producer_id_answer_read(struct kb_slice bytes, int16_t *out_error,
	int64_t *out_id, int16_t *out_epoch)
{
	struct kb_cursor c = kb_cursor_of(bytes);
	int16_t error, epoch;
	int64_t id;

	kb_cursor_i32(&c); /* throttled for */
	error = kb_cursor_i16(&c);
	id = kb_cursor_i64(&c);
	epoch = kb_cursor_i16(&c);
	if (c.bad)
		return kb_err(-EBADMSG,
			"InitProducerId: an answer of %zu "
			"bytes is malformed",
			bytes.len);
	*out_error = error;
	*out_id = id;
	*out_epoch = epoch;
	return 0;
}
