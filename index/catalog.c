/*
 * Topics and what meta/ says of them. A layer knows of a topic what its own
 * rows say; the first and the newest meta of all layers are put together
 * here. Incarnations of one name are few, so they are gathered, put in order
 * and named; older ones wait in a short sorted list until their shown name
 * (`orders@1` comes after `orders-x`) is due.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/err.h"
#include "index/handle.h"
#include "index/sql.h"

/* Above every topic name, since those have no '~'. */
#define LAST_NAME "~"

/* ---- incarnations of one name ---- */

/* Puts together what the heads with `same` set say of one topic. */
static int
read_topic(const struct kb_merge *m, struct kb_index_topic *out)
{
	int64_t first_n = INT64_MAX, last_n = -1;
	bool bad = false;

	*out = (struct kb_index_topic){0};
	for (size_t i = 0; i < m->count; i++) {
		const struct kb_merge_head *h = &m->heads[i];
		int64_t n;

		if (!h->same)
			continue;
		kb_sql_text(h->row, 0, out->name, sizeof(out->name), &bad);
		kb_sql_blob(h->row, 1, out->id.b, sizeof(out->id.b), &bad);
		if (bad || !kb_topic_name_valid(out->name))
			return kb_handle_damaged(h, "topic");
		if (sqlite3_column_type(h->row, 2) == SQLITE_NULL)
			continue;
		n = kb_sql_int(h->row, 2, 0, INT64_MAX, &bad);
		if (n <= first_n)
			out->first_seen = sqlite3_column_int64(h->row, 3);
		first_n = n < first_n ? n : first_n;
		n = kb_sql_int(h->row, 4, 0, INT64_MAX, &bad);
		if (n < last_n)
			continue;
		last_n = n;
		out->last_seen = sqlite3_column_int64(h->row, 5);
		out->partitions =
			(int32_t)kb_sql_int(h->row, 6, 0, INT32_MAX, &bad);
		if (bad)
			return kb_handle_damaged(h, "topic's meta");
	}
	return 0;
}

static int
by_first_seen(const void *a, const void *b)
{
	const struct kb_index_topic *x = a, *y = b;

	if (x->first_seen != y->first_seen)
		return x->first_seen < y->first_seen ? -1 : 1;
	return memcmp(x->id.b, y->id.b, sizeof(x->id.b));
}

static int
by_shown(const void *a, const void *b)
{
	const struct kb_index_topic *x = a, *y = b;

	return strcmp(x->shown, y->shown);
}

static void
sort(struct kb_buf *topics, int (*by)(const void *, const void *))
{
	size_t one = sizeof(struct kb_index_topic);

	if (topics->len)
		qsort(topics->data, topics->len / one, one, by);
}

/* Names the incarnations of one topic: the newest plain, the others @n. */
static void
name_incarnations(struct kb_buf *topics)
{
	struct kb_index_topic *t = (struct kb_index_topic *)topics->data;
	size_t n = topics->len / sizeof(*t);

	sort(topics, by_first_seen);
	for (size_t i = 0; i < n; i++) {
		int len = snprintf(
			t[i].shown, sizeof(t[i].shown), "%s", t[i].name);

		if (i + 1 < n)
			snprintf(t[i].shown + len,
				sizeof(t[i].shown) - (size_t)len, "@%zu",
				i + 1);
	}
}

/* ---- listing ---- */

struct listing {
	kb_index_topic_fn *each;
	void *ctx;
	struct kb_buf same; /* incarnations of the name at hand */
	struct kb_buf due;  /* older incarnations, by shown name */
};

/* Gives out the waiting topics that are shown before `name`. */
static int
give_due(struct listing *l, const char *name)
{
	struct kb_index_topic *t = (struct kb_index_topic *)l->due.data;
	size_t n = l->due.len / sizeof(*t), i = 0;
	int r = 0;

	for (; r == 0 && i < n && strcmp(t[i].shown, name) < 0; i++)
		r = l->each(l->ctx, &t[i]);
	if (i)
		memmove(t, t + i, (n - i) * sizeof(*t));
	l->due.len = (n - i) * sizeof(*t);
	return r;
}

/* All incarnations of a name are there. */
static int
give_name(struct listing *l)
{
	struct kb_index_topic *t = (struct kb_index_topic *)l->same.data;
	size_t n = l->same.len / sizeof(*t);
	int r;

	if (!n)
		return 0;
	name_incarnations(&l->same);
	r = give_due(l, t[n - 1].shown);
	if (r == 0)
		r = l->each(l->ctx, &t[n - 1]);
	if (r == 0)
		r = kb_buf_put(&l->due, t, (n - 1) * sizeof(*t));
	if (r == 0)
		sort(&l->due, by_shown);
	kb_buf_clear(&l->same);
	return r;
}

static int
list_topics(struct kb_merge *m, struct listing *l)
{
	const struct kb_merge_head *head;
	struct kb_index_topic t;
	int r = 0;

	for (;;) {
		const struct kb_index_topic *before;

		r = kb_merge_next(m, &head);
		if (r == 0)
			r = read_topic(m, &t);
		if (r)
			break;
		before = (const struct kb_index_topic *)l->same.data;
		if (l->same.len && strcmp(before->name, t.name) != 0)
			r = give_name(l);
		if (r == 0)
			r = kb_buf_put(&l->same, &t, sizeof(t));
		if (r)
			return r;
	}
	if (r > 0)
		r = give_name(l);
	if (r == 0)
		r = give_due(l, LAST_NAME);
	return r;
}

/* Topics with names from low to high. */
static int
topics_between(struct kb_index *x, const char *low, const char *high,
	kb_index_topic_fn *each, void *ctx)
{
	struct kb_merge_args args = {.low = low, .high = high};
	struct listing l = {.each = each, .ctx = ctx};
	struct kb_merge m = {0};
	int r;

	pthread_mutex_lock(&x->lock);
	r = kb_merge_begin(&m, x->layers, x->count, KB_LAYER_TOPICS, 2, &args);
	if (r == 0)
		r = list_topics(&m, &l);
	kb_merge_end(&m);
	pthread_mutex_unlock(&x->lock);
	kb_buf_release(&l.same);
	kb_buf_release(&l.due);
	return r;
}

int
kb_index_topics(struct kb_index *x, kb_index_topic_fn *each, void *ctx)
{
	return topics_between(x, "", LAST_NAME, each, ctx);
}

struct wanted {
	const char *shown;
	struct kb_index_topic *out;
};

static int
take_shown(void *ctx, const struct kb_index_topic *t)
{
	struct wanted *w = ctx;

	if (strcmp(t->shown, w->shown) != 0)
		return 0;
	*w->out = *t;
	return 1;
}

int
kb_index_topic(
	struct kb_index *x, const char *shown, struct kb_index_topic *out)
{
	struct wanted w = {shown, out};
	char name[KB_TOPIC_MAX + 1];
	size_t n = strcspn(shown, "@");
	int r = 0;

	if (n < sizeof(name)) {
		memcpy(name, shown, n);
		name[n] = '\0';
		r = topics_between(x, name, name, take_shown, &w);
	}
	if (r == 0)
		return kb_err(
			-ENOENT, "%s: no such topic in the backup", shown);
	return r < 0 ? r : 0;
}

/* ---- meta ---- */

/* The newest meta row of all layers; 1: none. */
static int
newest_meta(struct kb_index *x, const struct kb_topic_ref *t,
	struct kb_meta *out, int64_t *out_n)
{
	struct kb_merge_args args = {.topic = t};
	const struct kb_merge_head *head;
	struct kb_merge m = {0};
	bool bad = false;
	int r = kb_merge_begin(
		&m, x->layers, x->count, KB_LAYER_META, 1, &args);

	*out_n = -1;
	while (r == 0) {
		r = kb_merge_next(&m, &head);
		if (r)
			break;
		*out_n = kb_sql_int(head->row, 0, 0, INT64_MAX, &bad);
		out->seen =
			kb_sql_int(head->row, 1, INT64_MIN, INT64_MAX, &bad);
		out->partitions =
			(int32_t)kb_sql_int(head->row, 2, 0, INT32_MAX, &bad);
		out->replication_factor = (int32_t)kb_sql_int(
			head->row, 3, INT32_MIN, INT32_MAX, &bad);
		if (bad)
			r = kb_handle_damaged(head, "topic's meta");
	}
	kb_merge_end(&m);
	if (r < 0)
		return r;
	return *out_n < 0;
}

static int
read_settings(struct kb_index *x, const struct kb_topic_ref *t, int64_t n,
	struct kb_meta *out)
{
	struct kb_merge_args args = {.topic = t, .a = n};
	const struct kb_merge_head *head;
	struct kb_merge m = {0};
	int r = kb_merge_begin(
		&m, x->layers, x->count, KB_LAYER_SETTINGS, 1, &args);

	while (r == 0) {
		const char *name, *value;

		r = kb_merge_next(&m, &head);
		if (r)
			break;
		name = (const char *)sqlite3_column_text(head->row, 0);
		value = (const char *)sqlite3_column_text(head->row, 1);
		if (name && value)
			r = kb_meta_put(out, name, value);
		else
			r = kb_handle_damaged(head, "setting");
	}
	kb_merge_end(&m);
	return r < 0 ? r : 0;
}

int
kb_handle_counted(
	struct kb_index *x, const struct kb_topic_ref *t, int32_t *out)
{
	struct kb_meta m = {0};
	int64_t n;
	int r = newest_meta(x, t, &m, &n);

	*out = m.partitions;
	return r < 0 ? r : 0;
}

int
kb_index_meta(
	struct kb_index *x, const struct kb_topic_ref *t, struct kb_meta *out)
{
	struct kb_meta m = {0};
	int64_t n;
	int r;

	snprintf(m.topic, sizeof(m.topic), "%s", t->name);
	m.id = t->id;
	pthread_mutex_lock(&x->lock);
	r = newest_meta(x, t, &m, &n);
	if (r == 0)
		r = read_settings(x, t, n, &m);
	pthread_mutex_unlock(&x->lock);
	if (r == 0)
		*out = m;
	else
		kb_meta_release(&m);
	if (r > 0)
		return kb_err(
			-ENOENT, "%s: no settings in the backup", t->name);
	return r;
}

/* ---- runs ---- */

int
kb_index_last_run(struct kb_index *x, struct kb_run *out)
{
	const struct kb_merge_head *head = NULL;
	struct kb_merge m = {0};
	bool bad = false, found = false;
	int r;

	pthread_mutex_lock(&x->lock);
	r = kb_merge_begin(&m, x->layers, x->count, KB_LAYER_RUN, 1, NULL);
	while (r == 0) {
		r = kb_merge_next(&m, &head);
		if (r)
			break;
		found = true;
		out->started = sqlite3_column_int64(head->row, 1);
		out->ended = sqlite3_column_int64(head->row, 2);
		out->complete = kb_sql_int(head->row, 3, 0, 1, &bad);
		out->records = kb_sql_count(head->row, 4, &bad);
		out->bytes = kb_sql_count(head->row, 5, &bad);
		out->problems = kb_sql_count(head->row, 6, &bad);
		if (bad)
			r = kb_handle_damaged(head, "run");
	}
	kb_merge_end(&m);
	pthread_mutex_unlock(&x->lock);
	if (r < 0)
		return r;
	return found ? 0 : kb_err(-ENOENT, "no run has ended yet");
}
