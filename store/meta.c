/*
 * A topic's description is published only when it differs from the newest one,
 * so their number grows with the changes, not with the runs.
 */
#include "store/meta.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/log.h"
#include "store/document.h"
#include "store/store.h"

void
kb_meta_release(struct kb_meta *m)
{
	for (size_t i = 0; i < m->setting_count; i++) {
		free(m->settings[i].name);
		free(m->settings[i].value);
	}
	free(m->settings);
	*m = (struct kb_meta){0};
}

int
kb_meta_put(struct kb_meta *m, const char *name, const char *value)
{
	struct kb_meta_setting new = {strdup(name), strdup(value)};
	size_t size = (m->setting_count + 1) * sizeof(new), at = 0;
	void *grown = realloc(m->settings, size);

	if (grown)
		m->settings = grown;
	if (!grown || !new.name || !new.value) {
		free(new.name);
		free(new.value);
		return kb_err(-ENOMEM, "out of memory");
	}
	while (at < m->setting_count && strcmp(m->settings[at].name, name) <= 0)
		at++;
	memmove(&m->settings[at + 1], &m->settings[at],
		(m->setting_count - at) * sizeof(new));
	m->settings[at] = new;
	m->setting_count++;
	return 0;
}

bool
kb_meta_same(const struct kb_meta *a, const struct kb_meta *b)
{
	if (strcmp(a->topic, b->topic) != 0 || !kb_uuid_equal(&a->id, &b->id) ||
		a->partitions != b->partitions ||
		a->replication_factor != b->replication_factor ||
		a->setting_count != b->setting_count)
		return false;
	for (size_t i = 0; i < a->setting_count; i++) {
		if (strcmp(a->settings[i].name, b->settings[i].name) != 0 ||
			strcmp(a->settings[i].value, b->settings[i].value) != 0)
			return false;
	}
	return true;
}

static json_t *
settings_of(const struct kb_meta *m)
{
	json_t *o = json_object();

	for (size_t i = 0; o && i < m->setting_count; i++) {
		if (json_object_set_new(o, m->settings[i].name,
			    kb_document_of_text(m->settings[i].value)) < 0) {
			json_decref(o);
			return NULL;
		}
	}
	return o;
}

static json_t *
object_of(const struct kb_meta *m)
{
	char id[KB_UUID_TEXT];

	kb_uuid_format(&m->id, id);
	return json_pack("{s:s, s:s, s:o, s:i, s:i, s:o}", "topic", m->topic,
		"id", id, "seen", kb_document_of_time(m->seen), "partitions",
		(int)m->partitions, "replication_factor",
		(int)m->replication_factor, "settings", settings_of(m));
}

/* 1: the newest says the same, *out_n is its number. */
static int
newest_same(struct kb_store *s, const struct kb_topic_ref *t, const char *dir,
	const struct kb_meta *m, uint64_t *out_n)
{
	struct kb_meta newest;
	uint64_t n = 0;
	int r = kb_document_newest(s, dir, &n);

	if (r < 0 || !n)
		return r;
	r = kb_meta_read(s, t, n, &newest);
	if (r == -EBADMSG) { /* a fresh one makes up for it */
		kb_log_warn("%s", kb_err_text());
		return 0;
	}
	if (r < 0)
		return r;
	r = kb_meta_same(&newest, m);
	kb_meta_release(&newest);
	if (r)
		*out_n = n;
	return r;
}

int
kb_meta_publish(struct kb_store *s, const struct kb_meta *m, uint64_t *out_n)
{
	struct kb_topic_ref t = {m->topic, m->id};
	char dir[KB_NAME_MAX];
	int r;

	kb_layout_meta_dir(dir, &t);
	r = newest_same(s, &t, dir, m, out_n);
	return r ? r : kb_document_publish_next(s, dir, object_of(m), out_n);
}

static int
read_identity(const char *name, const json_t *o, const struct kb_topic_ref *t,
	struct kb_meta *m)
{
	char id[KB_UUID_TEXT];
	int r = kb_document_text(name, o, "topic", sizeof(m->topic), m->topic);

	if (r == 0)
		r = kb_document_text(name, o, "id", sizeof(id), id);
	if (r < 0)
		return r;
	if (strcmp(m->topic, t->name) != 0 || kb_uuid_parse(id, &m->id) < 0 ||
		!kb_uuid_equal(&m->id, &t->id))
		return kb_err(-EBADMSG,
			"%s: damaged: its topic is not that of its name", name);
	return 0;
}

static int
read_settings(const char *name, const json_t *o, struct kb_meta *m)
{
	json_t *settings = json_object_get(o, "settings"), *value;
	const char *key;
	int r;

	if (!json_is_object(settings))
		return kb_err(-EBADMSG, "%s: damaged: no \"settings\"", name);
	json_object_foreach(settings, key, value)
	{
		if (!json_is_string(value))
			return kb_err(-EBADMSG,
				"%s: damaged: setting \"%s\" is not a string",
				name, key);
		r = kb_meta_put(m, key, json_string_value(value));
		if (r < 0)
			return r;
	}
	return 0;
}

static int
read_fields(const char *name, const json_t *o, const struct kb_topic_ref *t,
	struct kb_meta *m)
{
	int64_t partitions = 0, replicas = 0;
	int r = read_identity(name, o, t, m);

	if (r == 0)
		r = kb_document_time(name, o, "seen", &m->seen);
	if (r == 0)
		r = kb_document_int(
			name, o, "partitions", 0, INT32_MAX, &partitions);
	if (r == 0)
		r = kb_document_int(
			name, o, "replication_factor", 0, INT16_MAX, &replicas);
	if (r == 0)
		r = read_settings(name, o, m);
	m->partitions = (int32_t)partitions;
	m->replication_factor = (int32_t)replicas;
	return r;
}

int
kb_meta_read(struct kb_store *s, const struct kb_topic_ref *t, uint64_t n,
	struct kb_meta *out)
{
	struct kb_meta m = {0};
	char name[KB_NAME_MAX];
	json_t *o;
	int r;

	kb_layout_meta(name, t, n);
	r = kb_document_read(s, name, &o);
	if (r < 0)
		return r;
	r = read_fields(name, o, t, &m);
	json_decref(o);
	if (r < 0)
		kb_meta_release(&m);
	else
		*out = m;
	return r;
}
