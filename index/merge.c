/*
 * A merge keeps one row a layer and picks the smallest key by looking at all
 * of them: a stack is a dozen layers, a heap would not pay. The statements
 * yield their rows as they are stepped, so nothing is ever held but the heads.
 */
#include "index/merge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "index/sql.h"
#include "store/layout.h"

static int
bind_all(sqlite3_stmt *st, const struct kb_merge_args *a)
{
	int n = sqlite3_bind_parameter_count(st), rc = SQLITE_OK;
	const char *name = a->topic ? a->topic->name : a->low;

	if (n >= 1)
		rc = sqlite3_bind_text(st, 1, name, -1, SQLITE_TRANSIENT);
	if (n >= 2 && rc == SQLITE_OK && a->topic)
		rc = sqlite3_bind_blob(st, 2, a->topic->id.b,
			sizeof(a->topic->id.b), SQLITE_TRANSIENT);
	else if (n >= 2 && rc == SQLITE_OK)
		rc = sqlite3_bind_text(st, 2, a->high, -1, SQLITE_TRANSIENT);
	if (n >= 3 && rc == SQLITE_OK)
		rc = sqlite3_bind_int(st, 3, a->partition);
	if (n >= 4 && rc == SQLITE_OK)
		rc = sqlite3_bind_int64(st, 4, a->a);
	if (n >= 5 && rc == SQLITE_OK)
		rc = sqlite3_bind_int64(st, 5, a->b);
	return rc;
}

int
kb_merge_begin(struct kb_merge *m, struct kb_layer *const *layers, size_t count,
	enum kb_layer_query q, int keys, const struct kb_merge_args *args)
{
	*m = (struct kb_merge){.keys = keys};
	m->heads = calloc(count ? count : 1, sizeof(*m->heads));
	if (!m->heads)
		return kb_err(-ENOMEM, "index: out of memory");
	for (size_t i = 0; i < count; i++) {
		struct kb_merge_head *h = &m->heads[i];
		int r = kb_layer_query(layers[i], q, &h->row);
		int rc = SQLITE_OK;

		if (r < 0)
			return r;
		h->layer = layers[i];
		h->live = true;
		h->same = true;
		m->count++;
		if (args)
			rc = bind_all(h->row, args);
		if (rc != SQLITE_OK)
			return kb_sql_err(h->layer->db, rc, h->layer->name);
	}
	return 0;
}

static int
compare_bytes(const void *a, int a_len, const void *b, int b_len)
{
	int n = a_len < b_len ? a_len : b_len;
	int r = n ? memcmp(a, b, (size_t)n) : 0;

	return r ? r : a_len - b_len;
}

/* As sqlite orders them: numbers by value, text and blobs by bytes. */
static int
compare_column(sqlite3_stmt *a, sqlite3_stmt *b, int at)
{
	if (sqlite3_column_type(a, at) == SQLITE_INTEGER) {
		int64_t x = sqlite3_column_int64(a, at);
		int64_t y = sqlite3_column_int64(b, at);

		return (x > y) - (x < y);
	}
	return compare_bytes(sqlite3_column_blob(a, at),
		sqlite3_column_bytes(a, at), sqlite3_column_blob(b, at),
		sqlite3_column_bytes(b, at));
}

static int
compare_rows(sqlite3_stmt *a, sqlite3_stmt *b, int keys)
{
	int r = 0;

	for (int i = 0; r == 0 && i < keys; i++)
		r = compare_column(a, b, i);
	return r;
}

/* Steps the heads whose row was given out. */
static int
advance(struct kb_merge *m)
{
	for (size_t i = 0; i < m->count; i++) {
		struct kb_merge_head *h = &m->heads[i];
		int r;

		if (!h->same)
			continue;
		h->same = false;
		if (!h->live)
			continue;
		r = kb_sql_step(h->row, h->layer->name);
		if (r < 0)
			return r;
		h->live = r == 0;
	}
	return 0;
}

int
kb_merge_next(struct kb_merge *m, const struct kb_merge_head **out)
{
	struct kb_merge_head *best = NULL;
	int r = advance(m);

	if (r < 0)
		return r;
	for (size_t i = 0; i < m->count; i++) {
		struct kb_merge_head *h = &m->heads[i];
		int c;

		if (!h->live)
			continue;
		c = best ? compare_rows(h->row, best->row, m->keys) : -1;
		if (c > 0)
			continue;
		for (size_t j = 0; c < 0 && j < i; j++)
			m->heads[j].same = false;
		h->same = true;
		best = h;
	}
	if (!best)
		return 1;
	*out = best;
	return 0;
}

void
kb_merge_end(struct kb_merge *m)
{
	for (size_t i = 0; i < m->count; i++)
		sqlite3_reset(m->heads[i].row);
	free(m->heads);
	*m = (struct kb_merge){0};
}
