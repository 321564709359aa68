/* File names of the mount: `FIRST-LAST.jsonl` and what else is understood. */
#ifndef KB_FS_FILENAME_H
#define KB_FS_FILENAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kb_selector;

/* The longest name that kb_filename_format() writes, final zero included. */
#define KB_FILE_NAME_MAX 48

/* A restored file's longest name, final zero included (NAME_MAX). */
#define KB_RESTORE_NAME_MAX 256

/* Writes `FIRST-LAST.jsonl`, both 20 digits, so that `cat *` is in order. */
void
kb_filename_format(char out[KB_FILE_NAME_MAX], int64_t first, int64_t last);

/*
 * Reads `a-b`, `n`, `a-` (without an end), `-b` (from 0), `latest`, or a period
 * (fs/instant.h), and then `.jsonl`, `.values` or `.log`. Offsets are decimal,
 * padded or not. -ENOENT, silently: another name, a > b, or above the largest
 * offset.
 */
int
kb_filename_read(const char *name, struct kb_selector *out);

/* A decimal partition number, as Kafka writes it. -ENOENT, silently. */
int
kb_filename_read_partition(const char *name, int32_t *out);

/*
 * A name that may be created below restore/: `*.jsonl`, or the
 * `.*.jsonl.XXXXXX` under which rsync writes it; *out_temporary tells which,
 * and `final` gets the name that the file will have in the end. -EINVAL with a
 * sentence.
 */
int
kb_filename_read_restored(
	const char *name, char final[KB_RESTORE_NAME_MAX], bool *out_temporary);

#endif
