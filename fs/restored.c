/*
 * A file is found by the name it will have in the end, rsync's temporary name
 * included: two ways to write one file meet in one item. An item lives while
 * it is linked, open, or remembered by the kernel.
 */
#include "fs/restored.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/err.h"
#include "fs/filename.h"
#include "fs/ino.h"
#include "restore/restore.h"

static int
no_memory(void)
{
	return kb_err(-ENOMEM, "restore: out of memory");
}

int
kb_restored_set_init(struct kb_restored_set *all)
{
	memset(all, 0, sizeof(*all));
	return kb_restored_new(all, KB_RESTORED_ROOT, "", "", 0755, &all->root);
}

void
kb_restored_set_release(struct kb_restored_set *all)
{
	struct kb_link *l;

	while ((l = kb_hash_any(&all->by_ino)))
		kb_restored_free(
			all, kb_link_entry(l, struct kb_restored, by_ino));
	kb_hash_release(&all->by_ino);
	kb_hash_release(&all->by_name);
}

/* ---- finding ---- */

static uint64_t
hash_name(const struct kb_restored *parent, const char *final)
{
	return kb_hash_text(parent->node.ino, final);
}

static uint64_t
hash_ino(uint64_t ino)
{
	return kb_hash_mix(0, ino);
}

struct kb_restored *
kb_restored_at(struct kb_restored_set *all, uint64_t ino)
{
	struct kb_link *l = kb_hash_find(&all->by_ino, hash_ino(ino));

	for (; l; l = kb_hash_next(l)) {
		struct kb_restored *i =
			kb_link_entry(l, struct kb_restored, by_ino);

		if (i->node.ino == ino)
			return i;
	}
	return NULL;
}

struct kb_restored *
kb_restored_final(struct kb_restored_set *all, const struct kb_restored *parent,
	const char *final)
{
	struct kb_link *l =
		kb_hash_find(&all->by_name, hash_name(parent, final));

	for (; l; l = kb_hash_next(l)) {
		struct kb_restored *i =
			kb_link_entry(l, struct kb_restored, by_name);

		if (i->parent == parent && strcmp(i->final, final) == 0)
			return i;
	}
	return NULL;
}

struct kb_restored *
kb_restored_child(struct kb_restored_set *all, const struct kb_restored *parent,
	const char *name)
{
	char final[KB_RESTORE_NAME_MAX];
	struct kb_restored *i;
	bool temporary;

	if (parent->level != KB_RESTORED_PARTITION)
		return kb_restored_final(all, parent, name);
	if (kb_filename_read_restored(name, final, &temporary) < 0)
		return NULL;
	i = kb_restored_final(all, parent, final);
	return i && strcmp(i->name, name) == 0 ? i : NULL;
}

/* ---- coming and going ---- */

static int
copy_names(
	const char *name, const char *final, char **out_name, char **out_final)
{
	char *a = strdup(name), *b = strdup(final);

	if (!a || !b) {
		free(a);
		free(b);
		return no_memory();
	}
	*out_name = a;
	*out_final = b;
	return 0;
}

int
kb_restored_new(struct kb_restored_set *all, enum kb_restored_level level,
	const char *name, const char *final, uint32_t mode,
	struct kb_restored **out)
{
	struct kb_restored *i = calloc(1, sizeof(*i));

	if (!i)
		return no_memory();
	i->level = level;
	i->number = all->next++;
	i->node.ino = KB_INO_RESTORE | i->number;
	i->node.dir = level != KB_RESTORED_FILE;
	i->node.nlink = i->node.dir ? 2 : 1;
	i->node.mode = kb_restored_mode(i, mode);
	i->node.mtime = kb_clock_wall_ms();
	if (copy_names(name, final, &i->name, &i->final) < 0 ||
		kb_hash_add(&all->by_ino, &i->by_ino, hash_ino(i->node.ino)) <
			0) {
		free(i->name);
		free(i->final);
		free(i);
		return no_memory();
	}
	pthread_mutex_init(&i->busy, NULL);
	*out = i;
	return 0;
}

void
kb_restored_free(struct kb_restored_set *all, struct kb_restored *i)
{
	kb_hash_remove(&all->by_ino, &i->by_ino);
	kb_sink_close(i->sink);
	pthread_mutex_destroy(&i->busy);
	free(i->name);
	free(i->final);
	free(i);
}

void
kb_restored_release(struct kb_restored_set *all, struct kb_restored *i)
{
	if (!i->parent && i != all->root && !i->lookups && !i->opens)
		kb_restored_free(all, i);
}

int
kb_restored_link(struct kb_restored_set *all, struct kb_restored *parent,
	struct kb_restored *i)
{
	if (kb_hash_add(&all->by_name, &i->by_name,
		    hash_name(parent, i->final)) < 0)
		return no_memory();
	i->parent = parent;
	i->prev = parent->last;
	*(parent->last ? &parent->last->next : &parent->first) = i;
	parent->last = i;
	parent->dirs += i->node.dir;
	return 0;
}

void
kb_restored_unlink(struct kb_restored_set *all, struct kb_restored *i)
{
	struct kb_restored *parent = i->parent;

	kb_hash_remove(&all->by_name, &i->by_name);
	*(i->prev ? &i->prev->next : &parent->first) = i->next;
	*(i->next ? &i->next->prev : &parent->last) = i->prev;
	i->prev = i->next = i->parent = NULL;
	parent->dirs -= i->node.dir;
	kb_restored_release(all, i);
}

int
kb_restored_rename(struct kb_restored_set *all, struct kb_restored *i,
	const char *name, const char *final)
{
	char *new_name = NULL, *new_final = NULL;
	int r = copy_names(name, final, &new_name, &new_final);

	if (r < 0)
		return r;
	kb_hash_remove(&all->by_name, &i->by_name);
	free(i->name);
	free(i->final);
	i->name = new_name;
	i->final = new_final;
	/* There is room for what was just taken out. */
	return kb_hash_add(
		&all->by_name, &i->by_name, hash_name(i->parent, i->final));
}

uint32_t
kb_restored_mode(const struct kb_restored *i, uint32_t mode)
{
	return (mode & 07777) | (i->node.dir ? 0700 : 0);
}

void
kb_restored_node(const struct kb_restored *i, struct kb_node *out)
{
	*out = i->node;
	out->nlink += i->dirs;
}
