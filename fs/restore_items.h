/* What the files restore_*.c share: the insides of the tree below restore/. */
#ifndef KB_FS_RESTORE_ITEMS_H
#define KB_FS_RESTORE_ITEMS_H

#include <pthread.h>
#include <stdint.h>

#include "fs/restored.h"

struct kb_restore;

struct kb_restore_tree {
	struct kb_restore *restore;
	pthread_mutex_t lock;
	struct kb_restored_set all;
};

/* -ESTALE, with a sentence. */
int
kb_restore_tree_unknown(uint64_t ino);

#endif
