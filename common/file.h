/* Whole reads and writes, and directories that survive a power cut. */
#ifndef KB_COMMON_FILE_H
#define KB_COMMON_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct kb_buf;

/* Writes all of data at fd's position. 0 or -errno (no sentence). */
int
kb_file_write(int fd, const void *data, size_t len);

/*
 * Reads len bytes at pos; fewer only at the end of the file. The number read,
 * or -errno (no sentence).
 */
ssize_t
kb_file_pread(int fd, void *data, size_t len, uint64_t pos);

/*
 * Appends the whole file at path to out. -errno with a sentence; -EFBIG when
 * it holds more than max bytes.
 */
int
kb_file_read_all(const char *path, size_t max, struct kb_buf *out);

/* fsync(2) of a directory. 0 or -errno with a sentence. */
int
kb_file_sync_dir(const char *path);

/*
 * Makes path and what is missing above it, and makes every new name durable
 * (fsync of its parent). 0 or -errno with a sentence.
 */
int
kb_file_make_dirs(const char *path);

#endif
