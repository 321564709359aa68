/* Which files of index/ make up the index: names, numbers, ranges. */
#ifndef KB_INDEX_STACK_H
#define KB_INDEX_STACK_H

#include <stddef.h>
#include <stdint.h>

struct kb_store;

/* Room for a file's name, final zero included. */
#define KB_STACK_NAME 64

/* A merge takes at most as many files. */
#define KB_STACK_PARTS 64

/* The commits from..to (from 1), in one file. */
struct kb_stack_file {
	uint64_t from;
	uint64_t to;
};

/* The newest generation; {0} is an empty stack. */
struct kb_stack {
	uint64_t generation;	     /* 0: no file at all */
	struct kb_stack_file *files; /* the fewest that cover all, in order */
	size_t count;
	struct kb_stack_file *spare; /* covered by wider ones */
	size_t spare_count;
};

/* `index/<generation>/<from>-<to>.sqlite` */
void
kb_stack_name(char out[KB_STACK_NAME], uint64_t generation,
	const struct kb_stack_file *f);

/*
 * Lists the newest generation that holds files; the caller releases. -ESTALE:
 * a number stays missing however often the listing is repeated.
 */
int
kb_stack_list(struct kb_store *s, struct kb_stack *out);
void
kb_stack_release(struct kb_stack *k);

/* The highest number covered; 0 in an empty stack. */
uint64_t
kb_stack_top(const struct kb_stack *k);

/* The file that covers n, or NULL. */
const struct kb_stack_file *
kb_stack_find(const struct kb_stack *k, uint64_t n);

/*
 * The widest range that is worth one file: as wide as a power of two and
 * aligned to it, and tiled by `parts` (>= 2) to KB_STACK_PARTS files.
 * *out_first is the first of them, *out_count how many. 0, or 1: there is none.
 */
int
kb_stack_pick(const struct kb_stack *k, size_t parts, size_t *out_first,
	size_t *out_count);

/* Numbers of all generations that have a directory, rising; malloc'd. */
int
kb_stack_generations(struct kb_store *s, uint64_t **out, size_t *out_count);

/*
 * Removes all files of a generation, the oldest first, so that whoever lists
 * it meanwhile sees a hole and lists again. Files already gone are fine.
 */
int
kb_stack_remove_generation(struct kb_store *s, uint64_t generation);

#endif
