/*
 * Where lanes put what they have: finished segments and gaps are published,
 * their rows committed. With publishers (kb_deposit_start()) that happens
 * beside the lanes' own work, in order for each lane; without, at once in the
 * caller's thread.
 */
#ifndef KB_BACKUP_DEPOSIT_H
#define KB_BACKUP_DEPOSIT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "backup/gauges.h"
#include "common/err.h"
#include "format/segment.h"
#include "store/gap.h"
#include "store/meta.h"
#include "store/run.h"

struct kb_backup_options;
struct kb_blob_writer;
struct kb_crew;
struct kb_index;
struct kb_lane;

/* Counted since the start of the run, by any thread. */
struct kb_backup_totals {
	atomic_uint_fast64_t records;
	atomic_uint_fast64_t raw;      /* decoded bytes of what was stored */
	atomic_uint_fast64_t stored;   /* bytes in segments */
	atomic_uint_fast64_t fetched;  /* bytes of batches from the wire */
	atomic_uint_fast64_t dropped;  /* batches: aborted, control, empty */
	atomic_uint_fast64_t repacked; /* batches that were made anew */
	atomic_uint_fast64_t segments; /* published */
	atomic_uint_fast64_t gaps;     /* published */
	atomic_uint_fast64_t problems; /* partitions, topics not complete */
};

struct kb_deposit {
	const struct kb_backup_options *options;
	struct kb_repo *repo; /* NULL in a dry run without a repository */
	struct kb_index *index;
	struct kb_crew *crew; /* NULL: no publishers */
	struct kb_backup_totals totals;
	struct kb_gauges gauges;
	size_t merge_bytes;   /* raw size to which small batches are merged */
	pthread_mutex_t lock; /* guards the two below */
	struct kb_index_delta *delta;
	int64_t committed;	       /* kb_clock_ms() of the last commit */
	pthread_mutex_t committing;    /* held by who commits; guards below */
	struct kb_failure uncommitted; /* of the commit that failed */
};

/* repo and index are borrowed; both NULL where there is none yet. */
int
kb_deposit_init(struct kb_deposit *o, const struct kb_backup_options *options,
	struct kb_repo *repo, struct kb_index *index);
void
kb_deposit_release(struct kb_deposit *o);

/* From now on publishers do it. */
int
kb_deposit_start(struct kb_deposit *o);

/* Waits until all is published and ends the publishers. */
void
kb_deposit_stop(struct kb_deposit *o);

/*
 * Publishes a segment of l, whose sums and blocks (copied) are given; w is
 * taken. What fails is kept in l->published_failure, and l is then broken:
 * what it puts down later is thrown away, so that its chain has no hole.
 * -EEXIST there: another writer was first.
 */
int
kb_deposit_segment(struct kb_deposit *o, struct kb_lane *l,
	struct kb_blob_writer *w, const struct kb_segment *sums,
	const struct kb_block *blocks);

/* The same for a gap. */
int
kb_deposit_gap(
	struct kb_deposit *o, struct kb_lane *l, const struct kb_gap *gap);

/* Calls ended(l) once all that l has put down so far is dealt with. */
void
kb_deposit_end(struct kb_deposit *o, struct kb_lane *l,
	void (*ended)(struct kb_lane *l));

/* Rows of other kinds, through kb_index_delta_*(); under o->lock. */
int
kb_deposit_meta(struct kb_deposit *o, const struct kb_meta *m, uint64_t n);
int
kb_deposit_run(struct kb_deposit *o, const struct kb_run *run, uint64_t n);

/*
 * Commits waiting rows now. Any thread. Once this has failed it fails for
 * good, and nothing is committed any more: the index may lack the end of what
 * is published, but nothing before that.
 */
int
kb_deposit_commit(struct kb_deposit *o);

#endif
