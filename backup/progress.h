/* Progress for people: a live line on a terminal, a line now and then else. */
#ifndef KB_BACKUP_PROGRESS_H
#define KB_BACKUP_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct kb_backup_totals;
struct kb_plan;

struct kb_progress {
	bool quiet;
	bool terminal; /* stderr is one */
	bool shown; /* a live line stands there */
	int64_t started; /* kb_clock_ms() */
	int64_t last;
	int64_t offsets; /* the plan's, in all */
};

void
kb_progress_init(struct kb_progress *p, bool quiet, const struct kb_plan *plan);

/* Called often; prints when it is time to. */
void
kb_progress_tick(struct kb_progress *p, const struct kb_plan *plan,
	const struct kb_backup_totals *t);

/* Takes the live line away, before other output. */
void
kb_progress_clear(struct kb_progress *p);

/* The summary. */
void
kb_progress_finish(struct kb_progress *p, const struct kb_backup_totals *t);

/* "1.3 GB", "512 B": decimal units. out holds 16 bytes. */
void
kb_progress_size(uint64_t bytes, char out[16]);

#endif
