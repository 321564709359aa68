/*
 * Open files below restore/. A file that is written has a sink; requests for
 * the same file take turns at it, and each may be interrupted while it waits
 * for its turn. Invariants: restore_tree.c.
 */
#include "fs/restore_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/cancel.h"
#include "common/err.h"
#include "fs/filename.h"
#include "fs/restore_items.h"
#include "restore/restore.h"

#define QUEUE_MS 50 /* between two looks whether a waiter was interrupted */

struct kb_restore_file {
	struct kb_restored *item;
	bool writing;
};

static int
handle_new(struct kb_restored *i, bool writing, struct kb_restore_file **out)
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
open_sink(struct kb_restore_tree *t, struct kb_restored *i)
{
	const struct kb_restored *partition = i->parent,
				 *topic = partition->parent;
	char label[3 * KB_RESTORE_NAME_MAX];

	snprintf(label, sizeof(label), "%s/%s/%s", topic->name, partition->name,
		i->final);
	return kb_sink_open(
		t->restore, topic->name, partition->partition, label, &i->sink);
}

static int
restored_before(const struct kb_restored *i)
{
	return kb_err(-EEXIST,
		"restore: %s: restored in this mount already, %" PRIu64
		" records of it are at the target: rm it first to have them "
		"there twice",
		i->final, i->records);
}

static int
create_locked(struct kb_restore_tree *t, struct kb_restored *dir,
	const char *name, uint32_t mode, struct kb_restored **out)
{
	char final[KB_RESTORE_NAME_MAX];
	bool temporary;
	struct kb_restored *i;
	int r;

	if (dir->level != KB_RESTORED_PARTITION || !dir->parent)
		return kb_err(-EINVAL,
			"restore: %s: files go into restore/TOPIC/PARTITION/",
			name);
	r = kb_filename_read_restored(name, final, &temporary);
	if (r < 0)
		return r;
	i = kb_restored_final(&t->all, dir, final);
	if (i)
		return restored_before(i);
	r = kb_restored_new(&t->all, KB_RESTORED_FILE, name, final, mode, &i);
	if (r < 0)
		return r;
	r = kb_restored_link(&t->all, dir, i);
	if (r < 0) {
		kb_restored_free(&t->all, i);
		return r;
	}
	r = open_sink(t, i);
	if (r < 0) {
		kb_restored_unlink(&t->all, i);
		return r;
	}
	*out = i;
	return 0;
}

int
kb_restore_file_create(struct kb_restore_tree *t, uint64_t parent,
	const char *name, uint32_t mode, struct kb_node *out,
	struct kb_restore_file **out_file)
{
	struct kb_restored *dir, *i;
	int r;

	pthread_mutex_lock(&t->lock);
	dir = kb_restored_at(&t->all, parent);
	r = dir ? create_locked(t, dir, name, mode, &i)
		: kb_restore_tree_unknown(parent);
	if (r == 0) {
		r = handle_new(i, true, out_file);
		if (r < 0)
			kb_restored_unlink(&t->all, i);
	}
	if (r == 0) {
		i->lookups++;
		kb_restored_node(i, out);
	}
	pthread_mutex_unlock(&t->lock);
	return r;
}

int
kb_restore_file_open(struct kb_restore_tree *t, uint64_t ino, bool writing,
	struct kb_restore_file **out)
{
	struct kb_restored *i;
	int r = 0;

	pthread_mutex_lock(&t->lock);
	i = kb_restored_at(&t->all, ino);
	if (!i)
		r = kb_restore_tree_unknown(ino);
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
take_sink(struct kb_restored *i, struct kb_cancel *interrupt)
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
	struct kb_restored *i = f->item;
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
	struct kb_restored *i = f->item;
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
	struct kb_restored *i = f->item;
	struct kb_sink *sink = NULL;

	pthread_mutex_lock(&t->lock);
	if (f->writing) {
		sink = i->sink;
		i->sink = NULL;
		i->records = kb_sink_records(sink);
	}
	i->opens--;
	kb_restored_release(&t->all, i);
	pthread_mutex_unlock(&t->lock);
	kb_sink_close(sink);
	free(f);
}
