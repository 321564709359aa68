/* What is known of some records of a partition, taken together. */
#ifndef KB_FS_FACTS_H
#define KB_FS_FACTS_H

#include <stdint.h>

struct kb_facts {
	uint64_t records;
	int64_t first; /* offsets; -1 when there is no record */
	int64_t last;
	int64_t min_timestamp; /* ms; KB_NO_TIME when none has one */
	int64_t max_timestamp;
};

/* Facts of no record. */
struct kb_facts
kb_facts_none(void);

/* Adds those of other records. */
void
kb_facts_add(struct kb_facts *f, const struct kb_facts *more);

#endif
