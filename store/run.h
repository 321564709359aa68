/* What a finished backup run says of itself: runs/<n>.json. */
#ifndef KB_STORE_RUN_H
#define KB_STORE_RUN_H

#include <stdbool.h>
#include <stdint.h>

struct kb_store;

struct kb_run {
	int64_t started; /* ms, UTC */
	int64_t ended;
	bool complete;	  /* everything asked for up to the cut is stored */
	uint64_t records; /* stored by this run */
	uint64_t bytes;
	uint64_t problems; /* partitions that stopped, gaps noticed */
};

/* Publishes run under the next free number, from 1, given back in *out_n. */
int
kb_run_publish(struct kb_store *s, const struct kb_run *run, uint64_t *out_n);

/* Reads number n. -ENOENT, -EBADMSG. */
int
kb_run_read(struct kb_store *s, uint64_t n, struct kb_run *out);

#endif
