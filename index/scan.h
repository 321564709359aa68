/* A segment read from front to back: every check there is, and its sums. */
#ifndef KB_INDEX_SCAN_H
#define KB_INDEX_SCAN_H

#include <stdint.h>

#include "format/segment.h"
#include "store/layout.h"

struct kb_cancel;
struct kb_store;

/* Memory kept from segment to segment. One thread at a time. */
struct kb_scan;

/* cancel is borrowed, may be NULL, and ends a scan with -ECANCELED. */
int
kb_scan_new(struct kb_cancel *cancel, struct kb_scan **out);
void
kb_scan_free(struct kb_scan *s);

/*
 * Reads `object`, the segment of that partition that starts at `start`:
 * framing, every checksum, every record. *out_blocks as kb_summary_finish()
 * has them: borrowed until the next run. Memory is that of the largest batch.
 * -EBADMSG: damaged; the sentence names object and position. -ENOENT.
 */
int
kb_scan_run(struct kb_scan *s, struct kb_store *store, const char *object,
	const struct kb_topic_ref *t, int32_t partition, int64_t start,
	struct kb_segment *out, const struct kb_block **out_blocks);

#endif
