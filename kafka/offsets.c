/*
 * Questions about partitions. An answer must be about each of them, once, and
 * about nothing else; brokers answer what they were asked.
 */
#include "kafka/offsets.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "common/cursor.h"
#include "common/err.h"
#include "kafka/wire.h"

/* Kafka's own limit is 249. */
#define TOPIC_SIZE 256

int
kb_question_compare(const struct kb_question *a, const struct kb_question *b)
{
	int order = strcmp(a->topic, b->topic);

	if (order)
		return order;
	return (a->partition > b->partition) - (a->partition < b->partition);
}

/* ---- requests ---- */

/* How many of the questions, from the first on, are about its topic. */
static size_t
same_topic(struct kb_question *const *questions, size_t count)
{
	size_t n = 0;

	while (n < count && !strcmp(questions[n]->topic, questions[0]->topic))
		n++;
	return n;
}

/* The questions by topic, the fields of each put by `put`. */
static int
put_questions(struct kb_buf *out, struct kb_question *const *questions,
	size_t count, int (*put)(struct kb_buf *, const struct kb_question *))
{
	size_t topics = 0;
	int r = 0;

	for (size_t i = 0; i < count; topics++)
		i += same_topic(questions + i, count - i);
	r |= kb_wire_put_array(out, false, topics);
	for (size_t i = 0; i < count;) {
		size_t n = same_topic(questions + i, count - i);

		r |= kb_wire_put_string(out, false, questions[i]->topic);
		r |= kb_wire_put_array(out, false, n);
		for (; n; n--, i++) {
			r |= kb_buf_put_i32(out, questions[i]->partition);
			r |= put(out, questions[i]);
		}
	}
	return r;
}

static int
put_time(struct kb_buf *out, const struct kb_question *q)
{
	return kb_buf_put_i64(out, q->time);
}

static int
put_epochs(struct kb_buf *out, const struct kb_question *q)
{
	int r = kb_buf_put_i32(out, q->leader_epoch);

	return r | kb_buf_put_i32(out, q->epoch);
}

int
kb_list_offsets_request_put(struct kb_buf *out,
	struct kb_question *const *questions, size_t count,
	enum kb_isolation isolation)
{
	int r = 0;

	r |= kb_buf_put_i32(out, -1); /* replica id: a consumer */
	r |= kb_buf_put_i8(out, isolation == KB_READ_COMMITTED);
	r |= put_questions(out, questions, count, put_time);
	return r;
}

int
kb_epoch_end_request_put(
	struct kb_buf *out, struct kb_question *const *questions, size_t count)
{
	int r = 0;

	r |= kb_buf_put_i32(out, -1); /* replica id: a consumer */
	r |= put_questions(out, questions, count, put_epochs);
	return r;
}

/* ---- answers ---- */

/* NULL: that was not asked. */
static struct kb_question *
find_question(struct kb_question *const *questions, size_t count,
	const char *topic, int32_t partition)
{
	struct kb_question wanted = {.topic = topic, .partition = partition};
	size_t lo = 0, hi = count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int order = kb_question_compare(&wanted, questions[mid]);

		if (order == 0)
			return questions[mid];
		if (order > 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

/* A partition's fields of an answer. */
struct answer {
	int32_t partition;
	int16_t error;
	int32_t epoch;
	int64_t offset;
};

static void
read_offset(struct kb_cursor *c, struct answer *out)
{
	out->partition = kb_cursor_i32(c);
	out->error = kb_cursor_i16(c);
	kb_cursor_i64(c); /* its timestamp */
	out->offset = kb_cursor_i64(c);
}

static void
read_epoch_end(struct kb_cursor *c, struct answer *out)
{
	out->error = kb_cursor_i16(c);
	out->partition = kb_cursor_i32(c);
	out->epoch = kb_cursor_i32(c);
	out->offset = kb_cursor_i64(c);
}

/* False: it is about something else, or comes twice. */
static bool
take_answer(struct kb_question *const *questions, size_t count,
	const char *topic, const struct answer *a)
{
	struct kb_question *q =
		find_question(questions, count, topic, a->partition);

	if (!q || q->answered)
		return false;
	q->answered = true;
	q->error = a->error;
	q->offset = a->offset;
	q->ends = a->epoch;
	return true;
}

/* Of one topic; false as above. */
static bool
read_topic(struct kb_cursor *c, struct kb_question *const *questions,
	size_t count, void (*read)(struct kb_cursor *, struct answer *))
{
	struct kb_slice name = kb_wire_string(c, false);
	size_t partitions = kb_wire_array(c, false, 4 + 2);
	char topic[TOPIC_SIZE];

	if (c->bad || !name.data || name.len >= sizeof(topic) ||
		memchr(name.data, '\0', name.len))
		return false;
	memcpy(topic, name.data, name.len);
	topic[name.len] = '\0';
	for (; partitions; partitions--) {
		struct answer a = {.epoch = -1};

		read(c, &a);
		if (c->bad || !take_answer(questions, count, topic, &a))
			return false;
	}
	return true;
}

static int
read_answer(struct kb_slice bytes, struct kb_question *const *questions,
	size_t count, const char *request,
	void (*read)(struct kb_cursor *, struct answer *))
{
	struct kb_cursor c = kb_cursor_of(bytes);
	bool good = true;
	size_t topics;

	for (size_t i = 0; i < count; i++)
		questions[i]->answered = false;
	kb_cursor_i32(&c); /* throttled for */
	topics = kb_wire_array(&c, false, 2 + 4);
	for (; good && topics; topics--)
		good = read_topic(&c, questions, count, read);
	for (size_t i = 0; good && i < count; i++)
		good = questions[i]->answered;
	if (good && !c.bad)
		return 0;
	return kb_err(-EBADMSG, "%s/%d: the answer to %s is malformed",
		questions[0]->topic, questions[0]->partition, request);
}

int
kb_list_offsets_answer_read(struct kb_slice bytes,
	struct kb_question *const *questions, size_t count)
{
	return read_answer(bytes, questions, count, "ListOffsets", read_offset);
}

int
kb_epoch_end_answer_read(struct kb_slice bytes,
	struct kb_question *const *questions, size_t count)
{
	return read_answer(bytes, questions, count, "OffsetForLeaderEpoch",
		read_epoch_end);
}

/* ---- producer ids ---- */

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
