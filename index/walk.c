/*
 * Directories are walked one inside the other: a listing is whole before its
 * first name is looked at. Each level knows what its names mean; what means
 * nothing there is given out as unknown, whole subtrees by their top.
 */
#include "index/walk.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "store/store.h"

struct walk {
	struct kb_store *store;
	kb_walk_fn *each;
	void *ctx;
	const char *topic; /* of the level at hand */
	struct kb_walk_object o;
};

static int
give(struct walk *w, enum kb_walk_kind kind)
{
	w->o.kind = kind;
	return w->each(w->ctx, &w->o);
}

/* Sets the object's name to `dir/base`. False: it is too long to be one. */
static bool
name_object(struct walk *w, const char *dir, const char *base)
{
	int n = snprintf(w->o.name, sizeof(w->o.name), "%s/%s", dir, base);

	return n > 0 && (size_t)n < sizeof(w->o.name);
}

static int
visit_run(void *ctx, const char *base, bool is_dir)
{
	struct walk *w = ctx;
	bool known = name_object(w, "runs", base) && !is_dir &&
		     kb_layout_read_meta(base, &w->o.n) == 0;

	return give(w, known ? KB_WALK_RUN : KB_WALK_UNKNOWN);
}

static int
visit_meta(void *ctx, const char *base, bool is_dir)
{
	struct walk *w = ctx;
	char dir[KB_NAME_MAX];
	bool known;

	kb_layout_meta_dir(dir, &w->o.topic);
	known = name_object(w, dir, base) && !is_dir &&
		kb_layout_read_meta(base, &w->o.n) == 0;
	return give(w, known ? KB_WALK_META : KB_WALK_UNKNOWN);
}

static int
visit_data(void *ctx, const char *base, bool is_dir)
{
	struct walk *w = ctx;
	struct kb_layout_object o;
	char dir[KB_NAME_MAX];

	kb_layout_partition(dir, &w->o.topic, w->o.partition);
	if (!name_object(w, dir, base) || is_dir ||
		kb_layout_read_object(base, &o) < 0)
		return give(w, KB_WALK_UNKNOWN);
	w->o.start = o.start;
	w->o.end = o.end;
	return give(w, o.is_gap ? KB_WALK_GAP : KB_WALK_SEGMENT);
}

static int
visit_partition(void *ctx, const char *base, bool is_dir)
{
	struct walk *w = ctx;
	char id[KB_UUID_TEXT], dir[KB_NAME_MAX];

	kb_uuid_format(&w->o.topic.id, id);
	snprintf(dir, sizeof(dir), "data/%s/%s", w->topic, id);
	if (!name_object(w, dir, base) || !is_dir ||
		kb_layout_read_partition(base, &w->o.partition) < 0)
		return give(w, KB_WALK_UNKNOWN);
	kb_layout_partition(dir, &w->o.topic, w->o.partition);
	return kb_store_list(w->store, dir, visit_data, w);
}

/* An id below data/<topic> or meta/<topic>. */
static int
visit_id(struct walk *w, const char *top, const char *base, bool is_dir,
	int (*visit)(void *, const char *, bool))
{
	char dir[KB_NAME_MAX], again[KB_UUID_TEXT];

	snprintf(dir, sizeof(dir), "%s/%s", top, w->topic);
	if (!name_object(w, dir, base) || !is_dir ||
		kb_uuid_parse(base, &w->o.topic.id) < 0)
		return give(w, KB_WALK_UNKNOWN);
	kb_uuid_format(&w->o.topic.id, again);
	if (strcmp(again, base) != 0)
		return give(w, KB_WALK_UNKNOWN);
	snprintf(dir, sizeof(dir), "%s/%s/%s", top, w->topic, base);
	return kb_store_list(w->store, dir, visit, w);
}

static int
visit_data_id(void *ctx, const char *base, bool is_dir)
{
	return visit_id(ctx, "data", base, is_dir, visit_partition);
}

static int
visit_meta_id(void *ctx, const char *base, bool is_dir)
{
	return visit_id(ctx, "meta", base, is_dir, visit_meta);
}

/* A topic below data or meta. */
static int
visit_topic(struct walk *w, const char *top, const char *base, bool is_dir,
	int (*visit)(void *, const char *, bool))
{
	char dir[KB_NAME_MAX];

	if (!name_object(w, top, base) || !is_dir || !kb_topic_name_valid(base))
		return give(w, KB_WALK_UNKNOWN);
	w->topic = base;
	w->o.topic.name = base;
	snprintf(dir, sizeof(dir), "%s/%s", top, base);
	return kb_store_list(w->store, dir, visit, w);
}

static int
visit_data_topic(void *ctx, const char *base, bool is_dir)
{
	return visit_topic(ctx, "data", base, is_dir, visit_data_id);
}

static int
visit_meta_topic(void *ctx, const char *base, bool is_dir)
{
	return visit_topic(ctx, "meta", base, is_dir, visit_meta_id);
}

int
kb_walk(struct kb_store *s, kb_walk_fn *each, void *ctx)
{
	struct walk w = {.store = s, .each = each, .ctx = ctx};
	int r = kb_store_list(s, "runs", visit_run, &w);

	if (r == 0)
		r = kb_store_list(s, "meta", visit_meta_topic, &w);
	if (r == 0)
		r = kb_store_list(s, "data", visit_data_topic, &w);
	return r;
}
