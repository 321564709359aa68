/* Topics and partitions as a mount has met them: rows that never go away. */
#ifndef KB_FS_ROSTER_H
#define KB_FS_ROSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fs/sources.h"
#include "fs/hash.h"
#include "index/index.h"

struct kb_roster_topic;

struct kb_roster_partition {
	struct kb_place place; /* ordinal 0: not numbered yet */
	struct kb_roster_topic *topic;
	int64_t newest;	  /* ms; KB_NO_TIME */
	int64_t end;	  /* offsets below are stored or lost for good */
	int64_t searched; /* for holes: up to this end, in this mount */
};

struct kb_roster_topic {
	struct kb_index_topic row; /* `shown` may change, the rest stays */
	uint32_t ordinal;	   /* its place in the table */
	bool present;		   /* in the index as last listed */
	uint64_t loaded;	   /* generation of what follows; 0 never */
	struct kb_roster_partition **partitions; /* by number */
	size_t count;
	size_t room;
	int64_t newest;
	struct kb_link by_id;
	struct kb_link by_shown;
};

/*
 * The table. The caller holds a lock around each call and around looking at
 * rows; only `place` of a numbered partition may be read without.
 */
struct kb_roster {
	struct kb_index *index;
	struct kb_roster_topic **topics; /* by ordinal */
	size_t topic_count;
	size_t topic_room;
	struct kb_roster_partition **partitions; /* by ordinal, [0] none */
	size_t partition_count;
	size_t partition_room;
	struct kb_hash by_id;
	struct kb_hash by_shown;
	uint64_t generation; /* counts changes of the index, from 1 */
	uint64_t listed;     /* generation that `topics` is of */
};

void
kb_roster_init(struct kb_roster *r, struct kb_index *index);
void
kb_roster_release(struct kb_roster *r);

/* The index has changed: what was loaded is loaded again when asked for. */
void
kb_roster_stale(struct kb_roster *r);

/* Brings the topics up to date. */
int
kb_roster_list(struct kb_roster *r);

/* NULL when no topic is shown under that name. Call list first. */
struct kb_roster_topic *
kb_roster_find(struct kb_roster *r, const char *shown);

/* Brings a topic's partitions and totals up to date. */
int
kb_roster_load(struct kb_roster *r, struct kb_roster_topic *topic);

/* NULL when the loaded topic has no such partition. */
struct kb_roster_partition *
kb_roster_partition(const struct kb_roster_topic *topic, int32_t number);

/* Gives a partition its ordinal, when it has none yet. */
int
kb_roster_number(struct kb_roster *r, struct kb_roster_partition *p);

#endif
