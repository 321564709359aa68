/*
 * Topics are remembered as they were last seen, for their leaders. Names may
 * be used again by another topic (deleted and created), so what brokers answer
 * by name is trusted, for a caller who gives an id, only while that id has
 * been seen within KB_TOPIC_FRESH_MS.
 *
 * A broker that has just started may know less than the cluster: a topic must
 * be unknown several times, to several brokers where there are several,
 * before it is taken for deleted.
 */
#include "kafka/cluster_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cancel.h"
#include "common/clock.h"
#include "common/err.h"
#include "kafka/conf.h"
#include "kafka/metadata.h"
#include "kafka/status.h"
#include "kafka/topic_cache.h"

/* How often a topic must be unknown before it is taken for deleted. */
#define UNKNOWN_ASKS 5

/* ---- metadata ---- */

int
kb_cluster_call(const struct kb_cluster *c, struct kb_conn *conn,
	enum kb_api api, int version, bool flexible, struct kb_slice body,
	int64_t deadline, struct kb_buf *out)
{
	int64_t until =
		kb_clock_ms() + kb_conf_get_int(c->conf, "request.timeout.ms");
	int32_t id;
	int r;

	if (until > deadline)
		until = deadline;
	r = kb_conn_send(conn, api, version, flexible, body, until, &id);
	return r < 0 ? r : kb_conn_recv(conn, id, flexible, until, out);
}

static int
select_names(
	struct kb_metadata_answer *a, const char *const *names, size_t count)
{
	int r = kb_metadata_select(a->metadata, names, count);

	if (r < 0)
		kb_metadata_answer_release(a);
	return r;
}

/* Asks `any` once. */
static int
ask_metadata_once(struct kb_cluster *c, const char *const *names, size_t count,
	int64_t deadline, struct kb_metadata_answer *out)
{
	struct kb_buf body = {0}, answer = {0};
	bool flexible, all;
	int version, r;

	r = kb_conn_version(c->brokers.any, KB_API_METADATA, KB_METADATA_MIN,
		KB_METADATA_MAX, &version);
	if (r < 0)
		return r;
	version = kb_metadata_version(version);
	flexible = kb_metadata_flexible(version);
	/* Where a name would create the topic, ask for all. */
	all = version < KB_METADATA_NAMES_MIN;
	r = kb_metadata_request_put(&body, version, all ? NULL : names, count);
	if (r == 0)
		r = kb_cluster_call(c, c->brokers.any, KB_API_METADATA, version,
			flexible, kb_buf_slice(&body), deadline, &answer);
	if (r == 0)
		r = kb_metadata_answer_read(
			kb_buf_slice(&answer), version, out);
	if (r == 0 && all && names)
		r = select_names(out, names, count);
	else if (r == -EBADMSG)
		r = kb_err(r, "%s: %s", kb_conn_name(c->brokers.any),
			kb_err_text());
	kb_buf_release(&body);
	kb_buf_release(&answer);
	return r;
}

/*
 * Asks some broker, until the attempt's deadline, and takes over what the
 * answer says of the cluster. out->nodes is then of no use.
 */
static int
ask_metadata(struct kb_cluster *c, const char *const *names, size_t count,
	struct kb_attempt *at, struct kb_metadata_answer *out)
{
	int r;

	for (;;) {
		r = kb_brokers_reach(&c->brokers);
		if (r == 0)
			r = ask_metadata_once(
				c, names, count, at->deadline, out);
		if (r == 0)
			break;
		kb_brokers_drop(&c->brokers);
		if (kb_attempt_is_network(r))
			r = kb_attempt_reconnect(at, r);
		if (r < 0)
			return r;
	}
	r = kb_brokers_take(&c->brokers, out);
	if (r == 0)
		r = kb_topic_cache_learn(
			c->topics, out->metadata, kb_clock_ms());
	if (r < 0)
		kb_metadata_answer_release(out);
	return r;
}

/* Whether asking again soon may show more leaders. */
static bool
is_unsettled(const struct kb_metadata *m)
{
	for (size_t i = 0; i < m->topic_count; i++) {
		const struct kb_metadata_topic *t = &m->topics[i];
		enum kb_status_action a = kb_status_action(t->error);

		if (a == KB_STATUS_RETRY || a == KB_STATUS_REFRESH)
			return true;
		for (size_t k = 0; k < t->partition_count; k++) {
			if (t->partitions[k].leader < 0)
				return true;
		}
	}
	return false;
}

int
kb_cluster_metadata(struct kb_cluster *c, const char *const *names,
	size_t count, struct kb_metadata **out)
{
	struct kb_attempt at;
	struct kb_metadata_answer a = {0};
	int r;

	kb_attempt_start(&at, c->conf, c->cancel);
	r = ask_metadata(c, names, count, &at, &a);
	if (r == 0 && is_unsettled(a.metadata)) {
		kb_metadata_answer_release(&a);
		r = kb_cancel_sleep(c->cancel,
			(int)kb_conf_get_int(c->conf, "retry.backoff.ms"));
		if (r == 0)
			r = ask_metadata(c, names, count, &at, &a);
	}
	if (r == 0) {
		*out = a.metadata;
		a.metadata = NULL;
	}
	kb_metadata_answer_release(&a);
	return r;
}

/* ---- leaders ---- */

/* Asks about one topic; again, and another broker, while it is unknown. */
static int
refresh_topic(struct kb_cluster *c, const char *topic, struct kb_attempt *at,
	const struct kb_metadata_topic **out)
{
	int64_t ms = kb_conf_get_int(c->conf, "retry.backoff.ms");
	int r;

	for (int asks = 1;; asks++) {
		struct kb_metadata_answer a = {0};

		r = ask_metadata(c, &topic, 1, at, &a);
		if (r < 0)
			return r;
		kb_metadata_answer_release(&a);
		*out = kb_topic_cache_find(c->topics, topic, INT64_MIN);
		if (*out &&
			kb_status_action((*out)->error) != KB_STATUS_UNKNOWN)
			return 0;
		if (asks == UNKNOWN_ASKS)
			return kb_err(-ENOENT, "%s: no such topic", topic);
		kb_brokers_drop(&c->brokers);
		r = kb_cancel_sleep(c->cancel, (int)ms);
		if (r < 0)
			return r;
		ms *= 2;
	}
}

static int
check_id(const struct kb_metadata_topic *t, const struct kb_uuid *id)
{
	char was[KB_UUID_TEXT], is[KB_UUID_TEXT];

	if (!id || kb_uuid_is_zero(id) || kb_uuid_is_zero(&t->id) ||
		kb_uuid_equal(id, &t->id))
		return 0;
	kb_uuid_format(id, was);
	kb_uuid_format(&t->id, is);
	return kb_err(-ENOENT,
		"%s: deleted and created again: its id was %s, is %s", t->name,
		was, is);
}

/* The error of a topic as a whole, as -errno. */
static int
check_topic(const struct kb_metadata_topic *t, const struct kb_uuid *id)
{
	const char *name = kb_status_name(t->error);

	switch (kb_status_action(t->error)) {
	case KB_STATUS_OK:
		return check_id(t, id);
	case KB_STATUS_UNKNOWN:
		return kb_err(-ENOENT, "%s: no such topic", t->name);
	case KB_STATUS_FATAL:
	case KB_STATUS_RANGE:
		return kb_err(t->error == 29 ? -EACCES : -EIO,
			"%s: the cluster answers %s", t->name, name);
	default:
		return kb_err(
			-EAGAIN, "%s: the cluster answers %s", t->name, name);
	}
}

static int
find_leader(const struct kb_cluster *c, const struct kb_metadata_topic *t,
	int32_t partition, int32_t *out_node, int32_t *out_epoch)
{
	const struct kb_metadata_partition *p = NULL;

	if (partition >= 0 && (size_t)partition < t->partition_count &&
		t->partitions[partition].partition == partition)
		p = &t->partitions[partition]; /* none is missing below it */
	for (size_t i = 0; i < t->partition_count && !p; i++) {
		if (t->partitions[i].partition == partition)
			p = &t->partitions[i];
	}
	if (!p)
		return kb_err(-ENOENT,
			"%s/%d: no such partition, the topic has %zu", t->name,
			partition, t->partition_count);
	if (p->leader < 0)
		return kb_err(-EAGAIN, "%s/%d: no leader now (%s)", t->name,
			partition, kb_status_name(p->error));
	if (!kb_brokers_find(&c->brokers, p->leader))
		return kb_err(-EAGAIN,
			"%s/%d: its leader, node %d, is not "
			"there now",
			t->name, partition, p->leader);
	*out_node = p->leader;
	*out_epoch = p->leader_epoch;
	return 0;
}

int
kb_cluster_find_leader(struct kb_cluster *c, const char *topic,
	const struct kb_uuid *id, int32_t partition, bool refresh,
	struct kb_attempt *at, int32_t *out_node, int32_t *out_epoch)
{
	const struct kb_metadata_topic *t;
	int r = 0;

	t = kb_topic_cache_find(c->topics, topic, INT64_MIN);
	if (!t || refresh || t->error)
		r = refresh_topic(c, topic, at, &t);
	if (r == 0)
		r = check_topic(t, id);
	if (r == 0)
		r = find_leader(c, t, partition, out_node, out_epoch);
	return r;
}

int
kb_cluster_leader(struct kb_cluster *c, const char *topic,
	const struct kb_uuid *id, int32_t partition, bool refresh,
	int32_t *out_node, int32_t *out_epoch)
{
	struct kb_attempt at;

	kb_attempt_start(&at, c->conf, c->cancel);
	return kb_cluster_find_leader(
		c, topic, id, partition, refresh, &at, out_node, out_epoch);
}

int
kb_cluster_confirm(struct kb_cluster *c, const char *topic,
	const struct kb_uuid *id, struct kb_attempt *at)
{
	const struct kb_metadata_topic *t;
	int r = 0;

	if (!id || kb_uuid_is_zero(id))
		return 0;
	t = kb_topic_cache_find(
		c->topics, topic, kb_clock_ms() - KB_TOPIC_FRESH_MS);
	if (!t)
		r = refresh_topic(c, topic, at, &t);
	return r < 0 ? r : check_topic(t, id);
}

int
kb_cluster_connect(struct kb_cluster *c, int32_t node, struct kb_conn **out)
{
	return kb_brokers_connect(&c->brokers, node, out);
}

/* ---- opening and closing ---- */

/* Reaches the first bootstrap server that answers; one round of all. */
static int
first_contact(struct kb_cluster *c)
{
	static const char *const none[1];
	struct kb_metadata_answer a = {0};
	struct kb_attempt at;
	int r;

	kb_attempt_start(&at, c->conf, c->cancel);
	r = kb_brokers_reach(&c->brokers);
	if (r < 0 && c->brokers.bootstrap.count > 1)
		r = kb_err(r,
			"none of %zu bootstrap servers could be "
			"reached; the last: %s",
			c->brokers.bootstrap.count, kb_err_text());
	if (r == 0)
		r = ask_metadata(c, none, 0, &at, &a);
	if (r < 0)
		return r;
	c->id = a.cluster_id;
	a.cluster_id = NULL;
	kb_metadata_answer_release(&a);
	return 0;
}

int
kb_cluster_open(const struct kb_conf *conf, struct kb_cancel *cancel,
	struct kb_cluster **out)
{
	struct kb_cluster *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return kb_err(-ENOMEM, "out of memory");
	c->conf = conf;
	c->cancel = cancel;
	r = kb_brokers_init(&c->brokers, conf, cancel);
	if (r == 0)
		r = kb_topic_cache_new(&c->topics);
	if (r == 0)
		r = first_contact(c);
	if (r < 0) {
		kb_cluster_close(c);
		return r;
	}
	*out = c;
	return 0;
}

void
kb_cluster_close(struct kb_cluster *c)
{
	if (!c)
		return;
	kb_brokers_release(&c->brokers);
	kb_topic_cache_free(c->topics);
	free(c->id);
	free(c);
}

const struct kb_conf *
kb_cluster_conf(const struct kb_cluster *c)
{
	return c->conf;
}

struct kb_cancel *
kb_cluster_cancel(const struct kb_cluster *c)
{
	return c->cancel;
}

const char *
kb_cluster_id(const struct kb_cluster *c)
{
	return c->id ? c->id : "";
}
