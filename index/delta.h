/* What a commit needs of a delta, beyond index.h. */
#ifndef KB_INDEX_DELTA_H
#define KB_INDEX_DELTA_H

struct kb_draft;
struct kb_index_delta;

/* Its rows, borrowed; not NULL unless the delta is empty. */
struct kb_draft *
kb_delta_draft(struct kb_index_delta *d);

/* Forgets all rows. */
void
kb_delta_clear(struct kb_index_delta *d);

#endif
