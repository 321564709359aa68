/*
 * A file without a name yet, and its publication: it appears under its name
 * whole, and never in the place of another.
 */
#ifndef KB_STORE_TEMP_H
#define KB_STORE_TEMP_H

#include <stdbool.h>
#include <stddef.h>

#include "common/uuid.h"

/* How a file system publishes, best first. */
enum kb_temp_way {
	KB_TEMP_UNKNOWN,
	KB_TEMP_EMPTY_PATH, /* O_TMPFILE, linkat(2) with AT_EMPTY_PATH */
	KB_TEMP_PROC,	    /* O_TMPFILE, linkat(2) of /proc/self/fd */
	KB_TEMP_RENAME,	    /* a locked file in tmp/, renameat2(NOREPLACE) */
};

struct kb_temp {
	int fd;
	char name[sizeof("tmp/") + KB_UUID_TEXT]; /* "" for O_TMPFILE */
};

/*
 * Finds out, by trying, the best way below the directory root. -EOPNOTSUPP:
 * none works; `where` names the place in sentences.
 */
int
kb_temp_probe(int root, const char *where, enum kb_temp_way *out);

/* -errno without a sentence. */
int
kb_temp_open(int root, enum kb_temp_way way, struct kb_temp *out);

/* Gives t its name. -EEXIST and other -errno without a sentence. */
int
kb_temp_link(int root, enum kb_temp_way way, struct kb_temp *t, int dir,
	const char *base);

/* Closes t; removes what kb_temp_link() did not publish. */
void
kb_temp_close(int root, struct kb_temp *t);

/* As kb_store_sweep(), or kb_store_count_leftovers() without remove. */
int
kb_temp_sweep(int root, const char *where, bool remove, size_t *out_count);

#endif
