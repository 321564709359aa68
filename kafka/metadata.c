/*
 * One reader for all versions: fields that a version lacks are stepped over.
 * The claim of an array is compared with the bytes left before it sizes an
 * allocation (kb_wire_array), and an item is counted only once it is whole, so
 * that releasing what was read so far is always right.
 */
#include "kafka/metadata.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cursor.h"
#include "common/err.h"
#include "kafka/cluster.h"
#include "kafka/wire.h"

/* ---- requests ---- */

static int
put_topic(struct kb_buf *out, int version, const char *name)
{
	static const struct kb_uuid none;
	bool flexible = kb_metadata_flexible(version);
	int r = 0;

	if (version >= 10)
		r |= kb_buf_put(out, none.b, sizeof(none.b));
	r |= kb_wire_put_string(out, flexible, name);
	r |= kb_wire_put_tags(out, flexible);
	return r;
}

int
kb_metadata_request_put(
	struct kb_buf *out, int version, const char *const *names, size_t count)
{
	bool flexible = kb_metadata_flexible(version);
	int r = 0;

	if (names && version < KB_METADATA_NAMES_MIN)
		return kb_err(-EINVAL,
			"metadata version %d would create topics", version);
	if (names)
		r |= kb_wire_put_array(out, flexible, count);
	else
		r |= kb_wire_put_null_array(out, flexible);
	for (size_t i = 0; names && i < count; i++)
		r |= put_topic(out, version, names[i]);
	if (version >= 4)
		r |= kb_buf_put_i8(out, 0); /* create no topic */
	if (version >= 8 && version <= 10)
		r |= kb_buf_put_i8(out, 0); /* no rights of the cluster */
	if (version >= 8)
		r |= kb_buf_put_i8(out, 0); /* no rights of topics */
	r |= kb_wire_put_tags(out, flexible);
	return r;
}

/* ---- answers ---- */

static int
malformed(const char *what)
{
	return kb_err(-EBADMSG, "Metadata: %s", what);
}

/* An array of zeroed items; *out NULL when count is 0. */
static int
items_new(size_t count, size_t size, void *out)
{
	void *p = NULL;

	if (count > 0) {
		p = calloc(count, size);
		if (!p)
			return kb_err(
				-ENOMEM, "out of memory: %zu items", count);
	}
	memcpy(out, &p, sizeof(p));
	return 0;
}

static int
read_nodes(struct kb_cursor *c, bool flexible, struct kb_metadata_answer *a)
{
	size_t count = kb_wire_array(c, flexible, 4 + 1 + 4 + 1);
	int r = items_new(count, sizeof(*a->nodes), &a->nodes);

	while (r == 0 && a->node_count < count) {
		struct kb_metadata_node *n = &a->nodes[a->node_count];
		struct kb_slice host;

		n->id = kb_cursor_i32(c);
		host = kb_wire_string(c, flexible);
		n->port = kb_cursor_i32(c);
		kb_wire_string(c, flexible); /* rack */
		kb_wire_tags(c, flexible);
		if (c->bad || !host.data)
			return malformed("a broker is malformed");
		r = kb_wire_copy(host, &n->host);
		if (r == 0)
			a->node_count++;
	}
	return r;
}

/* Steps over an array of node ids; tells how many there are. */
static int32_t
skip_nodes(struct kb_cursor *c, bool flexible)
{
	size_t count = kb_wire_array(c, flexible, 4);

	kb_cursor_take(c, 4 * (uint64_t)count);
	return (int32_t)count;
}

static void
read_partition(
	struct kb_cursor *c, int version, struct kb_metadata_partition *p)
{
	bool flexible = kb_metadata_flexible(version);

	p->error = kb_cursor_i16(c);
	p->partition = kb_cursor_i32(c);
	p->leader = kb_cursor_i32(c);
	p->leader_epoch = version >= 7 ? kb_cursor_i32(c) : -1;
	p->replicas = skip_nodes(c, flexible);
	skip_nodes(c, flexible); /* in sync */
	if (version >= 5)
		skip_nodes(c, flexible); /* offline */
	kb_wire_tags(c, flexible);
}

static int
by_number(const void *a, const void *b)
{
	const struct kb_metadata_partition *p = a, *q = b;

	return (p->partition > q->partition) - (p->partition < q->partition);
}

static int
read_partitions(struct kb_cursor *c, int version, struct kb_metadata_topic *t)
{
	bool flexible = kb_metadata_flexible(version);
	size_t count = kb_wire_array(c, flexible, 2 + 4 + 4 + 1 + 1);
	struct kb_metadata_partition *p;
	int r = items_new(count, sizeof(*p), &t->partitions);

	if (r < 0)
		return r;
	p = t->partitions;
	t->partition_count = count;
	for (size_t i = 0; i < count; i++)
		read_partition(c, version, &p[i]);
	if (count > 0)
		qsort(p, count, sizeof(*p), by_number);
	for (size_t i = 0; i < count; i++) {
		if (c->bad || p[i].partition < 0 ||
			(i > 0 && p[i].partition == p[i - 1].partition))
			return malformed("a partition is malformed");
	}
	return 0;
}

static int
read_topic(struct kb_cursor *c, int version, struct kb_metadata_topic *t)
{
	bool flexible = kb_metadata_flexible(version);
	struct kb_slice name;
	const uint8_t *id;
	int r;

	t->error = kb_cursor_i16(c);
	name = kb_wire_string(c, flexible);
	id = version >= 10 ? kb_cursor_take(c, sizeof(t->id.b)) : NULL;
	if (id)
		memcpy(t->id.b, id, sizeof(t->id.b));
	t->internal = kb_cursor_i8(c) != 0;
	if (c->bad || !name.data)
		return malformed("a topic is malformed");
	r = kb_wire_copy(name, &t->name);
	if (r == 0)
		r = read_partitions(c, version, t);
	if (version >= 8)
		kb_cursor_i32(c); /* rights */
	kb_wire_tags(c, flexible);
	return r;
}

static int
by_name(const void *a, const void *b)
{
	const struct kb_metadata_topic *s = a, *t = b;

	return strcmp(s->name, t->name);
}

static int
read_topics(struct kb_cursor *c, int version, struct kb_metadata *m)
{
	size_t count =
		kb_wire_array(c, kb_metadata_flexible(version), 2 + 1 + 1 + 1);
	int r = items_new(count, sizeof(*m->topics), &m->topics);

	while (r == 0 && m->topic_count < count)
		r = read_topic(c, version, &m->topics[m->topic_count++]);
	if (r < 0)
		return r;
	if (count > 0)
		qsort(m->topics, count, sizeof(*m->topics), by_name);
	for (size_t i = 1; i < count; i++) {
		if (by_name(&m->topics[i - 1], &m->topics[i]) == 0)
			return malformed("a topic comes twice");
	}
	return 0;
}

static int
read_answer(struct kb_cursor *c, int version, struct kb_metadata_answer *a)
{
	bool flexible = kb_metadata_flexible(version);
	struct kb_slice id = {NULL, 0};
	int r;

	if (version >= 3)
		kb_cursor_i32(c); /* throttled for */
	r = read_nodes(c, flexible, a);
	if (r < 0)
		return r;
	if (version >= 2)
		id = kb_wire_string(c, flexible);
	if (id.data)
		r = kb_wire_copy(id, &a->cluster_id);
	if (r < 0)
		return r;
	kb_cursor_i32(c); /* the controller */
	r = read_topics(c, version, a->metadata);
	if (r < 0)
		return r;
	if (version >= 8 && version <= 10)
		kb_cursor_i32(c); /* rights */
	kb_wire_tags(c, flexible);
	return c->bad ? malformed("the answer is cut short") : 0;
}

int
kb_metadata_answer_read(
	struct kb_slice bytes, int version, struct kb_metadata_answer *out)
{
	struct kb_metadata_answer a = {0};
	struct kb_cursor c = kb_cursor_of(bytes);
	int r;

	a.metadata = calloc(1, sizeof(*a.metadata));
	if (!a.metadata)
		return kb_err(-ENOMEM, "out of memory");
	r = read_answer(&c, version, &a);
	if (r < 0) {
		kb_metadata_answer_release(&a);
		return r;
	}
	*out = a;
	return 0;
}

void
kb_metadata_answer_release(struct kb_metadata_answer *a)
{
	for (size_t i = 0; i < a->node_count; i++)
		free(a->nodes[i].host);
	free(a->nodes);
	free(a->cluster_id);
	kb_metadata_free(a->metadata);
	*a = (struct kb_metadata_answer){0};
}

static bool
is_named(const char *name, const char *const *names, size_t count)
{
	size_t i = 0;

	while (i < count && strcmp(name, names[i]) != 0)
		i++;
	return i < count;
}

static void
topic_release(struct kb_metadata_topic *t)
{
	free(t->name);
	free(t->partitions);
}

int
kb_metadata_select(
	struct kb_metadata *m, const char *const *names, size_t count)
{
	struct kb_metadata_topic *topics;
	size_t kept = 0;

	for (size_t i = 0; i < m->topic_count; i++) {
		if (is_named(m->topics[i].name, names, count))
			m->topics[kept++] = m->topics[i];
		else
			topic_release(&m->topics[i]);
	}
	m->topic_count = kept;
	topics = realloc(m->topics, (kept + count + 1) * sizeof(*topics));
	if (!topics)
		return kb_err(-ENOMEM, "out of memory: %zu topics", count);
	m->topics = topics;
	for (size_t i = 0; i < count; i++) {
		struct kb_metadata_topic t = {.error = 3};

		if (kb_metadata_find(m, names[i]))
			continue;
		t.name = strdup(names[i]);
		if (!t.name)
			return kb_err(-ENOMEM, "out of memory");
		topics[m->topic_count++] = t;
		qsort(topics, m->topic_count, sizeof(*topics), by_name);
	}
	return 0;
}

/* ---- struct kb_metadata (kafka/cluster.h) ---- */

void
kb_metadata_free(struct kb_metadata *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->topic_count; i++)
		topic_release(&m->topics[i]);
	free(m->topics);
	free(m);
}

const struct kb_metadata_topic *
kb_metadata_find(const struct kb_metadata *m, const char *name)
{
	struct kb_metadata_topic key = {.name = (char *)(uintptr_t)name};

	if (m->topic_count == 0)
		return NULL;
	return bsearch(
		&key, m->topics, m->topic_count, sizeof(*m->topics), by_name);
}
