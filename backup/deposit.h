/*
 * Where lanes put what they have: the repository, the index rows that wait to
 * be committed, and the counts for the summary. One thread.
 */
#ifndef KB_BACKUP_DEPOSIT_H
#define KB_BACKUP_DEPOSIT_H

#include <stdint.h>

#include "common/buf.h"

struct kb_backup_options;
struct kb_index;

/* Counted since the start of the run. */
struct kb_backup_totals {
	uint64_t records;
	uint64_t raw; /* decoded bytes of what was stored */
	uint64_t stored; /* bytes in segments */
	uint64_t fetched; /* bytes of batches from the wire */
	uint64_t dropped; /* batches left out: aborted, control, empty */
	uint64_t segments; /* published */
	uint64_t gaps; /* published */
	uint64_t problems; /* partitions or topics not complete */
};

struct kb_deposit {
	const struct kb_backup_options *options;
	struct kb_repo *repo; /* NULL in a dry run without a repository */
	struct kb_index *index;
	struct kb_index_delta *delta;
	struct kb_decoder *decoder;
	struct kb_compressor *compressor;
	struct kb_buf scratch; /* a batch made anew */
	struct kb_backup_totals totals;
	int64_t committed; /* kb_clock_ms() of the last commit */
};

/* repo and index are borrowed; both NULL where there is none yet. */
int
kb_deposit_init(struct kb_deposit *o, const struct kb_backup_options *options,
	struct kb_repo *repo, struct kb_index *index);
void
kb_deposit_release(struct kb_deposit *o);

/* Commits waiting rows now. */
int
kb_deposit_commit(struct kb_deposit *o);

/*
 * Commits when rows have waited for a second. What a crash leaves published
 * and not committed, the next run finds by name.
 */
int
kb_deposit_tick(struct kb_deposit *o);

#endif
