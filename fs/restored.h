/* Items below restore/: who is where, and under which name. */
#ifndef KB_FS_RESTORED_H
#define KB_FS_RESTORED_H

#include <pthread.h>
#include <stdint.h>

#include "fs/hash.h"
#include "fs/tree.h"

struct kb_sink;

enum kb_restored_level {
	KB_RESTORED_ROOT,
	KB_RESTORED_TOPIC,
	KB_RESTORED_PARTITION,
	KB_RESTORED_FILE,
};

/* A directory or a file. */
struct kb_restored {
	struct kb_link by_name; /* parent and final name */
	struct kb_link by_ino;
	struct kb_restored *parent; /* NULL: the root, or unlinked */
	struct kb_restored *prev;   /* siblings, oldest first */
	struct kb_restored *next;
	struct kb_restored *first; /* children */
	struct kb_restored *last;
	uint32_t dirs; /* children that are directories */
	enum kb_restored_level level;
	int32_t partition; /* of a partition */
	uint64_t number;   /* rises; the cookie of a listing */
	uint64_t lookups;
	unsigned opens;
	uint64_t records; /* at the target; of a file that is closed */
	struct kb_node node;
	char *name;	      /* as it is shown */
	char *final;	      /* as it will be in the end */
	pthread_mutex_t busy; /* held by who uses the sink */
	struct kb_sink *sink; /* while open for writing */
};

/* All items of a mount. The caller holds a lock around each call. */
struct kb_restored_set {
	struct kb_hash by_name;
	struct kb_hash by_ino;
	struct kb_restored *root;
	uint64_t next;
};

/* Makes the root. -ENOMEM, as all that can fail here. */
int
kb_restored_set_init(struct kb_restored_set *all);
void
kb_restored_set_release(struct kb_restored_set *all);

/* NULL when there is none. */
struct kb_restored *
kb_restored_at(struct kb_restored_set *all, uint64_t ino);

/* The child that has, or will have, that name in the end; NULL. */
struct kb_restored *
kb_restored_final(struct kb_restored_set *all, const struct kb_restored *parent,
	const char *final);

/* The child that is shown under exactly that name; NULL. */
struct kb_restored *
kb_restored_child(struct kb_restored_set *all, const struct kb_restored *parent,
	const char *name);

/* An item with a number, not yet linked to a parent. */
int
kb_restored_new(struct kb_restored_set *all, enum kb_restored_level level,
	const char *name, const char *final, uint32_t mode,
	struct kb_restored **out);

/* Frees an item that is not linked, whoever still counts on it. */
void
kb_restored_free(struct kb_restored_set *all, struct kb_restored *i);

/* Frees an item that is unlinked, forgotten and not open. */
void
kb_restored_release(struct kb_restored_set *all, struct kb_restored *i);

int
kb_restored_link(struct kb_restored_set *all, struct kb_restored *parent,
	struct kb_restored *i);

/* Then releases it. */
void
kb_restored_unlink(struct kb_restored_set *all, struct kb_restored *i);

/* Gives an item other names, which are copied; its inode stays. */
int
kb_restored_rename(struct kb_restored_set *all, struct kb_restored *i,
	const char *name, const char *final);

/*
 * The permissions that it gets when asked for `mode`: cp -r gives its copies
 * those of the archive's directories, which nobody may write to.
 */
uint32_t
kb_restored_mode(const struct kb_restored *i, uint32_t mode);

/* What stat(2) wants to know. */
void
kb_restored_node(const struct kb_restored *i, struct kb_node *out);

#endif
