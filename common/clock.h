/* Time: a monotonic clock for deadlines, UTC milliseconds for people. */
#ifndef KB_COMMON_CLOCK_H
#define KB_COMMON_CLOCK_H

#include <stdint.h>

/* Room for kb_clock_format(), final zero included. */
#define KB_CLOCK_TEXT 40

/* Monotonic milliseconds; only differences mean anything. */
int64_t
kb_clock_ms(void);

/* The same clock in microseconds, for durations. */
int64_t
kb_clock_us(void);

/* Milliseconds since 1970, UTC. */
int64_t
kb_clock_wall_ms(void);

/*
 * Reads a time: ISO 8601 in UTC (`2026-11-22`, `2026-11-22T10:00`,
 * `...T10:00:01.250`, `Z` and `+01:00` accepted). *out_ms is milliseconds
 * since 1970. -EINVAL, silently, when text is nothing of the kind.
 */
int
kb_clock_parse(const char *text, int64_t *out_ms);

/* Writes `2026-11-22T10:00:01.250Z`; -1 (no time) becomes `-`. */
void
kb_clock_format(int64_t ms, char out[KB_CLOCK_TEXT]);

#endif
