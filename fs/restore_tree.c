/*
 * Directories and files below restore/ exist in memory, for as long as the
 * mount: a file that was restored stays known by name, so that it is not
 * restored twice.
 *
 * Invariants: (1) `lock` guards the set of items (restored.c) and all of an
 * item but its sink; it is never held while talking to the cluster. (2) An
 * item's `busy` lock guards its sink (restore_file.c); it is taken before
 * `lock`, never after.
 */
#include "fs/restore_tree.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/log.h"
#include "fs/filename.h"
#include "fs/restore_items.h"
#include "restore/restore.h"
#include "store/layout.h"

int
kb_restore_tree_unknown(uint64_t ino)
{
	return kb_err(-ESTALE, "inode %" PRIx64 ": not known", ino);
}

/* ---- the tree ---- */

int
kb_restore_tree_new(struct kb_restore *r, struct kb_restore_tree **out)
{
	struct kb_restore_tree *t = calloc(1, sizeof(*t));
	int e;

	if (!t)
		return kb_err(-ENOMEM, "restore: out of memory");
	t->restore = r;
	pthread_mutex_init(&t->lock, NULL);
	e = kb_restored_set_init(&t->all);
	if (e < 0) {
		kb_restore_tree_free(t);
		return e;
	}
	*out = t;
	return 0;
}

void
kb_restore_tree_free(struct kb_restore_tree *t)
{
	if (!t)
		return;
	kb_restored_set_release(&t->all);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

/* Under the lock. NULL: no such directory, or nothing of that name in it. */
static struct kb_restored *
child_at(struct kb_restore_tree *t, uint64_t parent, const char *name)
{
	struct kb_restored *dir = kb_restored_at(&t->all, parent);

	return dir ? kb_restored_child(&t->all, dir, name) : NULL;
}

int
kb_restore_tree_lookup(struct kb_restore_tree *t, uint64_t parent,
	const char *name, struct kb_node *out)
{
	struct kb_restored *dir, *i = NULL;

	pthread_mutex_lock(&t->lock);
	dir = kb_restored_at(&t->all, parent);
	if (dir)
		i = kb_restored_child(&t->all, dir, name);
	if (i) {
		i->lookups++;
		kb_restored_node(i, out);
	}
	pthread_mutex_unlock(&t->lock);
	return i ? 0 : dir ? -ENOENT : kb_restore_tree_unknown(parent);
}

void
kb_restore_tree_forget(
	struct kb_restore_tree *t, uint64_t ino, uint64_t lookups)
{
	struct kb_restored *i;

	pthread_mutex_lock(&t->lock);
	i = kb_restored_at(&t->all, ino);
	if (i) {
		i->lookups -= lookups < i->lookups ? lookups : i->lookups;
		kb_restored_release(&t->all, i);
	}
	pthread_mutex_unlock(&t->lock);
}

int
kb_restore_tree_stat(
	struct kb_restore_tree *t, uint64_t ino, struct kb_node *out)
{
	struct kb_restored *i;

	pthread_mutex_lock(&t->lock);
	i = kb_restored_at(&t->all, ino);
	if (i)
		kb_restored_node(i, out);
	pthread_mutex_unlock(&t->lock);
	return i ? 0 : kb_restore_tree_unknown(ino);
}

int
kb_restore_tree_list(struct kb_restore_tree *t, uint64_t ino, uint64_t cookie,
	kb_tree_fill_fn *fill, void *ctx)
{
	struct kb_node self = {.ino = ino, .dir = true};
	struct kb_restored *dir;
	int r = 0;

	pthread_mutex_lock(&t->lock);
	dir = kb_restored_at(&t->all, ino);
	if (!dir)
		r = kb_restore_tree_unknown(ino);
	if (r == 0 && cookie < 1)
		r = fill(ctx, ".", &self, 1);
	if (r == 0 && cookie < 2)
		r = fill(ctx, "..", &self, 2);
	for (struct kb_restored *i = r == 0 ? dir->first : NULL; r == 0 && i;
		i = i->next)
		if (i->number + 2 > cookie)
			r = fill(ctx, i->name, &i->node, i->number + 2);
	pthread_mutex_unlock(&t->lock);
	return r < 0 ? r : 0;
}

/* ---- directories ---- */

/* What a directory of that name in `dir` would be. */
static int
check_dir(
	const struct kb_restored *dir, const char *name, int32_t *out_partition)
{
	if (dir->level == KB_RESTORED_ROOT && kb_topic_name_valid(name))
		return 0;
	if (dir->level == KB_RESTORED_ROOT)
		return kb_err(-EINVAL, "restore/%s: not a topic's name", name);
	if (dir->level == KB_RESTORED_TOPIC &&
		kb_filename_read_partition(name, out_partition) == 0)
		return 0;
	if (dir->level == KB_RESTORED_TOPIC)
		return kb_err(-EINVAL,
			"restore/%s/%s: not a partition's number", dir->name,
			name);
	return kb_err(
		-EINVAL, "restore: %s: no directories below a partition", name);
}

/* Looks at the parent, before the target is asked; under no lock. */
static int
prepare_dir(struct kb_restore_tree *t, uint64_t parent, const char *name,
	enum kb_restored_level *out_level, int32_t *out_partition)
{
	const struct kb_restored *dir;
	int r;

	pthread_mutex_lock(&t->lock);
	dir = kb_restored_at(&t->all, parent);
	if (!dir || (dir->level != KB_RESTORED_ROOT && !dir->parent))
		r = kb_restore_tree_unknown(parent);
	else
		r = check_dir(dir, name, out_partition);
	if (r == 0)
		*out_level = dir->level + 1;
	pthread_mutex_unlock(&t->lock);
	return r;
}

int
kb_restore_tree_mkdir(struct kb_restore_tree *t, uint64_t parent,
	const char *name, uint32_t mode, struct kb_cancel *interrupt,
	struct kb_node *out)
{
	enum kb_restored_level level = KB_RESTORED_ROOT;
	int32_t partition = -1;
	struct kb_restored *dir, *i = NULL;
	int r;

	r = prepare_dir(t, parent, name, &level, &partition);
	if (r == 0 && level == KB_RESTORED_TOPIC)
		r = kb_restore_make_topic(t->restore, name, interrupt);
	if (r < 0 && !(r == -ENOENT && level == KB_RESTORED_TOPIC))
		return r;
	pthread_mutex_lock(&t->lock);
	dir = kb_restored_at(&t->all, parent);
	if (!dir)
		r = kb_restore_tree_unknown(parent);
	else if (kb_restored_final(&t->all, dir, name))
		r = kb_err(-EEXIST, "restore: %s: exists", name);
	else
		r = kb_restored_new(&t->all, level, name, name, mode, &i);
	if (r == 0) {
		i->partition = partition;
		r = kb_restored_link(&t->all, dir, i);
		if (r < 0)
			kb_restored_free(&t->all, i);
	}
	if (r == 0) {
		i->lookups++;
		kb_restored_node(i, out);
	}
	pthread_mutex_unlock(&t->lock);
	return r;
}

int
kb_restore_tree_rmdir(
	struct kb_restore_tree *t, uint64_t parent, const char *name)
{
	struct kb_restored *i;
	int r = -ENOENT;

	pthread_mutex_lock(&t->lock);
	i = child_at(t, parent, name);
	if (i && !i->node.dir) {
		r = -ENOTDIR;
	} else if (i && i->first) {
		r = -ENOTEMPTY;
	} else if (i) {
		kb_restored_unlink(&t->all, i);
		r = 0;
	}
	pthread_mutex_unlock(&t->lock);
	return r;
}

/* ---- names and attributes ---- */

int
kb_restore_tree_change(struct kb_restore_tree *t, uint64_t ino,
	const struct kb_restore_change *change, struct kb_node *out)
{
	struct kb_restored *i;
	int r = 0;

	pthread_mutex_lock(&t->lock);
	i = kb_restored_at(&t->all, ino);
	if (!i)
		r = kb_restore_tree_unknown(ino);
	else if (change->set_size && change->size != i->node.size)
		r = kb_err(-EINVAL, "restore: %s: its size cannot be changed",
			i->final);
	if (r == 0) {
		if (change->set_mode)
			i->node.mode = kb_restored_mode(i, change->mode);
		if (change->set_mtime)
			i->node.mtime = change->mtime;
		kb_restored_node(i, out);
	}
	pthread_mutex_unlock(&t->lock);
	return r;
}

int
kb_restore_tree_unlink(
	struct kb_restore_tree *t, uint64_t parent, const char *name)
{
	struct kb_restored *i;
	int r = -ENOENT;

	pthread_mutex_lock(&t->lock);
	i = child_at(t, parent, name);
	if (i && i->node.dir) {
		r = -EISDIR;
	} else if (i && i->node.size && strcmp(i->name, i->final) != 0) {
		kb_log_warn("restore/%s/%s/%s: not all of it was written; "
			    "rm it before it is restored again",
			i->parent->parent->name, i->parent->name, i->final);
		r = kb_restored_rename(&t->all, i, i->final, i->final);
	} else if (i) {
		if (i->records)
			kb_log_warn("restore/%s/%s/%s: forgotten, but %" PRIu64
				    " records of it stay at the target: "
				    "restored again, they are there twice",
				i->parent->parent->name, i->parent->name,
				i->final, i->records);
		kb_restored_unlink(&t->all, i);
		r = 0;
	}
	pthread_mutex_unlock(&t->lock);
	return r;
}

int
kb_restore_tree_rename(struct kb_restore_tree *t, uint64_t parent,
	const char *name, uint64_t new_parent, const char *new_name)
{
	char final[KB_RESTORE_NAME_MAX];
	struct kb_restored *i, *other;
	bool temporary = false;
	int r;

	pthread_mutex_lock(&t->lock);
	i = child_at(t, parent, name);
	if (!i) {
		r = -ENOENT;
	} else if (i->node.dir || parent != new_parent ||
		   strcmp(i->name, i->final) == 0) {
		r = kb_err(-EPERM,
			"restore: %s: what is restored cannot "
			"get another name",
			name);
	} else {
		r = kb_filename_read_restored(new_name, final, &temporary);
		other = r == 0 ? kb_restored_final(&t->all, i->parent, final)
			       : NULL;
		if (other && other != i)
			r = kb_err(-EEXIST, "restore: %s: exists", new_name);
	}
	if (r == 0)
		r = kb_restored_rename(&t->all, i, new_name, final);
	pthread_mutex_unlock(&t->lock);
	return r;
}
