/* The tree as it was before a time: `@TIME/`. */
#ifndef KB_FS_PAST_TREE_H
#define KB_FS_PAST_TREE_H

#include <stdint.h>

struct kb_node;
struct kb_place;
struct kb_segment;
struct kb_selector;
struct kb_tree;

/* The root of that time. Counts as a lookup. -ENFILE: kb_past_dir(). */
int
kb_past_tree_enter(struct kb_tree *t, int64_t before, struct kb_node *out);

/* As kb_tree_lookup() and kb_tree_stat(), for numbers of the past. */
int
kb_past_tree_lookup(struct kb_tree *t, uint64_t parent, const char *name,
	struct kb_node *out);
int
kb_past_tree_stat(struct kb_tree *t, uint64_t ino, struct kb_node *out);

/* Which records a file shows. -ESTALE; -EISDIR. */
int
kb_past_tree_what(struct kb_tree *t, uint64_t ino,
	const struct kb_place **out_place, struct kb_selector *out_what);

/*
 * The node of a directory as it was, of what it is today: it is no newer than
 * the time. Its number is the caller's business.
 */
void
kb_past_tree_age(const struct kb_tree *t, int64_t before, struct kb_node *node);

#endif
