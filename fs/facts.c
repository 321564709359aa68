/*
 * Offsets and times widen, records add up.
 */
#include "fs/facts.h"

#include "format/segment.h"

#define NONE (-1)
_Static_assert(NONE == KB_NO_TIME, "one word for no offset and no time");

struct kb_facts
kb_facts_none(void)
{
	return (struct kb_facts){0, NONE, NONE, NONE, NONE};
}

static void
widen(int64_t *low, int64_t *high, int64_t more_low, int64_t more_high)
{
	if (more_low == NONE)
		return;
	if (*low == NONE) {
		*low = more_low;
		*high = more_high;
	}
	if (more_low < *low)
		*low = more_low;
	if (more_high > *high)
		*high = more_high;
}

void
kb_facts_add(struct kb_facts *f, const struct kb_facts *more)
{
	f->records += more->records;
	widen(&f->first, &f->last, more->first, more->last);
	widen(&f->min_timestamp, &f->max_timestamp, more->min_timestamp,
		more->max_timestamp);
}
