/*
 * One reader and one writer serve all versions: what a version lacks is
 * skipped field by field, and the flexible encoding (KIP-482) differs only in
 * how lengths are written and in the tagged fields that end each structure.
 * The reader walks in place and allocates nothing, so a count is only a
 * promise that the bytes have to keep.
 */
#include "kafka/fetch.h"

#include <errno.h>

#include "common/err.h"
#include "kafka/wire.h"

/* The fewest bytes that these take, in any version. */
#define TOPIC_LEAST 6
#define PARTITION_LEAST 24
#define ABORTED_SIZE 16

/* ---- requests ---- */

static int
put_head(struct kb_buf *out, int version, const struct kb_fetch_limits *l)
{
	int r = 0;

	if (version < 15)
		r = kb_buf_put_i32(out, -1); /* replica id: a consumer */
	if (!r)
		r = kb_buf_put_i32(out, l->max_wait_ms);
	if (!r)
		r = kb_buf_put_i32(out, l->min_bytes);
	if (!r)
		r = kb_buf_put_i32(out, l->max_bytes);
	if (!r)
		r = kb_buf_put_i8(out, l->isolation == KB_READ_COMMITTED);
	if (!r && version >= 7)
		r = kb_buf_put_i32(out, 0); /* session id: none */
	if (!r && version >= 7)
		r = kb_buf_put_i32(out, -1); /* session epoch: none */
	return r;
}

static int
put_topic(struct kb_buf *out, int version, const struct kb_fetch_want *w)
{
	if (kb_fetch_by_id(version))
		return kb_buf_put(out, w->id->b, sizeof(w->id->b));
	return kb_wire_put_string(out, kb_fetch_flexible(version), w->topic);
}

static int
put_want(struct kb_buf *out, int version, const struct kb_fetch_want *w)
{
	int r = kb_buf_put_i32(out, w->partition);

	if (!r && version >= 9)
		r = kb_buf_put_i32(out, w->leader_epoch);
	if (!r)
		r = kb_buf_put_i64(out, w->offset);
	if (!r && version >= 12)
		r = kb_buf_put_i32(out, -1); /* last fetched epoch */
	if (!r && version >= 5)
		r = kb_buf_put_i64(out, -1); /* log start: followers' */
	if (!r)
		r = kb_buf_put_i32(out, w->max_bytes);
	return r ? r : kb_wire_put_tags(out, kb_fetch_flexible(version));
}

static bool
same_topic(const struct kb_fetch_want *a, const struct kb_fetch_want *b)
{
	return a->topic == b->topic || strcmp(a->topic, b->topic) == 0;
}

/* Length of the run of neighbours of one topic at the front. */
static size_t
topic_run(const struct kb_fetch_want *wants, size_t count)
{
	size_t n = 1;

	while (n < count && same_topic(&wants[n], &wants[0]))
		n++;
	return n;
}

static size_t
count_topics(const struct kb_fetch_want *wants, size_t count)
{
	size_t n = 0;

	for (size_t i = 0; i < count; n++)
		i += topic_run(wants + i, count - i);
	return n;
}

static int
put_topic_run(struct kb_buf *out, int version, const struct kb_fetch_want *w,
	size_t count)
{
	int r = put_topic(out, version, w);

	if (!r)
		r = kb_wire_put_array(out, kb_fetch_flexible(version), count);
	for (size_t i = 0; !r && i < count; i++)
		r = put_want(out, version, &w[i]);
	return r ? r : kb_wire_put_tags(out, kb_fetch_flexible(version));
}

int
kb_fetch_request_put(struct kb_buf *out, int version,
	const struct kb_fetch_limits *limits, const struct kb_fetch_want *wants,
	size_t count)
{
	size_t n;
	int r = put_head(out, version, limits);

	if (!r)
		r = kb_wire_put_array(out, kb_fetch_flexible(version),
			count_topics(wants, count));
	for (size_t i = 0; !r && i < count; i += n) {
		n = topic_run(wants + i, count - i);
		r = put_topic_run(out, version, wants + i, n);
	}
	if (!r && version >= 7)
		r = kb_wire_put_array(
			out, kb_fetch_flexible(version), 0); /* forgotten */
	if (!r && version >= 11)
		r = kb_wire_put_string(out, kb_fetch_flexible(version),
			limits->rack ? limits->rack : "");
	return r ? r : kb_wire_put_tags(out, kb_fetch_flexible(version));
}

/* ---- answers ---- */

/* The length of bytes: -1 null. Never below. */
static int64_t
take_length(struct kb_cursor *c, int version)
{
	int64_t n;

	if (kb_fetch_flexible(version)) {
		uint64_t u = kb_cursor_uvarint(c);

		n = u > INT32_MAX ? -2 : (int64_t)u - 1;
	} else {
		n = kb_cursor_i32(c);
	}
	if (n < -1)
		c->bad = true;
	return c->bad ? -1 : n;
}

static void
take_topic(struct kb_fetch_answer *a)
{
	const uint8_t *id;

	if (!kb_fetch_by_id(a->version)) {
		a->topic = kb_wire_string(&a->at, false);
		if (!a->topic.data)
			a->at.bad = true;
	} else {
		id = kb_cursor_take(&a->at, sizeof(a->id.b));
		if (id)
			memcpy(a->id.b, id, sizeof(a->id.b));
	}
	a->partitions_left = kb_wire_array(
		&a->at, kb_fetch_flexible(a->version), PARTITION_LEAST);
}

static void
take_partition(struct kb_fetch_answer *a, struct kb_fetched *f)
{
	struct kb_cursor *c = &a->at;

	f->partition = kb_cursor_i32(c);
	f->error = kb_cursor_i16(c);
	f->high_watermark = kb_cursor_i64(c);
	f->last_stable = kb_cursor_i64(c);
	f->log_start = a->version >= 5 ? kb_cursor_i64(c) : -1;
	f->aborted_count =
		kb_wire_array(c, kb_fetch_flexible(a->version), ABORTED_SIZE);
	f->aborted.data = c->at;
	for (uint32_t i = 0; i < f->aborted_count && !c->bad; i++) {
		kb_cursor_take(c, ABORTED_SIZE);
		kb_wire_tags(c, kb_fetch_flexible(a->version));
	}
	f->aborted.len = (size_t)(c->at - f->aborted.data);
	f->preferred = a->version >= 11 ? kb_cursor_i32(c) : -1;
	f->records = kb_cursor_bytes(c, take_length(c, a->version));
	kb_wire_tags(c, kb_fetch_flexible(a->version));
}

int
kb_fetch_answer_init(
	struct kb_fetch_answer *a, int version, struct kb_slice bytes)
{
	*a = (struct kb_fetch_answer){0};
	a->version = version;
	a->at = kb_cursor_of(bytes);
	a->throttle_ms = kb_cursor_i32(&a->at);
	if (version >= 7) {
		a->error = kb_cursor_i16(&a->at);
		kb_cursor_i32(&a->at); /* session id */
	}
	a->topics_left =
		kb_wire_array(&a->at, kb_fetch_flexible(version), TOPIC_LEAST);
	if (a->at.bad)
		return kb_err(-EBADMSG, "fetch answer: cut short in its head");
	return 0;
}

/* To the next partition: over the ends of topics that have no more. */
static bool
find_partition(struct kb_fetch_answer *a)
{
	while (!a->partitions_left && !a->at.bad) {
		if (a->in_topic)
			kb_wire_tags(&a->at, kb_fetch_flexible(a->version));
		a->in_topic = a->topics_left;
		if (!a->topics_left)
			return false;
		a->topics_left--;
		take_topic(a);
	}
	return !a->at.bad;
}

static int
finish(struct kb_fetch_answer *a)
{
	if (a->at.bad)
		return kb_err(-EBADMSG, "fetch answer: malformed");
	kb_wire_tags(&a->at, kb_fetch_flexible(a->version));
	if (a->at.bad || kb_cursor_left(&a->at))
		return kb_err(-EBADMSG, "fetch answer: %zu bytes left over",
			kb_cursor_left(&a->at));
	return 1;
}

int
kb_fetch_answer_next(struct kb_fetch_answer *a, struct kb_fetched *out)
{
	if (!find_partition(a))
		return finish(a);
	a->partitions_left--;
	*out = (struct kb_fetched){
		.topic = a->topic, .id = a->id, .version = a->version};
	take_partition(a, out);
	if (a->at.bad)
		return kb_err(-EBADMSG, "fetch answer: malformed partition");
	return 0;
}

void
kb_fetched_aborted(const struct kb_fetched *f, struct kb_aborted *out)
{
	struct kb_cursor c = kb_cursor_of(f->aborted);

	for (uint32_t i = 0; i < f->aborted_count; i++) {
		out[i].producer_id = kb_cursor_i64(&c);
		out[i].first_offset = kb_cursor_i64(&c);
		kb_wire_tags(&c, kb_fetch_flexible(f->version));
	}
}

/*
 * A decoded entry is no longer than an encoded one, so none is overwritten
 * before it was read; and before the first lie the partition's offsets, which
 * leave room for alignment.
 */
struct kb_aborted *
kb_fetched_in_place(const struct kb_fetched *f)
{
	uintptr_t at = (uintptr_t)f->aborted.data;

	_Static_assert(sizeof(struct kb_aborted) == ABORTED_SIZE, "in place");
	return (struct kb_aborted *)(at & ~(uintptr_t)(sizeof(int64_t) - 1));
}
