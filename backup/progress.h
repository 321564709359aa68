/* Progress for people: a live line on a terminal, a line now and then else. */
#ifndef KB_BACKUP_PROGRESS_H
#define KB_BACKUP_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kb_deposit;
struct kb_plan;

/* What has come, and how much of it. */
struct kb_amounts {
	uint64_t records;
	uint64_t raw;	  /* decoded payload */
	uint64_t fetched; /* as it came from the wire */
	uint64_t stored;
};

/* All that a line tells. */
struct kb_progress_state {
	struct kb_amounts sums;
	struct kb_amounts rates; /* a second; records and stored unused */
	int64_t spent_ms;
	int64_t offsets; /* that there are to deal with */
	int64_t left;	 /* of these; those of partitions given up not */
	size_t topics;
	const char *slowest; /* the topic with most to go */
	int64_t slowest_left;
};

struct kb_progress {
	bool quiet;
	bool terminal;	 /* stderr is one */
	bool shown;	 /* a live line stands there */
	int64_t started; /* kb_clock_ms() */
	int64_t last;
	int64_t offsets;	/* the plan's, in all */
	struct kb_amounts seen; /* at `last` */
	struct kb_amounts rates;
};

void
kb_progress_init(struct kb_progress *p, bool quiet, const struct kb_plan *plan);

/* Called often, by the thread that runs the lanes; prints when it is time. */
void
kb_progress_tick(struct kb_progress *p, const struct kb_plan *plan,
	const struct kb_deposit *o);

/* Takes the live line away, before other output. */
void
kb_progress_clear(struct kb_progress *p);

/* The summary. */
void
kb_progress_finish(struct kb_progress *p, const struct kb_deposit *o);

/* The line, without its end. As snprintf(3). */
int
kb_progress_line(const struct kb_progress_state *s, char *out, size_t size);

/* The lines of the summary, each with its end. As snprintf(3). */
int
kb_progress_summary(
	const struct kb_deposit *o, int64_t spent_ms, char *out, size_t size);

#endif
