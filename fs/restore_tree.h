/* What has been put below restore/ in this mount; knows nothing of FUSE. */
#ifndef KB_FS_RESTORE_TREE_H
#define KB_FS_RESTORE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fs/tree.h"

struct kb_cancel;
struct kb_restore;
struct kb_restore_tree;

/* Borrows r. Any thread may use the tree. */
int
kb_restore_tree_new(struct kb_restore *r, struct kb_restore_tree **out);
void
kb_restore_tree_free(struct kb_restore_tree *t);

/* As kb_tree_lookup(), _forget(), _stat() and _list(). */
int
kb_restore_tree_lookup(struct kb_restore_tree *t, uint64_t parent,
	const char *name, struct kb_node *out);
void
kb_restore_tree_forget(
	struct kb_restore_tree *t, uint64_t ino, uint64_t lookups);
int
kb_restore_tree_stat(
	struct kb_restore_tree *t, uint64_t ino, struct kb_node *out);
int
kb_restore_tree_list(struct kb_restore_tree *t, uint64_t ino, uint64_t cookie,
	kb_tree_fill_fn *fill, void *ctx);

/*
 * Makes a topic's or a partition's directory; counts one lookup. A topic that
 * the backup knows is created at the target at once. -EINVAL: no name of a
 * topic or partition, or a directory too deep; -EEXIST; errors of
 * kb_restore_make_topic().
 */
int
kb_restore_tree_mkdir(struct kb_restore_tree *t, uint64_t parent,
	const char *name, uint32_t mode, struct kb_cancel *interrupt,
	struct kb_node *out);

/* What setattr(2)'s family may change; the rest is accepted and forgotten. */
struct kb_restore_change {
	bool set_mode;
	bool set_mtime;
	bool set_size; /* only to the size it has: -EINVAL */
	uint32_t mode;
	int64_t mtime; /* ms */
	uint64_t size;
};
int
kb_restore_tree_change(struct kb_restore_tree *t, uint64_t ino,
	const struct kb_restore_change *change, struct kb_node *out);

/*
 * Forgets a restored file, so that it may be restored again. A temporary file
 * of rsync's that took data stays, under its final name: else the next try
 * would double its records.
 */
int
kb_restore_tree_unlink(
	struct kb_restore_tree *t, uint64_t parent, const char *name);

/* Forgets an empty directory. -ENOTEMPTY. */
int
kb_restore_tree_rmdir(
	struct kb_restore_tree *t, uint64_t parent, const char *name);

/* Only rsync's temporary name to another in the same place. -EPERM. */
int
kb_restore_tree_rename(struct kb_restore_tree *t, uint64_t parent,
	const char *name, uint64_t new_parent, const char *new_name);

#endif
