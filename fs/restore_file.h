/* Files below restore/ as they are written. */
#ifndef KB_FS_RESTORE_FILE_H
#define KB_FS_RESTORE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"

struct kb_cancel;
struct kb_node;
struct kb_restore_file;
struct kb_restore_tree;

/*
 * Makes a file in a partition's directory and opens it for writing; counts one
 * lookup. -EINVAL: the name or the place; -EEXIST: this mount has restored, or
 * is restoring, a file of that name, rsync's temporary name for it included.
 */
int
kb_restore_file_create(struct kb_restore_tree *t, uint64_t parent,
	const char *name, uint32_t mode, struct kb_node *out,
	struct kb_restore_file **out_file);

/*
 * Opens a file again; for writing only while nothing was written (-EEXIST).
 * Nobody reads one: -EACCES is the caller's answer to a read.
 */
int
kb_restore_file_open(struct kb_restore_tree *t, uint64_t ino, bool writing,
	struct kb_restore_file **out);

/* As kb_sink_write() and kb_sink_flush(); -EINTR also while queueing. */
int
kb_restore_file_write(struct kb_restore_file *f, uint64_t pos,
	struct kb_slice bytes, struct kb_cancel *interrupt, size_t *out_taken);
int
kb_restore_file_flush(struct kb_restore_file *f, struct kb_cancel *interrupt);

/* Ends one open; errors have been told by flush. */
void
kb_restore_file_release(struct kb_restore_tree *t, struct kb_restore_file *f);

#endif
