/*
 * Where a partition's backup goes on: the index says, then the objects are
 * asked, since a crash may fall between publishing and committing.
 */
#ifndef KB_BACKUP_RESUME_H
#define KB_BACKUP_RESUME_H

#include <stdbool.h>
#include <stdint.h>

struct kb_lane;
struct kb_deposit;

/* What is stored of a partition. */
struct kb_resume {
	int64_t covered;    /* go on here; 0 when nothing is stored */
	int64_t last;	    /* last record stored, -1 none */
	int32_t last_epoch; /* of the last stored batch, -1 none */
	bool any;	    /* a segment or a gap is there */
};

/*
 * Finds it, taking objects that are published but not indexed into the
 * deposit's delta. -ESTALE: objects lie beyond a hole, the index has lost rows
 * (`kbak reindex`). -EBADMSG: such an object is damaged.
 */
int
kb_resume_find(
	const struct kb_lane *l, struct kb_deposit *o, struct kb_resume *out);

#endif
