/* ApiVersions v0 (API 18): which requests a broker understands. */
#ifndef KB_KAFKA_VERSIONS_H
#define KB_KAFKA_VERSIONS_H

#include <stdint.h>

#include "common/buf.h"

/* Keys from here on are none of ours and are not kept. */
#define KB_VERSIONS_KEYS 64

struct kb_versions {
	struct {
		int16_t min;
		int16_t max; /* below min: the broker lacks the request */
	} api[KB_VERSIONS_KEYS];
};

/*
 * Reads an answer (the request's body is empty). *out_error is the broker's;
 * when it is not 0, *out knows no request. -EBADMSG.
 */
int
kb_versions_answer_read(
	struct kb_slice answer, int16_t *out_error, struct kb_versions *out);

#endif
