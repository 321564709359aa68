/* Which records, by their timestamps. */
#ifndef KB_FORMAT_PERIOD_H
#define KB_FORMAT_PERIOD_H

#include <stdbool.h>
#include <stdint.h>

#include "format/segment.h"

/* Records with from <= timestamp <= to, ms; undated: and those without one. */
struct kb_period {
	int64_t from;
	int64_t to;
	bool undated;
};

/* Records of a partition by offset, first and last included, and by time. */
struct kb_pick {
	int64_t first;
	int64_t last;
	struct kb_period period;
};

/* How much of something a period takes. */
enum kb_extent { KB_NONE, KB_SOME, KB_ALL };

static inline struct kb_period
kb_period_always(void)
{
	return (struct kb_period){INT64_MIN, INT64_MAX, true};
}

/* What was there just before `time`, ms; records without a time were. */
static inline struct kb_period
kb_period_before(int64_t time)
{
	int64_t to = time == INT64_MIN ? time : time - 1;

	return (struct kb_period){INT64_MIN, to, true};
}

static inline bool
kb_period_equal(const struct kb_period *a, const struct kb_period *b)
{
	return a->from == b->from && a->to == b->to && a->undated == b->undated;
}

static inline bool
kb_period_is_always(const struct kb_period *p)
{
	struct kb_period always = kb_period_always();

	return kb_period_equal(p, &always);
}

/* What both take. */
static inline struct kb_period
kb_period_both(const struct kb_period *a, const struct kb_period *b)
{
	return (struct kb_period){a->from > b->from ? a->from : b->from,
		a->to < b->to ? a->to : b->to, a->undated && b->undated};
}

static inline bool
kb_period_has(const struct kb_period *p, int64_t timestamp)
{
	if (timestamp == KB_NO_TIME)
		return p->undated;
	return timestamp >= p->from && timestamp <= p->to;
}

/*
 * What a row of the index, of a segment or a block, says: its oldest and newest
 * timestamp, and how many of its records have none. KB_SOME: its records must
 * be asked; it may be none of them, but is not all.
 */
static inline enum kb_extent
kb_period_takes(const struct kb_period *p, int64_t min, int64_t max,
	uint64_t undated, uint64_t records)
{
	bool dated = undated < records;
	bool all = !dated || (min >= p->from && max <= p->to);
	bool none = !dated || max < p->from || min > p->to;

	if (all && (p->undated || undated == 0))
		return KB_ALL;
	return none && (!p->undated || undated == 0) ? KB_NONE : KB_SOME;
}

#endif
