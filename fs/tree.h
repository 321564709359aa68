/* The archive as a tree of directories and files; knows nothing of FUSE. */
#ifndef KB_FS_TREE_H
#define KB_FS_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Permissions of what is in the archive. */
#define KB_DIR_MODE 0555
#define KB_FILE_MODE 0444

struct kb_index;
struct kb_repo;
struct kb_sources;
struct kb_tree;
struct kb_view;

/* What stat(2) wants to know. */
struct kb_node {
	uint64_t ino; /* fs/ino.h */
	bool dir;
	bool fixed;    /* will never change */
	bool ready;    /* listed; counts when kb_tree_count() is told */
	bool moves;    /* its name may stand for another soon */
	uint32_t mode; /* permissions */
	uint32_t nlink;
	uint64_t size;
	int64_t mtime; /* ms */
};

/*
 * with_restore: the root also shows `restore`, which the caller answers for.
 * Borrows all. Any thread may use a tree.
 */
int
kb_tree_new(struct kb_repo *repo, struct kb_index *index,
	struct kb_sources *sources, bool with_restore, struct kb_tree **out);
void
kb_tree_free(struct kb_tree *t);

/*
 * Looks for what was committed meanwhile. 1: by `kbak reindex`, so that files
 * which were there may be gone. Else 0; what fails is logged once.
 */
int
kb_tree_refresh(struct kb_tree *t);

/*
 * The entry `name` of a directory. -ENOENT; -ENOTDIR. Each success is to be
 * taken back by kb_tree_forget(), as FUSE counts lookups.
 */
int
kb_tree_lookup(struct kb_tree *t, uint64_t parent, const char *name,
	struct kb_node *out);
void
kb_tree_forget(struct kb_tree *t, uint64_t ino, uint64_t lookups);

/*
 * Counts a lookup of a listed entry that is `ready`: its node is whole. Takes
 * no lock that is held while listing.
 */
void
kb_tree_count(struct kb_tree *t, uint64_t ino);

/* -ESTALE: no such inode (any more). */
int
kb_tree_stat(struct kb_tree *t, uint64_t ino, struct kb_node *out);

/* Opens a file. -EISDIR, and errors of kb_view_open(). */
int
kb_tree_open(struct kb_tree *t, uint64_t ino, struct kb_view **out);

/*
 * Takes an entry of a listing; `cookie` leads behind it. Returns 0 to go on,
 * 1 when there is no room for it. Must not call the tree, but kb_tree_count().
 */
typedef int
kb_tree_fill_fn(void *ctx, const char *name, const struct kb_node *node,
	uint64_t cookie);

/*
 * Lists a directory from cookie on (0: from the start), "." and ".." first.
 * The entries carry what lookup would give, without counting as lookups; their
 * node is whole when `stats` is set, else only ino and dir are sure; the size
 * of a file of the past is not in it. -ENOTDIR.
 */
int
kb_tree_list(struct kb_tree *t, uint64_t ino, uint64_t cookie, bool stats,
	kb_tree_fill_fn *fill, void *ctx);

#endif
