/*
 * Commits and merges, by any number of processes at once; exclusive creation
 * is the only lock there is.
 *
 * A commit creates file n, one above the highest number listed. That n was
 * free does not mean that it was unused: it may have been taken, merged into a
 * wider file and removed since the listing. So a second listing follows, and
 * when a wider file covers n, ours would never be read: it is removed and the
 * next number taken. (The wider file may even hold our rows, if it was made
 * after our file. Rows are idempotent, so writing them twice is harmless.)
 * A newer generation found by the second listing gets the rows, too: reindex
 * lists data/ once more after its generation has appeared, so a segment is
 * either seen by that listing or committed by us after it.
 *
 * A merge creates the wide file exclusively and removes its parts after that;
 * killed in between it leaves spare files, which the next merge removes. A
 * merge that was overtaken may read such a doomed file n-n in place of the one
 * that was merged away; but then a wider file than its own parts exists, so
 * its own is refused (-EEXIST) or never read.
 * At a commit only ranges of MERGE_PARTS files or more are merged, the widest
 * first: every row is rewritten O(log n) times and a stack has O(log n) files.
 */
#include <errno.h>
#include <inttypes.h>

#include "common/err.h"
#include "common/log.h"
#include "index/delta.h"
#include "index/draft.h"
#include "index/handle.h"
#include "index/index.h"
#include "store/repo.h"
#include "store/store.h"

#define COMMIT_TRIES 1000
#define MERGE_PARTS 4
#define MERGE_TRIES 100

/* ---- merging ---- */

static int
remove_file(
	struct kb_store *s, uint64_t generation, const struct kb_stack_file *f)
{
	char name[KB_STACK_NAME];
	int r;

	kb_stack_name(name, generation, f);
	r = kb_store_remove(s, name);
	return r == -ENOENT ? 0 : r;
}

static int
remove_files(struct kb_store *s, uint64_t generation,
	const struct kb_stack_file *files, size_t count)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++)
		r = remove_file(s, generation, &files[i]);
	return r;
}

/* Writes the rows of count files as one file. -EEXIST, -ENOENT: others did. */
static int
merge_files(struct kb_store *s, uint64_t generation,
	const struct kb_stack_file *files, size_t count)
{
	struct kb_stack_file range = {files[0].from, files[count - 1].to};
	struct kb_layer *layers[KB_STACK_PARTS];
	struct kb_draft *d = NULL;
	char name[KB_STACK_NAME];
	size_t n = 0;
	int r = 0;

	for (; r == 0 && n < count; n++) {
		r = kb_layer_open(s, generation, &files[n], &layers[n]);
		if (r < 0)
			break;
	}
	if (r == 0)
		r = kb_draft_new(KB_DRAFT_LARGE, &d);
	if (r == 0)
		r = kb_draft_merge(d, layers, n);
	if (r == 0)
		r = kb_draft_finish(d);
	kb_stack_name(name, generation, &range);
	if (r == 0)
		r = kb_draft_publish(d, s, name);
	kb_draft_free(d);
	while (n)
		kb_layer_close(layers[--n]);
	return r;
}

/* One step. 0: something was merged. 1: there is nothing to merge. */
static int
merge_once(struct kb_store *s, size_t parts)
{
	struct kb_stack k = {0};
	size_t first = 0, n = 0;
	int r = kb_stack_list(s, &k);

	if (r == 0)
		r = remove_files(s, k.generation, k.spare, k.spare_count);
	if (r == 0)
		r = kb_stack_pick(&k, parts, &first, &n);
	if (r == 0)
		r = merge_files(s, k.generation, &k.files[first], n);
	if (r == 0)
		r = remove_files(s, k.generation, &k.files[first], n);
	kb_stack_release(&k);
	return r;
}

/* Merges until there is nothing left, or others are quicker all the time. */
static int
merge_all(struct kb_store *s, size_t parts)
{
	int r = 0, lost = 0;

	while (r == 0) {
		r = merge_once(s, parts);
		if ((r == -EEXIST || r == -ENOENT) && ++lost < MERGE_TRIES)
			r = 0;
	}
	return r < 0 && lost < MERGE_TRIES ? r : 0;
}

int
kb_index_compact(struct kb_index *x)
{
	int r;

	pthread_mutex_lock(&x->change);
	r = merge_all(x->repo->store, 2);
	if (r == 0)
		r = kb_handle_reload(x);
	pthread_mutex_unlock(&x->change);
	return r < 0 ? r : 0;
}

/* ---- committing ---- */

/*
 * One try. 0: the rows are in the newest generation. 1: somebody was quicker,
 * try again.
 */
static int
commit_once(struct kb_store *s, struct kb_draft *d)
{
	struct kb_stack before = {0}, after = {0};
	const struct kb_stack_file *found;
	struct kb_stack_file own = {0};
	char name[KB_STACK_NAME];
	uint64_t generation;
	int r = kb_stack_list(s, &before);

	if (r < 0)
		return r;
	generation = before.generation ? before.generation : 1;
	own.from = own.to = kb_stack_top(&before) + 1;
	kb_stack_release(&before);
	kb_stack_name(name, generation, &own);
	r = kb_draft_publish(d, s, name);
	if (r == -EEXIST)
		return 1;
	if (r == 0)
		r = kb_stack_list(s, &after);
	if (r < 0)
		return r;
	found = kb_stack_find(&after, own.from);
	if (after.generation != generation || !found)
		r = 1;
	else if (found->from != own.from || found->to != own.to)
		r = 1;
	kb_stack_release(&after);
	if (r == 1)
		r = remove_file(s, generation, &own);
	else
		return 0;
	return r < 0 ? r : 1;
}

int
kb_handle_commit(struct kb_index *x, struct kb_draft *d)
{
	struct kb_store *s = x->repo->store;
	int r = kb_draft_finish(d);

	if (r < 0)
		return r;
	r = 1;
	for (int i = 0; r == 1 && i < COMMIT_TRIES; i++)
		r = commit_once(s, d);
	if (r == 1)
		return kb_err(-EBUSY, "index: too many others commit");
	if (r < 0)
		return r;
	pthread_mutex_lock(&x->change);
	if (merge_all(s, MERGE_PARTS) < 0)
		kb_log_warn("index: cannot merge files: %s", kb_err_text());
	r = kb_handle_reload(x);
	pthread_mutex_unlock(&x->change);
	return r < 0 ? r : 0;
}

int
kb_index_commit(struct kb_index *x, struct kb_index_delta *d)
{
	int r;

	if (kb_index_delta_empty(d))
		return 0;
	r = kb_handle_commit(x, kb_delta_draft(d));
	if (r == 0)
		kb_delta_clear(d);
	return r;
}
