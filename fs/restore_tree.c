/*
 * Directories and files below restore/ exist in memory, for as long as the
 * mount: a file that was restored stays known by name, so that it is not
 * restored twice. A file is found by the name it will have in the end, rsync's
 * temporary name included, so two ways to write one file meet in one item.
 *
 * Invariants: (1) `lock` guards the tables, the links between items and the
 * counts; it is never held while talking to the cluster. (2) An item's `busy`
 * lock guards its sink; it is taken before `lock`, never after. (3) An item is
 * freed when it is unlinked, forgotten by the kernel and not open.
 */
#include "fs/restore_tree.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/cancel.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "fs/filename.h"
#include "fs/ino.h"
#include "fs/hash.h"
#include "restore/restore.h"
#include "store/layout.h"

#define QUEUE_MS 50 /* between two looks whether a waiter was interrupted */

enum level { ROOT, TOPIC, PARTITION, RESTORED };

struct item {
	struct kb_link by_name; /* parent and final name */
	struct kb_link by_ino;
	struct item *parent; /* NULL: the root, or unlinked */
	struct item *prev;   /* siblings, oldest first */
	struct item *next;
	struct item *first; /* children */
	struct item *last;
	uint32_t dirs; /* children that are directories */
	enum level level;
	int32_t partition; /* of a partition */
	uint64_t number;   /* rises; the cookie of a listing */
	uint64_t lookups;
	unsigned opens;
	uint64_t records; /* at the target; of a file that is closed */
	struct kb_node node;
	char name[KB_RESTORE_NAME_MAX]; /* as it was created */
	char final[KB_RESTORE_NAME_MAX];
	pthread_mutex_t busy;
	struct kb_sink *sink; /* while open for writing */
};

struct kb_restore_file {
	struct item *item;
	bool writing;
};

struct kb_restore_tree {
	struct kb_restore *restore;
	pthread_mutex_t lock;
	struct kb_hash by_name;
	struct kb_hash by_ino;
	struct item *root;
	uint64_t next;
};

/* ---- items ---- */

static uint64_t
hash_name(const struct item *parent, const char *final)
{
	return kb_hash_text(parent->node.ino, final);
}

static uint64_t
hash_ino(uint64_t ino)
{
	return kb_hash_mix(0, ino);
}

static struct item *
find_ino(struct kb_restore_tree *t, uint64_t ino)
{
	struct kb_link *l = kb_hash_find(&t->by_ino, hash_ino(ino));

	for (; l; l = kb_hash_next(l)) {
		struct item *i = kb_link_entry(l, struct item, by_ino);

		if (i->node.ino == ino)
			return i;
	}
	return NULL;
}

static struct item *
find_final(
	struct kb_restore_tree *t, const struct item *parent, const char *final)
{
	struct kb_link *l = kb_hash_find(&t->by_name, hash_name(parent, final));

	for (; l; l = kb_hash_next(l)) {
		struct item *i = kb_link_entry(l, struct item, by_name);

		if (i->parent == parent && strcmp(i->final, final) == 0)
			return i;
	}
	return NULL;
}

/* The child of exactly that name. */
static struct item *
find_child(
	struct kb_restore_tree *t, const struct item *parent, const char *name)
{
	char final[KB_RESTORE_NAME_MAX];
	bool temporary = false;
	struct item *i;

	if (strlen(name) >= sizeof(final))
		return NULL;
	if (parent->level != PARTITION)
		return find_final(t, parent, name);
	if (kb_filename_read_restored(name, final, &temporary) < 0)
		return NULL;
	i = find_final(t, parent, final);
	return i && strcmp(i->name, name) == 0 ? i : NULL;
}

/*
 * cp -r gives its copies the mode of the archive's directories, which nobody
 * may write to: their owner could not rm anything then.
 */
static uint32_t
mode_of(const struct item *i, uint32_t mode)
{
	return (mode & 07777) | (i->node.dir ? 0700 : 0);
}

static int
item_new(struct kb_restore_tree *t, enum level level, const char *name,
	const char *final, uint32_t mode, struct item **out)
{
	struct item *i = calloc(1, sizeof(*i));

	if (!i)
		return kb_err(-ENOMEM, "restore: out of memory");
	i->level = level;
	i->number = t->next++;
	i->node.ino = KB_INO_RESTORE | i->number;
	i->node.dir = level != RESTORED;
	i->node.nlink = i->node.dir ? 2 : 1;
	i->node.mode = mode_of(i, mode);
	i->node.mtime = kb_clock_wall_ms();
	snprintf(i->name, sizeof(i->name), "%s", name);
	snprintf(i->final, sizeof(i->final), "%s", final);
	if (kb_hash_add(&t->by_ino, &i->by_ino, hash_ino(i->node.ino)) < 0) {
		free(i);
		return kb_err(-ENOMEM, "restore: out of memory");
	}
	pthread_mutex_init(&i->busy, NULL);
	*out = i;
	return 0;
}

static void
item_free(struct kb_restore_tree *t, struct item *i)
{
	kb_hash_remove(&t->by_ino, &i->by_ino);
	kb_sink_close(i->sink);
	pthread_mutex_destroy(&i->busy);
	free(i);
}

static void
free_unused(struct kb_restore_tree *t, struct item *i)
{
	if (!i->parent && i != t->root && !i->lookups && !i->opens)
		item_free(t, i);
}

static int
link_item(struct kb_restore_tree *t, struct item *parent, struct item *i)
{
	if (kb_hash_add(&t->by_name, &i->by_name, hash_name(parent, i->final)) <
		0)
		return kb_err(-ENOMEM, "restore: out of memory");
	i->parent = parent;
	i->prev = parent->last;
	*(parent->last ? &parent->last->next : &parent->first) = i;
	parent->last = i;
	parent->dirs += i->node.dir;
	return 0;
}

static void
unlink_item(struct kb_restore_tree *t, struct item *i)
{
	struct item *parent = i->parent;

	kb_hash_remove(&t->by_name, &i->by_name);
	*(i->prev ? &i->prev->next : &parent->first) = i->next;
	*(i->next ? &i->next->prev : &parent->last) = i->prev;
	i->prev = i->next = i->parent = NULL;
	parent->dirs -= i->node.dir;
	free_unused(t, i);
}

static void
node_of(const struct item *i, struct kb_node *out)
{
	*out = i->node;
	out->nlink += i->dirs;
}

static int
no_inode(uint64_t ino)
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
	e = item_new(t, ROOT, "", "", 0755, &t->root);
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
	struct kb_link *l;

	if (!t)
		return;
	while ((l = kb_hash_any(&t->by_ino)))
		item_free(t, kb_link_entry(l, struct item, by_ino));
	kb_hash_release(&t->by_ino);
	kb_hash_release(&t->by_name);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

int
kb_restore_tree_lookup(struct kb_restore_tree *t, uint64_t parent,
	const char *name, struct kb_node *out)
{
	struct item *dir, *i = NULL;

	pthread_mutex_lock(&t->lock);
	dir = find_ino(t, parent);
	if (dir)
		i = find_child(t, dir, name);
	if (i) {
		i->lookups++;
		node_of(i, out);
	}
	pthread_mutex_unlock(&t->lock);
	return i ? 0 : dir ? -ENOENT : no_inode(parent);
}

void
kb_restore_tree_forget(
	struct kb_restore_tree *t, uint64_t ino, uint64_t lookups)
{
	struct item *i;

	pthread_mutex_lock(&t->lock);
	i = find_ino(t, ino);
	if (i) {
		i->lookups -= lookups < i->lookups ? lookups : i->lookups;
		free_unused(t, i);
	}
	pthread_mutex_unlock(&t->lock);
}

int
kb_restore_tree_stat(
	struct kb_restore_tree *t, uint64_t ino, struct kb_node *out)
{
	struct item *i;

	pthread_mutex_lock(&t->lock);
	i = find_ino(t, ino);
	if (i)
		node_of(i, out);
	pthread_mutex_unlock(&t->lock);
	return i ? 0 : no_inode(ino);
}

int
kb_restore_tree_list(struct kb_restore_tree *t, uint64_t ino, uint64_t cookie,
	kb_tree_fill_fn *fill, void *ctx)
{
	struct kb_node self = {.ino = ino, .dir = true};
	struct item *dir;
	int r = 0;

	pthread_mutex_lock(&t->lock);
	dir = find_ino(t, ino);
	if (!dir)
		r = no_inode(ino);
	if (r == 0 && cookie < 1)
		r = fill(ctx, ".", &self, 1);
	if (r == 0 && cookie < 2)
		r = fill(ctx, "..", &self, 2);
	for (struct item *i = r == 0 ? dir->first : NULL; r == 0 && i;
		i = i->next)
		if (i->number + 2 > cookie)
			r = fill(ctx, i->name, &i->node, i->number + 2);
	pthread_mutex_unlock(&t->lock);
	return r < 0 ? r : 0;
}

/* ---- directories ---- */

/* What a directory of that name in `dir` would be. */
static int
check_dir(const struct item *dir, const char *name, int32_t *out_partition)
{
	if (dir->level == ROOT && kb_topic_name_valid(name))
		return 0;
	if (dir->level == ROOT)
		return kb_err(-EINVAL, "restore/%s: not a topic's name", name);
	if (dir->level == TOPIC &&
		kb_filename_read_partition(name, out_partition) == 0)
		return 0;
	if (dir->level == TOPIC)
		return kb_err(-EINVAL,
			"restore/%s/%s: not a partition's number", dir->name,
			name);
	return kb_err(
		-EINVAL, "restore: %s: no directories below a partition", name);
}

/* Looks at the parent, before the target is asked; under no lock. */
static int
prepare_dir(struct kb_restore_tree *t, uint64_t parent, const char *name,
	enum level *out_level, int32_t *out_partition)
{
	const struct item *dir;
	int r;

	pthread_mutex_lock(&t->lock);
	dir = find_ino(t, parent);
	if (!dir || (dir->level != ROOT && !dir->parent))
		r = no_inode(parent);
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
	enum level level = ROOT;
	int32_t partition = -1;
	struct item *dir, *i = NULL;
	int r;

	r = prepare_dir(t, parent, name, &level, &partition);
	if (r == 0 && level == TOPIC)
		r = kb_restore_make_topic(t->restore, name, interrupt);
	if (r < 0 && !(r == -ENOENT && level == TOPIC))
		return r;
	pthread_mutex_lock(&t->lock);
	dir = find_ino(t, parent);
	if (!dir)
		r = no_inode(parent);
	else if (find_final(t, dir, name))
		r = kb_err(-EEXIST, "restore: %s: exists", name);
	else
		r = item_new(t, level, name, name, mode, &i);
	if (r == 0) {
		i->partition = partition;
		r = link_item(t, dir, i);
		if (r < 0)
			item_free(t, i);
	}
	if (r == 0) {
		i->lookups++;
		node_of(i, out);
	}
	pthread_mutex_unlock(&t->lock);
	return r;
}

int
kb_restore_tree_rmdir(
	struct kb_restore_tree *t, uint64_t parent, const char *name)
{
	struct item *dir, *i = NULL;
	int r = -ENOENT;

	pthread_mutex_lock(&t->lock);
	dir = find_ino(t, parent);
	if (dir)
		i = find_child(t, dir, name);
	if (i && !i->node.dir) {
		r = -ENOTDIR;
	} else if (i && i->first) {
		r = -ENOTEMPTY;
	} else if (i) {
		unlink_item(t, i);
		r = 0;
	}
	pthread_mutex_unlock(&t->lock);
	return r;
}

/* ---- files ---- */

static int
handle_new(struct item *i, bool writing, struct kb_restore_file **out)
{
	struct kb_restore_file *f = malloc(sizeof(*f));

	if (!f)
		return kb_err(-ENOMEM, "restore: out of memory");
	f->item = i;
	f->writing = writing;
	i->opens++;
	*out = f;
	return 0;
}

static int
open_sink(struct kb_restore_tree *t, struct item *i)
{
	const struct item *partition = i->parent, *topic = partition->parent;
	char label[3 * KB_RESTORE_NAME_MAX];

	snprintf(label, sizeof(label), "%s/%s/%s", topic->name, partition->name,
		i->final);
	return kb_sink_open(
		t->restore, topic->name, partition->partition, label, &i->sink);
}

static int
restored_before(const struct item *i)
{
	return kb_err(-EEXIST,
		"restore: %s: restored in this mount already, %" PRIu64
		" records of it are at the target: rm it first to have them "
		"there twice",
		i->final, i->records);
}

static int
create_locked(struct kb_restore_tree *t, struct item *dir, const char *name,
	uint32_t mode, struct item **out)
{
	char final[KB_RESTORE_NAME_MAX];
	bool temporary;
	struct item *i;
	int r;

	if (dir->level != PARTITION || !dir->parent)
		return kb_err(-EINVAL,
			"restore: %s: files go into restore/TOPIC/PARTITION/",
			name);
	r = kb_filename_read_restored(name, final, &temporary);
	if (r < 0)
		return r;
	i = find_final(t, dir, final);
	if (i)
		return restored_before(i);
	r = item_new(t, RESTORED, name, final, mode, &i);
	if (r < 0)
		return r;
	r = link_item(t, dir, i);
	if (r < 0) {
		item_free(t, i);
		return r;
	}
	r = open_sink(t, i);
	if (r < 0) {
		unlink_item(t, i);
		return r;
	}
	*out = i;
	return 0;
}

int
kb_restore_tree_create(struct kb_restore_tree *t, uint64_t parent,
	const char *name, uint32_t mode, struct kb_node *out,
	struct kb_restore_file **out_file)
{
	struct item *dir, *i;
	int r;

	pthread_mutex_lock(&t->lock);
	dir = find_ino(t, parent);
	r = dir ? create_locked(t, dir, name, mode, &i) : no_inode(parent);
	if (r == 0) {
		r = handle_new(i, true, out_file);
		if (r < 0)
			unlink_item(t, i);
	}
	if (r == 0) {
		i->lookups++;
		node_of(i, out);
	}
	pthread_mutex_unlock(&t->lock);
	return r;
}

int
kb_restore_tree_open(struct kb_restore_tree *t, uint64_t ino, bool writing,
	struct kb_restore_file **out)
{
	struct item *i;
	int r = 0;

	pthread_mutex_lock(&t->lock);
	i = find_ino(t, ino);
	if (!i)
		r = no_inode(ino);
	else if (i->node.dir)
		r = -EISDIR;
	else if (writing && (i->sink || i->node.size || !i->parent))
		r = restored_before(i);
	else if (writing)
		r = open_sink(t, i);
	if (r == 0)
		r = handle_new(i, writing, out);
	pthread_mutex_unlock(&t->lock);
	return r;
}

/* Takes the sink's lock, unless interrupted first. */
static int
take_sink(struct item *i, struct kb_cancel *interrupt)
{
	while (pthread_mutex_trylock(&i->busy) != 0) {
		struct timespec at;

		if (kb_cancel_fired(interrupt))
			return -EINTR;
		clock_gettime(CLOCK_REALTIME, &at);
		at.tv_nsec += QUEUE_MS * 1000000;
		if (at.tv_nsec >= 1000000000) {
			at.tv_nsec -= 1000000000;
			at.tv_sec++;
		}
		if (pthread_mutex_timedlock(&i->busy, &at) == 0)
			return 0;
	}
	return 0;
}

int
kb_restore_file_write(struct kb_restore_file *f, uint64_t pos,
	struct kb_slice bytes, struct kb_cancel *interrupt, size_t *out_taken)
{
	struct item *i = f->item;
	int r;

	if (!f->writing)
		return -EBADF;
	r = take_sink(i, interrupt);
	if (r < 0)
		return r;
	r = kb_sink_write(i->sink, pos, bytes, interrupt, out_taken);
	__atomic_store_n(
		&i->node.size, kb_sink_size(i->sink), __ATOMIC_RELAXED);
	pthread_mutex_unlock(&i->busy);
	return r;
}

int
kb_restore_file_flush(struct kb_restore_file *f, struct kb_cancel *interrupt)
{
	struct item *i = f->item;
	int r;

	if (!f->writing)
		return 0;
	r = take_sink(i, interrupt);
	if (r < 0)
		return r;
	r = kb_sink_flush(i->sink, interrupt);
	pthread_mutex_unlock(&i->busy);
	return r;
}

void
kb_restore_file_release(struct kb_restore_tree *t, struct kb_restore_file *f)
{
	struct item *i = f->item;
	struct kb_sink *sink = NULL;

	pthread_mutex_lock(&t->lock);
	if (f->writing) {
		sink = i->sink;
		i->sink = NULL;
		i->records = kb_sink_records(sink);
	}
	i->opens--;
	free_unused(t, i);
	pthread_mutex_unlock(&t->lock);
	kb_sink_close(sink);
	free(f);
}

int
kb_restore_tree_change(struct kb_restore_tree *t, uint64_t ino,
	const struct kb_restore_change *change, struct kb_node *out)
{
	struct item *i;
	int r = 0;

	pthread_mutex_lock(&t->lock);
	i = find_ino(t, ino);
	if (!i)
		r = no_inode(ino);
	else if (change->set_size && change->size != i->node.size)
		r = kb_err(-EINVAL, "restore: %s: its size cannot be changed",
			i->final);
	if (r == 0) {
		if (change->set_mode)
			i->node.mode = mode_of(i, change->mode);
		if (change->set_mtime)
			i->node.mtime = change->mtime;
		node_of(i, out);
	}
	pthread_mutex_unlock(&t->lock);
	return r;
}

/* Puts an item under another name; its inode stays. */
static int
rename_item(struct kb_restore_tree *t, struct item *i, const char *name,
	const char *final)
{
	kb_hash_remove(&t->by_name, &i->by_name);
	snprintf(i->name, sizeof(i->name), "%s", name);
	snprintf(i->final, sizeof(i->final), "%s", final);
	return kb_hash_add(
		&t->by_name, &i->by_name, hash_name(i->parent, i->final));
}

int
kb_restore_tree_unlink(
	struct kb_restore_tree *t, uint64_t parent, const char *name)
{
	char final[KB_RESTORE_NAME_MAX];
	struct item *dir, *i = NULL;
	int r = -ENOENT;

	pthread_mutex_lock(&t->lock);
	dir = find_ino(t, parent);
	if (dir)
		i = find_child(t, dir, name);
	if (i && i->node.dir) {
		r = -EISDIR;
	} else if (i && i->node.size && strcmp(i->name, i->final) != 0) {
		kb_log_warn("restore/%s/%s/%s: not all of it was written; "
			    "rm it before it is restored again",
			dir->parent->name, dir->name, i->final);
		memcpy(final, i->final, sizeof(final));
		r = rename_item(t, i, final, final);
	} else if (i) {
		if (i->records)
			kb_log_warn("restore/%s/%s/%s: forgotten, but %" PRIu64
				    " records of it stay at the target: "
				    "restored again, they are there twice",
				dir->parent->name, dir->name, i->final,
				i->records);
		unlink_item(t, i);
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
	struct item *dir, *i = NULL, *other;
	bool temporary = false;
	int r;

	pthread_mutex_lock(&t->lock);
	dir = find_ino(t, parent);
	if (dir)
		i = find_child(t, dir, name);
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
		other = r == 0 ? find_final(t, dir, final) : NULL;
		if (other && other != i)
			r = kb_err(-EEXIST, "restore: %s: exists", new_name);
	}
	if (r == 0)
		r = rename_item(t, i, new_name, final);
	pthread_mutex_unlock(&t->lock);
	return r;
}
