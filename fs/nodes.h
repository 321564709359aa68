/* What the files of the tree share: its insides, and nodes made of rows. */
#ifndef KB_FS_NODES_H
#define KB_FS_NODES_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "fs/ino.h"
#include "fs/roster.h"
#include "fs/tree.h"

struct kb_past;
struct kb_ranges;
struct kb_selector;

/* The topic that `restore` hides is shown below NAMESPACE alone. */
#define KB_NAMESPACE "@topic"
#define KB_RESTORE "restore"

struct kb_tree {
	struct kb_repo *repo;
	struct kb_index *index;
	struct kb_sources *sources;
	struct kb_ranges *ranges;
	struct kb_past *past;
	bool with_restore;
	pthread_mutex_t lock; /* guards what follows */
	struct kb_roster roster;
	bool refresh_failed;
	int64_t newest;		   /* of all topics, */
	int64_t totalled;	   /* as of this clock; 0 never, */
	uint64_t total_generation; /* and generation */
};

/* The node of a directory; the caller holds the lock. -ESTALE. */
int
kb_nodes_dir(struct kb_tree *t, const struct kb_ino *n, struct kb_node *out);

/* The same of what is at hand. */
int
kb_nodes_root(struct kb_tree *t, struct kb_node *out);
int
kb_nodes_namespace(struct kb_tree *t, struct kb_node *out);
int
kb_nodes_topic(
	struct kb_tree *t, struct kb_roster_topic *topic, struct kb_node *out);
int
kb_nodes_partition(
	struct kb_tree *t, struct kb_roster_partition *p, struct kb_node *out);

/*
 * The node of a listed file. Its number is only for d_ino when its offset does
 * not fit the scheme.
 */
void
kb_nodes_segment(const struct kb_roster_partition *p,
	const struct kb_segment *s, struct kb_node *out);

/* A file that no listing shows: kb_ranges_lookup(). */
int
kb_nodes_range(struct kb_tree *t, struct kb_roster_partition *p,
	const struct kb_selector *what, struct kb_node *out);

/* The partition of that ordinal, or NULL; takes the lock. */
struct kb_roster_partition *
kb_nodes_partition_at(struct kb_tree *t, uint32_t ordinal);

/* -ESTALE, with a sentence: no such inode; no such file any more. */
int
kb_nodes_unknown(uint64_t ino);
int
kb_nodes_gone(const struct kb_roster_partition *p, int64_t first);

#endif
