/* Ranges that somebody looked up and that no listing shows. */
#ifndef KB_FS_RANGES_H
#define KB_FS_RANGES_H

#include <stdbool.h>
#include <stdint.h>

struct kb_index;
struct kb_node;
struct kb_place;
struct kb_ranges;
struct kb_selector;
struct kb_sources;
struct kb_view;

/* Any thread may use it. Borrows both. */
int
kb_ranges_new(struct kb_sources *s, struct kb_index *x, struct kb_ranges **out);
void
kb_ranges_free(struct kb_ranges *r);

/*
 * The node of those records of place, its inode number made when it has none;
 * `what` says offsets. fixed: no record of it is still to come. undated: the
 * time shown when no record has one, ms. Counts one lookup. -ENOENT: it holds
 * no record; errors of kb_view_open(), of which -EINVAL has been logged.
 */
int
kb_ranges_lookup(struct kb_ranges *r, const struct kb_place *place,
	const struct kb_selector *what, bool fixed, int64_t undated,
	struct kb_node *out);

/* Takes lookups back; the last one frees the range and its number. */
void
kb_ranges_forget(struct kb_ranges *r, uint64_t ino, uint64_t lookups);

/* As lookup, without counting. -ESTALE: no such number. */
int
kb_ranges_stat(struct kb_ranges *r, uint64_t ino, struct kb_node *out);

/* What a number stands for. -ESTALE. */
int
kb_ranges_what(struct kb_ranges *r, uint64_t ino,
	const struct kb_place **out_place, struct kb_selector *out_what);

/* -ESTALE; errors of kb_view_open(). */
int
kb_ranges_open(struct kb_ranges *r, uint64_t ino, struct kb_view **out);

#endif
