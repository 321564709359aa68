/*
 * Named immutable blobs. A name is created exactly once and never changes;
 * a blob appears under its name whole and durable, or not at all.
 *
 * Names are relative paths of safe bytes: `data/orders/<id>/0/<n>.log`; no
 * empty part, no "." or "..", no leading slash. All calls but those on one
 * writer may come from any thread.
 */
#ifndef KB_STORE_STORE_H
#define KB_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/buf.h"

struct kb_store;
struct kb_blob;
struct kb_blob_writer;

/*
 * A directory. create: made, durably, when absent. -ENOENT; -ENOTDIR; -EACCES.
 * Nothing is written before the first kb_store_create().
 */
int
kb_store_open_local(const char *path, bool create, struct kb_store **out);

/* Blobs in memory, for tests. */
int
kb_store_new_memory(struct kb_store **out);

void
kb_store_free(struct kb_store *s);

/* Where it is, for messages: the directory's path. */
const char *
kb_store_name(const struct kb_store *s);

/* ---- writing ---- */

/*
 * Begins a blob that nobody sees. Nothing is done about name yet. -EINVAL: not
 * a name; -EOPNOTSUPP: the file system can publish neither by O_TMPFILE and
 * linkat(2) nor by renameat2(2) with RENAME_NOREPLACE.
 */
int
kb_store_create(
	struct kb_store *s, const char *name, struct kb_blob_writer **out);

/* Appends. A writer that failed stays failed. -ENOSPC, -EIO, ... */
int
kb_blob_write(struct kb_blob_writer *w, struct kb_slice bytes);

/* Bytes appended so far. */
uint64_t
kb_blob_written(const struct kb_blob_writer *w);

/*
 * Makes the blob durable and visible under its name, exclusively, new parent
 * directories included; frees w in every case. -EEXIST: the name is taken
 * (somebody else's blob is untouched). After a failed fsync nothing is
 * published and nothing retried.
 */
int
kb_blob_publish(struct kb_blob_writer *w);

/*
 * Makes durable that a blob is there: somebody else may have published it and
 * been killed before that was. To be called before one that was merely found
 * is counted on. -ENOENT.
 */
int
kb_store_settle(struct kb_store *s, const char *name);

/* Forgets the blob and frees w (NULL is fine). */
void
kb_blob_abandon(struct kb_blob_writer *w);

/* ---- reading ---- */

/* -ENOENT without a blob of that name. *out_size may be NULL. */
int
kb_store_open(struct kb_store *s, const char *name, struct kb_blob **out,
	uint64_t *out_size);

/*
 * Reads len bytes at pos; fewer only at the end. The number read or -errno.
 * Any thread. An open blob stays readable when its name is removed.
 */
ssize_t
kb_blob_read(struct kb_blob *b, uint64_t pos, void *out, size_t len);

void
kb_blob_close(struct kb_blob *b);

/* The whole blob, appended to out. -EFBIG above max bytes. */
int
kb_store_read_all(
	struct kb_store *s, const char *name, size_t max, struct kb_buf *out);

/*
 * Entries directly below prefix ("" or "a/b", without a final slash), in byte
 * order: `name` is the last part alone; `is_dir` for what has more below it.
 * Temporary files are not shown; empty directories may be. A prefix that is
 * not there lists nothing: 0. The callback may use the store, and returns 0 to
 * go on; anything else ends the listing and is returned.
 */
int
kb_store_list(struct kb_store *s, const char *prefix,
	int (*each)(void *ctx, const char *name, bool is_dir), void *ctx);

/* ---- housekeeping ---- */

/* Removes one blob, durably. -ENOENT. */
int
kb_store_remove(struct kb_store *s, const char *name);

/*
 * Removes what crashed writers left behind, and nothing that a living writer
 * of any process still holds. *out_count may be NULL.
 */
int
kb_store_sweep(struct kb_store *s, size_t *out_count);

/* Counts what a sweep would remove now; removes nothing. */
int
kb_store_count_leftovers(struct kb_store *s, size_t *out_count);

/*
 * The path of a blob as an ordinary file, malloc'd, for libraries that want
 * one (sqlite). -EOPNOTSUPP where blobs are not files.
 */
int
kb_store_path(struct kb_store *s, const char *name, char **out);

#endif
