/*
 * All versions used here write the same request; answers grow by a field now
 * and then. A request names one partition, so an answer that names another,
 * or more, is damage.
 */
#include "kafka/produce.h"

#include <errno.h>
#include <stdbool.h>

#include "common/cursor.h"
#include "common/err.h"
#include "kafka/wire.h"

#define ACKS_ALL (-1)

int
kb_produce_request_put(struct kb_buf *out, const char *topic, int32_t partition,
	int32_t timeout_ms, struct kb_slice batch)
{
	int r = kb_wire_put_string(out, false, NULL); /* transactional id */

	if (!r)
		r = kb_buf_put_i16(out, ACKS_ALL);
	if (!r)
		r = kb_buf_put_i32(out, timeout_ms);
	if (!r)
		r = kb_buf_put_i32(out, 1); /* topics */
	if (!r)
		r = kb_wire_put_string(out, false, topic);
	if (!r)
		r = kb_buf_put_i32(out, 1); /* partitions */
	if (!r)
		r = kb_buf_put_i32(out, partition);
	if (!r)
		r = kb_buf_put_i32(out, (int32_t)batch.len);
	return r ? r : kb_buf_put(out, batch.data, batch.len);
}

static bool
names_partition(struct kb_cursor *c, const char *topic, int32_t partition)
{
	struct kb_slice name;

	if (kb_cursor_i32(c) != 1)
		return false;
	name = kb_wire_string(c, false);
	if (!name.data || name.len != strlen(topic) ||
		memcmp(name.data, topic, name.len))
		return false;
	return kb_cursor_i32(c) == 1 && kb_cursor_i32(c) == partition;
}

/* Prefers what is said about a record to what is said about the batch. */
static struct kb_slice
take_words(struct kb_cursor *c)
{
	struct kb_slice record = {NULL, 0}, batch;
	int32_t n = kb_cursor_i32(c);

	for (; n > 0 && !c->bad; n--) {
		kb_cursor_i32(c); /* index in the batch */
		record = kb_wire_string(c, false);
	}
	batch = kb_wire_string(c, false);
	return record.data ? record : batch;
}

int
kb_produce_answer_read(struct kb_slice bytes, int version, const char *topic,
	int32_t partition, struct kb_produced *out)
{
	struct kb_cursor c = kb_cursor_of(bytes);
	struct kb_produced p = {0};

	if (!names_partition(&c, topic, partition))
		return kb_err(-EBADMSG,
			"produce answer: not about %s/%d, which was sent",
			topic, partition);
	p.error = kb_cursor_i16(&c);
	p.base_offset = kb_cursor_i64(&c);
	kb_cursor_i64(&c); /* log append time */
	if (version >= 5)
		kb_cursor_i64(&c); /* log start */
	if (version >= 8)
		p.words = take_words(&c);
	p.throttle_ms = kb_cursor_i32(&c);
	if (c.bad || kb_cursor_left(&c))
		return kb_err(-EBADMSG, "produce answer: malformed");
	*out = p;
	return 0;
}
