/* Times in the names of files and directories of the mount. */
#ifndef KB_FS_INSTANT_H
#define KB_FS_INSTANT_H

#include <stdint.h>

struct kb_period;

/*
 * Reads a time at *at, which then stands behind it: `2026-11-22`,
 * `2026-11-22T10:00`, `...:30`, `...:30.250`, each with or without `Z`; UTC.
 * *out is ms since 1970. -ENOENT, silently, and *at stays.
 */
int
kb_instant_read(const char **at, int64_t *out);

/*
 * Reads `A..B`, `A..` or `..B`: records from A on that are before B, none
 * without a time. -ENOENT, silently: not that, or A is not before B.
 */
int
kb_instant_read_period(const char **at, struct kb_period *out);

/* The whole name of a view of the past, `@TIME`. -ENOENT, silently. */
int
kb_instant_read_view(const char *name, int64_t *out);

#endif
