/* Numbers of directories and files as they were at a time. */
#ifndef KB_FS_PAST_H
#define KB_FS_PAST_H

#include <stdint.h>

struct kb_past;

/* What a number stands for. */
struct kb_past_place {
	int64_t before; /* records older than that, ms */
	uint64_t plain; /* the directory's number of today; a file's folder's */
	int64_t first;	/* of a file */
};

/* Any thread may use it. */
int
kb_past_new(struct kb_past **out);
void
kb_past_free(struct kb_past *p);

/*
 * The number of directory `plain` as of that time. Counts one lookup. -ENFILE:
 * more are in use than there are numbers for.
 */
int
kb_past_dir(
	struct kb_past *p, int64_t before, uint64_t plain, uint64_t *out_ino);

/*
 * The number of the file whose first record is `first`, below
 * KB_INO_PAST_OFFSETS, in partition `dir`. Counts one lookup. -ESTALE.
 */
int
kb_past_file(struct kb_past *p, uint64_t dir, int64_t first, uint64_t *out_ino);

/* The same for a listing, without counting; any offset. */
int
kb_past_number(
	struct kb_past *p, uint64_t dir, int64_t first, uint64_t *out_ino);

/* Counts one lookup of a number that kb_past_number() gave. */
void
kb_past_count(struct kb_past *p, uint64_t ino);

/* Takes lookups back; with the last one the number means nothing any more. */
void
kb_past_forget(struct kb_past *p, uint64_t ino, uint64_t lookups);

/* -ESTALE: no such number. */
int
kb_past_find(struct kb_past *p, uint64_t ino, struct kb_past_place *out);

#endif
