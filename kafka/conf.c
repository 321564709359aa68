/*
 * librdkafka parses and checks the values; this file knows which of its
 * properties our own connections honour. The check compares a dump of what the
 * user set with a dump of a fresh configuration, so that a property which
 * librdkafka learns tomorrow is refused until somebody adds it to the table.
 *
 * Values of the table are copied out after each change, for lookups without
 * allocation.
 */
#include "kafka/conf.h"

#include <assert.h>
#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/file.h"

/* The largest property file that is read. */
#define FILE_MAX (1 << 20)

/* Names as rd_kafka_conf_dump() gives them. */
static const struct property {
	const char *name;
	const char *alias; /* NULL: none */
	const char *ours;  /* our default, NULL: librdkafka's */
} honoured[] = {
	{"metadata.broker.list", "bootstrap.servers", NULL},
	{"client.id", NULL, "kbakfs"},
	{"client.rack", NULL, NULL},
	{"security.protocol", NULL, NULL},
	{"broker.address.family", NULL, NULL},
	{"socket.timeout.ms", NULL, NULL},
	{"socket.connection.setup.timeout.ms", NULL, NULL},
	{"socket.send.buffer.bytes", NULL, NULL},
	{"socket.receive.buffer.bytes", NULL, NULL},
	{"socket.keepalive.enable", NULL, NULL},
	{"socket.nagle.disable", NULL, "true"},
	{"reconnect.backoff.ms", NULL, NULL},
	{"reconnect.backoff.max.ms", NULL, NULL},
	{"retry.backoff.ms", NULL, NULL},
	{"receive.message.max.bytes", NULL, NULL},
	{"message.max.bytes", NULL, NULL},
	{"fetch.message.max.bytes", "max.partition.fetch.bytes", "4194304"},
	{"fetch.max.bytes", NULL, "16777216"},
	{"fetch.min.bytes", NULL, NULL},
	{"fetch.wait.max.ms", NULL, NULL},
	{"request.timeout.ms", NULL, NULL},
	{"message.timeout.ms", NULL, NULL},
};

#define HONOURED (sizeof(honoured) / sizeof(*honoured))

struct kb_conf {
	rd_kafka_conf_t *rk;
	char *values[HONOURED];
};

/* The index in the table, or HONOURED. */
static size_t
find(const char *name)
{
	size_t i;

	for (i = 0; i < HONOURED; i++) {
		if (!strcmp(name, honoured[i].name))
			break;
		if (honoured[i].alias && !strcmp(name, honoured[i].alias))
			break;
	}
	return i;
}

static int
copy_value(struct kb_conf *c, size_t i)
{
	size_t size = 0;
	char *value;

	/* An unset string is not known; a set one tells its size. */
	if (rd_kafka_conf_get(c->rk, honoured[i].name, NULL, &size) !=
		RD_KAFKA_CONF_OK)
		size = 1;
	value = calloc(1, size);
	if (!value)
		return kb_err(-ENOMEM, "out of memory: %zu bytes", size);
	if (size > 1)
		rd_kafka_conf_get(c->rk, honoured[i].name, value, &size);
	free(c->values[i]);
	c->values[i] = value;
	return 0;
}

int
kb_conf_new(struct kb_conf **out)
{
	struct kb_conf *c = calloc(1, sizeof(*c));
	int r = 0;

	if (!c)
		return kb_err(-ENOMEM, "out of memory");
	c->rk = rd_kafka_conf_new();
	/* Without one, rd_kafka_conf_get() knows no topic properties. */
	rd_kafka_conf_set_default_topic_conf(c->rk, rd_kafka_topic_conf_new());
	for (size_t i = 0; i < HONOURED && r == 0; i++) {
		if (honoured[i].ours)
			r = kb_conf_set(c, honoured[i].name, honoured[i].ours);
		else
			r = copy_value(c, i);
	}
	if (r < 0) {
		kb_conf_free(c);
		return r;
	}
	*out = c;
	return 0;
}

void
kb_conf_free(struct kb_conf *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < HONOURED; i++)
		free(c->values[i]);
	rd_kafka_conf_destroy(c->rk);
	free(c);
}

static bool
ends_in(const char *s, const char *end)
{
	size_t n = strlen(s), k = strlen(end);

	return n >= k && !strcmp(s + n - k, end);
}

/* librdkafka reads `15s` as 15; numbers here are nothing but numbers. */
static int
check_number(const char *name, const char *value)
{
	char *end;

	if (!ends_in(name, ".ms") && !ends_in(name, ".bytes"))
		return 0;
	strtoll(value, &end, 0);
	if (end == value || *end)
		return kb_err(-EINVAL, "%s: %s: not a number", name, value);
	return 0;
}

int
kb_conf_set(struct kb_conf *c, const char *name, const char *value)
{
	char reason[256] = "";
	size_t i = find(name);
	int r;

	r = i < HONOURED ? check_number(name, value) : 0;
	if (r < 0)
		return r;
	switch (rd_kafka_conf_set(c->rk, name, value, reason, sizeof(reason))) {
	case RD_KAFKA_CONF_OK:
		break;
	case RD_KAFKA_CONF_UNKNOWN:
		return kb_err(-EINVAL, "%s: no such property", name);
	default:
		reason[strcspn(reason, "\r\n")] = '\0';
		return kb_err(-EINVAL, "%s: %s", name, reason);
	}
	return i < HONOURED ? copy_value(c, i) : 0;
}

/* Sets from text that is not terminated and may have blanks around. */
static int
set_line(struct kb_conf *c, const char *text, size_t len)
{
	char *line = strndup(text, len), *name, *value, *end;
	int r;

	if (!line)
		return kb_err(-ENOMEM, "out of memory: %zu bytes", len);
	name = line + strspn(line, " \t");
	value = strchr(name, '=');
	if (!value || value == name) {
		r = kb_err(-EINVAL, "%s: not of the form property=value", name);
		goto out;
	}
	for (end = value; end > name && strchr(" \t", end[-1]); end--)
		;
	*end = '\0';
	value++;
	value += strspn(value, " \t");
	for (end = value + strlen(value); end > value; end--) {
		if (!strchr(" \t\r", end[-1]))
			break;
	}
	*end = '\0';
	r = kb_conf_set(c, name, value);
out:
	free(line);
	return r;
}

int
kb_conf_set_pair(struct kb_conf *c, const char *pair)
{
	return set_line(c, pair, strlen(pair));
}

int
kb_conf_read_file(struct kb_conf *c, const char *path)
{
	struct kb_buf file = {0};
	const char *at, *end;
	size_t number = 1;
	int r;

	r = kb_file_read_all(path, FILE_MAX, &file);
	if (r < 0)
		goto out;
	at = (const char *)file.data;
	end = at + file.len;
	for (; at < end; number++) {
		const char *eol = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((eol ? eol : end) - at);
		const char *s = at;

		while (s < at + len && strchr(" \t\r", *s))
			s++;
		if (s < at + len && *s != '#')
			r = set_line(c, s, (size_t)(at + len - s));
		if (r < 0) {
			r = kb_err(
				r, "%s:%zu: %s", path, number, kb_err_text());
			goto out;
		}
		at += len + 1;
	}
out:
	kb_buf_release(&file);
	return r;
}

/* The value of name in a dump of name, value, name, value, ... */
static const char *
dump_find(const char **dump, size_t count, const char *name)
{
	for (size_t i = 0; i + 1 < count; i += 2) {
		if (!strcmp(dump[i], name))
			return dump[i + 1];
	}
	return NULL;
}

/* Names the first property of ours that is not honoured and not as fresh. */
static int
compare(const char **ours, size_t count, const char **fresh, size_t fresh_count)
{
	for (size_t i = 0; i + 1 < count; i += 2) {
		const char *was = dump_find(fresh, fresh_count, ours[i]);

		/* Unset is as good as empty. */
		if (!strcmp(was ? was : "", ours[i + 1]))
			continue;
		/* Not a setting: the address of the topic properties. */
		if (!strcmp(ours[i], "default_topic_conf"))
			continue;
		if (find(ours[i]) == HONOURED)
			return kb_err(-EINVAL,
				"%s: this property is not supported; "
				"leave it out",
				ours[i]);
	}
	return 0;
}

/* Compares the properties of the cluster, then those of topics. */
static int
compare_all(const struct kb_conf *c)
{
	rd_kafka_conf_t *fresh = rd_kafka_conf_new();
	rd_kafka_topic_conf_t *topic =
		rd_kafka_conf_get_default_topic_conf(c->rk);
	rd_kafka_topic_conf_t *fresh_topic = rd_kafka_topic_conf_new();
	const char **a, **b;
	size_t na, nb;
	int r;

	a = rd_kafka_conf_dump(c->rk, &na);
	b = rd_kafka_conf_dump(fresh, &nb);
	r = compare(a, na, b, nb);
	rd_kafka_conf_dump_free(a, na);
	rd_kafka_conf_dump_free(b, nb);
	if (r == 0 && topic) {
		a = rd_kafka_topic_conf_dump(topic, &na);
		b = rd_kafka_topic_conf_dump(fresh_topic, &nb);
		r = compare(a, na, b, nb);
		rd_kafka_conf_dump_free(a, na);
		rd_kafka_conf_dump_free(b, nb);
	}
	rd_kafka_topic_conf_destroy(fresh_topic);
	rd_kafka_conf_destroy(fresh);
	return r;
}

int
kb_conf_check(const struct kb_conf *c)
{
	const char *protocol = kb_conf_get(c, "security.protocol");
	int r;

	/* First, for it brings properties which the comparison would name. */
	if (strcmp(protocol, "plaintext") != 0)
		return kb_err(-EINVAL,
			"security.protocol: %s is not yet supported, "
			"only plaintext is",
			protocol);
	r = compare_all(c);
	if (r < 0)
		return r;
	if (!*kb_conf_get(c, "bootstrap.servers"))
		return kb_err(-EINVAL,
			"no broker given: -b HOST:PORT, or the property "
			"bootstrap.servers");
	if (!strcmp(kb_conf_get(c, "socket.nagle.disable"), "false"))
		return kb_err(-EINVAL,
			"socket.nagle.disable: only true is supported");
	if (kb_conf_get_int(c, "message.timeout.ms") == 0)
		return kb_err(-EINVAL,
			"message.timeout.ms: 0 (wait for ever) is not "
			"supported; give milliseconds");
	if (kb_conf_get_int(c, "fetch.max.bytes") + 512 >
		kb_conf_get_int(c, "receive.message.max.bytes"))
		return kb_err(-EINVAL,
			"fetch.max.bytes: receive.message.max.bytes must be "
			"at least 512 more");
	if (kb_conf_get_int(c, "fetch.wait.max.ms") + 1000 >
		kb_conf_get_int(c, "socket.timeout.ms"))
		return kb_err(-EINVAL,
			"fetch.wait.max.ms: socket.timeout.ms must be at "
			"least 1000 more");
	return 0;
}

const char *
kb_conf_get(const struct kb_conf *c, const char *name)
{
	size_t i = find(name);

	assert(i < HONOURED);
	return c->values[i];
}

int64_t
kb_conf_get_int(const struct kb_conf *c, const char *name)
{
	return strtoll(kb_conf_get(c, name), NULL, 10);
}

struct rd_kafka_conf_s *
kb_conf_dup(const struct kb_conf *c)
{
	return rd_kafka_conf_dup(c->rk);
}
