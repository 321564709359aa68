/*
 * Objects of a partition come in the order of their offsets, so one number,
 * where the next one must begin, finds whatever is missing or twice there.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "backup/auditor.h"
#include "backup/compare.h"
#include "common/buf.h"
#include "common/err.h"
#include "store/store.h"

/* Where the walk is. */
struct place {
	struct kb_auditor *a;
	char topic[KB_TOPIC_MAX + 1];
	struct kb_topic_ref ref;
	int32_t partition;
	int64_t expected;   /* start of the next object; -1: cannot be said */
	int64_t indexed;    /* the index's end of this partition */
	struct kb_buf gaps; /* the index's, struct kb_gap each */
};

static void
orphan(struct kb_auditor *a, const char *object)
{
	kb_auditor_warn(
		a, object, "not a name that means anything; left alone");
}

/* ---- segments ---- */

/* An object that the index does not have. */
static void
not_indexed(struct place *p, const char *object, int64_t start)
{
	if (start >= p->indexed)
		kb_auditor_warn(p->a, object,
			"published, but not in the index: the next backup, or "
			"`kbak reindex`, takes it in");
	else
		kb_auditor_damage(p->a, object,
			"not in the index, though what follows is: run `kbak "
			"reindex`");
}

/* 0: *row is the index's. 1: there is none, said where it matters. */
static int
find_row(struct place *p, const char *object, int64_t start,
	struct kb_index_segment *row)
{
	struct kb_auditor *a = p->a;
	int r;

	if (!a->index)
		return 1;
	r = kb_index_segment_at(a->index, &p->ref, p->partition, start, row);
	if (r == -ENOENT || (r == 0 && row->s.start != start)) {
		not_indexed(p, object, start);
		return 1;
	}
	if (r == 0)
		return 0;
	r = kb_auditor_note(a, object, r);
	return r < 0 ? r : 1;
}

struct block_check {
	struct kb_auditor *a;
	const char *object;
	const struct kb_block *blocks;
	uint32_t count, at;
};

static int
check_block(void *ctx, const struct kb_block *row)
{
	struct block_check *c = ctx;
	const char *field;

	if (c->at == c->count) {
		kb_auditor_damage(c->a, c->object,
			"the index has more than its %" PRIu32 " blocks: run "
			"`kbak reindex`",
			c->count);
		return 1;
	}
	field = kb_compare_blocks(&c->blocks[c->at++], row);
	if (!field)
		return 0;
	kb_auditor_damage(c->a, c->object,
		"position %" PRIu64 ": the index has another %s of this block: "
		"run `kbak reindex`",
		c->blocks[c->at - 1].position, field);
	return 1;
}

static int
check_blocks(struct place *p, const char *object, int64_t start,
	const struct kb_block *blocks, uint32_t count)
{
	struct block_check c = {p->a, object, blocks, count, 0};
	int r = kb_index_blocks(
		p->a->index, &p->ref, p->partition, start, check_block, &c);

	if (r == 0 && c.at < count)
		kb_auditor_damage(p->a, object,
			"the index has %" PRIu32 " of its %" PRIu32
			" blocks: run `kbak reindex`",
			c.at, count);
	return kb_auditor_note(p->a, object, r);
}

static int
check_segment(struct place *p, const char *object, int64_t start)
{
	struct kb_auditor *a = p->a;
	const struct kb_block *blocks;
	struct kb_index_segment row;
	struct kb_segment sum;
	const char *field;
	int found = find_row(p, object, start, &row), r;

	if (found < 0)
		return found;
	a->totals.segments++;
	r = kb_scan_run(a->scan, a->store, object, &p->ref, p->partition, start,
		&sum, &blocks);
	if (r < 0) {
		p->expected = found == 0 ? row.s.end : -1;
		return kb_auditor_note(a, object, r);
	}
	a->totals.records += sum.records;
	a->totals.bytes += sum.bytes;
	p->expected = sum.end;
	if (found == 1)
		return 0;
	field = kb_compare_segments(&sum, &row.s);
	if (field) {
		kb_auditor_damage(a, object,
			"its %s is not that of the index: either was changed "
			"after the backup",
			field);
		p->expected = -1;
		return 0;
	}
	return check_blocks(p, object, start, blocks, sum.block_count);
}

/* ---- gaps ---- */

static int
check_gap(struct place *p, const char *object)
{
	const struct kb_gap *rows = (const void *)p->gaps.data;
	size_t count = p->gaps.len / sizeof(*rows);
	struct kb_gap g;
	const char *field;
	int r = kb_gap_read(p->a->store, object, &g);

	p->a->totals.gaps++;
	if (r < 0)
		return kb_auditor_note(p->a, object, r);
	if (!p->a->index)
		return 0;
	for (size_t i = 0; i < count; i++) {
		if (rows[i].start != g.start || rows[i].end != g.end)
			continue;
		field = kb_compare_gaps(&rows[i], &g);
		if (field)
			kb_auditor_damage(p->a, object,
				"its \"%s\" is not that of the index: either "
				"was changed after the backup",
				field);
		return 0;
	}
	not_indexed(p, object, g.start);
	return 0;
}

static int
keep_gap(void *ctx, const struct kb_gap *g)
{
	return kb_buf_put(ctx, g, sizeof(*g));
}

/* ---- a partition ---- */

static void
check_order(
	struct place *p, const char *object, const struct kb_layout_object *o)
{
	if (p->expected >= 0 && o->start > p->expected)
		kb_auditor_damage(p->a, object,
			"offsets %" PRId64 "-%" PRId64
			" before it are neither stored nor in a gap: an object "
			"is missing",
			p->expected, o->start - 1);
	if (p->expected >= 0 && o->start < p->expected)
		kb_auditor_damage(p->a, object,
			"begins inside what ends at offset %" PRId64,
			p->expected);
}

static int
see_object(void *ctx, const char *name, bool is_dir)
{
	struct place *p = ctx;
	char object[KB_NAME_MAX + 256];
	struct kb_layout_object o;
	int len;

	kb_layout_partition(object, &p->ref, p->partition);
	len = (int)strlen(object);
	snprintf(object + len, sizeof(object) - (size_t)len, "/%s", name);
	if (is_dir || kb_layout_read_object(name, &o) < 0) {
		orphan(p->a, object);
		return 0;
	}
	check_order(p, object, &o);
	if (!o.is_gap)
		return check_segment(p, object, o.start);
	p->expected = o.end;
	return check_gap(p, object);
}

/* What the index knows of the partition. */
static int
ask_index(struct place *p, const char *object)
{
	struct kb_index *x = p->a->index;
	struct kb_index_partition row;
	int r;

	p->indexed = 0;
	kb_buf_clear(&p->gaps);
	if (!x)
		return 0;
	r = kb_index_partition(x, &p->ref, p->partition, &row);
	if (r == -ENOENT)
		return 0;
	if (r == 0) {
		p->indexed = row.end;
		r = kb_index_gaps(x, &p->ref, p->partition, keep_gap, &p->gaps);
	}
	return kb_auditor_note(p->a, object, r);
}

static int
see_partition(void *ctx, const char *name, bool is_dir)
{
	struct place *p = ctx;
	char id[KB_UUID_TEXT], object[KB_NAME_MAX + 256];
	int r;

	kb_uuid_format(&p->ref.id, id);
	snprintf(object, sizeof(object), "data/%s/%s/%s", p->topic, id, name);
	if (!is_dir || kb_layout_read_partition(name, &p->partition) < 0) {
		orphan(p->a, object);
		return 0;
	}
	p->expected = 0;
	r = ask_index(p, object);
	return r < 0 ? r : kb_store_list(p->a->store, object, see_object, p);
}

static int
see_id(void *ctx, const char *name, bool is_dir)
{
	struct place *p = ctx;
	char object[KB_NAME_MAX + 256];

	snprintf(object, sizeof(object), "data/%s/%s", p->topic, name);
	if (!is_dir || kb_uuid_parse(name, &p->ref.id) < 0) {
		orphan(p->a, object);
		return 0;
	}
	return kb_store_list(p->a->store, object, see_partition, p);
}

static int
see_topic(void *ctx, const char *name, bool is_dir)
{
	struct place *p = ctx;
	char object[KB_NAME_MAX];

	snprintf(object, sizeof(object), "data/%s", name);
	if (!is_dir || !kb_topic_name_valid(name)) {
		orphan(p->a, object);
		return 0;
	}
	strcpy(p->topic, name);
	p->ref.name = p->topic;
	return kb_store_list(p->a->store, object, see_id, p);
}

int
kb_audit_data(struct kb_auditor *a)
{
	struct place p = {.a = a};
	int r = kb_store_list(a->store, "data", see_topic, &p);

	kb_buf_release(&p.gaps);
	return r;
}
