/* In what two descriptions of the same thing differ. */
#ifndef KB_BACKUP_COMPARE_H
#define KB_BACKUP_COMPARE_H

struct kb_block;
struct kb_gap;
struct kb_run;
struct kb_segment;

/* The name of the first field that differs; NULL: none. */
const char *
kb_compare_segments(const struct kb_segment *a, const struct kb_segment *b);
const char *
kb_compare_blocks(const struct kb_block *a, const struct kb_block *b);
const char *
kb_compare_gaps(const struct kb_gap *a, const struct kb_gap *b);
const char *
kb_compare_runs(const struct kb_run *a, const struct kb_run *b);

#endif
