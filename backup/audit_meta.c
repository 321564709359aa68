/*
 * Of meta/ and runs/ the index is asked for the newest only. It must be one of
 * the objects; when a later one is there, a run ended before it told the index.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "backup/auditor.h"
#include "backup/compare.h"
#include "common/err.h"
#include "store/store.h"

/* ---- meta ---- */

struct metas {
	struct kb_auditor *a;
	char topic[KB_TOPIC_MAX + 1];
	struct kb_topic_ref ref;
	struct kb_meta newest; /* the index's */
	uint64_t found;	       /* its number among the objects; 0: not yet */
	uint64_t last;	       /* the highest number */
};

static void
orphan(struct kb_auditor *a, const char *object)
{
	kb_auditor_warn(
		a, object, "not a name that means anything; left alone");
}

static int
see_meta(void *ctx, const char *name, bool is_dir)
{
	struct metas *m = ctx;
	char object[KB_NAME_MAX + 256];
	struct kb_meta meta;
	size_t len;
	uint64_t n;
	int r;

	kb_layout_meta_dir(object, &m->ref);
	len = strlen(object);
	snprintf(object + len, sizeof(object) - len, "/%s", name);
	if (is_dir || kb_layout_read_meta(name, &n) < 0) {
		orphan(m->a, object);
		return 0;
	}
	if (n > m->last)
		m->last = n;
	r = kb_meta_read(m->a->store, &m->ref, n, &meta);
	if (r < 0)
		return kb_auditor_note(m->a, object, r);
	if (kb_meta_same(&meta, &m->newest) && meta.seen == m->newest.seen &&
		n > m->found)
		m->found = n;
	kb_meta_release(&meta);
	return 0;
}

static void
judge_meta(struct metas *m, const char *dir, bool known)
{
	if (known && !m->found)
		kb_auditor_damage(m->a, dir,
			"none of its objects is what the index has: run `kbak "
			"reindex`");
	else if (m->last > m->found)
		kb_auditor_warn(m->a, dir,
			"%" PRIu64 ".json is not in the index: the next "
			"backup, or `kbak reindex`, takes it in",
			m->last);
}

static int
check_meta(struct metas *m)
{
	struct kb_auditor *a = m->a;
	char dir[KB_NAME_MAX];
	int known = -ENOENT, r = 0;

	m->found = 0;
	m->last = 0;
	kb_layout_meta_dir(dir, &m->ref);
	if (a->index)
		known = kb_index_meta(a->index, &m->ref, &m->newest);
	if (known < 0 && known != -ENOENT)
		r = kb_auditor_note(a, dir, known);
	if (r == 0)
		r = kb_store_list(a->store, dir, see_meta, m);
	if (r == 0 && a->index && (known == 0 || known == -ENOENT))
		judge_meta(m, dir, known == 0);
	kb_meta_release(&m->newest);
	return r;
}

static int
see_id(void *ctx, const char *name, bool is_dir)
{
	struct metas *m = ctx;
	char object[KB_NAME_MAX + 256];

	if (is_dir && kb_uuid_parse(name, &m->ref.id) == 0)
		return check_meta(m);
	snprintf(object, sizeof(object), "meta/%s/%s", m->topic, name);
	orphan(m->a, object);
	return 0;
}

static int
see_topic(void *ctx, const char *name, bool is_dir)
{
	struct metas *m = ctx;
	char object[KB_NAME_MAX];

	snprintf(object, sizeof(object), "meta/%s", name);
	if (!is_dir || !kb_topic_name_valid(name)) {
		orphan(m->a, object);
		return 0;
	}
	strcpy(m->topic, name);
	m->ref.name = m->topic;
	return kb_store_list(m->a->store, object, see_id, m);
}

/* Topics of the index without an object: seen from the index's side. */
static int
see_indexed(void *ctx, const struct kb_index_topic *t)
{
	struct kb_auditor *a = ctx;
	struct kb_topic_ref ref = {t->name, t->id};
	char object[KB_NAME_MAX];
	struct kb_blob *b;
	int r;

	kb_layout_meta(object, &ref, 1);
	r = kb_store_open(a->store, object, &b, NULL);
	if (r == 0)
		kb_blob_close(b);
	if (r == -ENOENT)
		kb_auditor_damage(a, object,
			"the topic is in the index, but this is lost");
	return r == -ENOENT ? 0 : kb_auditor_note(a, object, r);
}

int
kb_audit_meta(struct kb_auditor *a)
{
	struct metas m = {.a = a};
	int r = kb_store_list(a->store, "meta", see_topic, &m);

	if (r < 0 || !a->index)
		return r;
	return kb_auditor_note(
		a, "index", kb_index_topics(a->index, see_indexed, a));
}

/* ---- runs ---- */

struct runs {
	struct kb_auditor *a;
	struct kb_run newest; /* the index's */
	bool found;
	uint64_t count;
};

static int
see_run(void *ctx, const char *name, bool is_dir)
{
	struct runs *runs = ctx;
	char object[KB_NAME_MAX];
	struct kb_run run;
	uint64_t n;
	int r;

	snprintf(object, sizeof(object), "runs/%s", name);
	if (is_dir || kb_layout_read_meta(name, &n) < 0) {
		orphan(runs->a, object);
		return 0;
	}
	r = kb_run_read(runs->a->store, n, &run);
	if (r < 0)
		return kb_auditor_note(runs->a, object, r);
	runs->count++;
	if (!kb_compare_runs(&run, &runs->newest))
		runs->found = true;
	return 0;
}

int
kb_audit_runs(struct kb_auditor *a)
{
	struct runs runs = {.a = a};
	int known = -ENOENT, r = 0;

	if (a->index)
		known = kb_index_last_run(a->index, &runs.newest);
	if (known < 0 && known != -ENOENT)
		r = kb_auditor_note(a, "runs", known);
	if (r == 0)
		r = kb_store_list(a->store, "runs", see_run, &runs);
	if (r < 0 || !a->index)
		return r;
	if (known == 0 && !runs.found)
		kb_auditor_damage(a, "runs",
			"none of its objects is the last run that the index "
			"has: run `kbak reindex`");
	if (known == -ENOENT && runs.count)
		kb_auditor_warn(a, "runs",
			"not in the index: `kbak reindex` takes them in");
	return 0;
}
