/*
 * What a run says of itself over HTTP, as text: metrics in Prometheus' text
 * format 0.0.4, and its health.
 */
#ifndef KB_BACKUP_EXPOSITION_H
#define KB_BACKUP_EXPOSITION_H

#include <stdint.h>

#include "common/buf.h"

struct kb_deposit;
struct kb_plan;

/* Without any progress for so long, a run is not healthy. */
#define KB_EXPOSITION_PATIENCE_MS 30000

struct kb_exposition {
	const struct kb_deposit *deposit;
	const struct kb_plan *plan; /* NULL: there is none yet */
	int64_t started;	    /* kb_clock_wall_ms() */
	int64_t idle_ms;	    /* since the last progress */
};

/* Appends. 0 or -ENOMEM. */
int
kb_exposition_metrics(const struct kb_exposition *e, struct kb_buf *out);

/* Appends a JSON object. 0: all is well. 1: it is not. -ENOMEM. */
int
kb_exposition_health(const struct kb_exposition *e, struct kb_buf *out);

#endif
