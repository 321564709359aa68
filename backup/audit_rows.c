/*
 * The way back: what the index has must be there. What is in the objects has
 * been compared on the way forth; here their names are enough.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backup/auditor.h"
#include "common/buf.h"
#include "common/cancel.h"
#include "common/err.h"
#include "store/store.h"

struct rows {
	struct kb_auditor *a;
	struct kb_topic_ref ref;
	int32_t partition;
};

static int
check_there(struct kb_auditor *a, const char *object)
{
	struct kb_blob *b;
	int r = kb_store_open(a->store, object, &b, NULL);

	if (r == 0)
		kb_blob_close(b);
	if (r == -ENOENT)
		kb_auditor_damage(a, object,
			"in the index, but not in the repository: it is lost");
	if (kb_cancel_fired(a->cancel))
		return kb_err(-ECANCELED, "interrupted");
	return r == -ENOENT ? 0 : kb_auditor_note(a, object, r);
}

static int
see_segment(void *ctx, const struct kb_index_segment *row)
{
	struct rows *rows = ctx;
	char object[KB_NAME_MAX];

	kb_layout_segment(object, &rows->ref, rows->partition, row->s.start);
	if (strcmp(object, row->object) != 0)
		kb_auditor_damage(rows->a, object,
			"the index calls it %s: run `kbak reindex`",
			row->object);
	return check_there(rows->a, object);
}

static int
see_gap(void *ctx, const struct kb_gap *g)
{
	struct rows *rows = ctx;
	char object[KB_NAME_MAX];

	kb_layout_gap(object, &rows->ref, rows->partition, g->start, g->end);
	return check_there(rows->a, object);
}

static int
keep_partition(void *ctx, const struct kb_index_partition *p)
{
	return kb_buf_put(ctx, &p->partition, sizeof(p->partition));
}

static int
check_partition(struct rows *rows)
{
	struct kb_index *x = rows->a->index;
	int r = kb_index_segments(
		x, &rows->ref, rows->partition, 0, see_segment, rows);

	if (r == 0)
		r = kb_index_gaps(
			x, &rows->ref, rows->partition, see_gap, rows);
	return kb_auditor_note(rows->a, "index", r);
}

static int
check_topic(struct kb_auditor *a, const struct kb_index_topic *t)
{
	struct rows rows = {a, {t->name, t->id}, 0};
	struct kb_buf partitions = {0};
	const int32_t *numbers;
	int r = kb_index_partitions(
		a->index, &rows.ref, keep_partition, &partitions);

	r = kb_auditor_note(a, "index", r);
	numbers = (const void *)partitions.data;
	for (size_t i = 0; i < partitions.len / sizeof(*numbers) && r == 0;
		i++) {
		rows.partition = numbers[i];
		r = check_partition(&rows);
	}
	kb_buf_release(&partitions);
	return r;
}

static int
keep_topic(void *ctx, const struct kb_index_topic *t)
{
	return kb_buf_put(ctx, t, sizeof(*t));
}

int
kb_audit_rows(struct kb_auditor *a)
{
	struct kb_buf topics = {0};
	const struct kb_index_topic *t;
	int r = kb_index_topics(a->index, keep_topic, &topics);

	r = kb_auditor_note(a, "index", r);
	t = (const void *)topics.data;
	for (size_t i = 0; i < topics.len / sizeof(*t) && r == 0; i++)
		r = check_topic(a, &t[i]);
	kb_buf_release(&topics);
	return r;
}
