/* What the name of a file in a partition asks for. */
#ifndef KB_FS_SELECTOR_H
#define KB_FS_SELECTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "format/period.h"

/* Which records. */
enum kb_select {
	KB_SELECT_OFFSETS, /* first <= offset <= last, of the period */
	KB_SELECT_LATEST,  /* those of the segment that is last at the time */
};

/* How they are shown. */
enum kb_form {
	KB_FORM_JSONL,
	KB_FORM_VALUES, /* a line a value */
	KB_FORM_LOG,	/* the stored batches that they are in */
};
#define KB_FORMS 3

/* Where the values of a block are (index/text.h); no file shows that. */
#define KB_FORM_MARKS ((enum kb_form)KB_FORMS)

/* The last offset of a range without an end. */
#define KB_OFFSET_MAX (INT64_MAX - 1)

struct kb_selector {
	enum kb_select kind;
	enum kb_form form;
	int64_t first; /* of offsets */
	int64_t last;
	struct kb_period period;
};

static inline struct kb_selector
kb_selector_offsets(int64_t first, int64_t last)
{
	return (struct kb_selector){KB_SELECT_OFFSETS, KB_FORM_JSONL, first,
		last, kb_period_always()};
}

static inline bool
kb_selector_equal(const struct kb_selector *a, const struct kb_selector *b)
{
	return a->kind == b->kind && a->form == b->form &&
	       a->first == b->first && a->last == b->last &&
	       kb_period_equal(&a->period, &b->period);
}

#endif
