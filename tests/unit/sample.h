/* Records made by chance, the same in every run, for property tests. */
#ifndef KB_TESTS_UNIT_SAMPLE_H
#define KB_TESTS_UNIT_SAMPLE_H

#include <stdint.h>

#include "common/buf.h"
#include "format/record.h"
#include "random.h"

#define SAMPLE_HEADERS 4

/* A record and the memory it borrows. {.random = {n}}, then sample_next(). */
struct sample {
	struct kb_record record;
	struct random random;
	struct kb_buf key, value, headers;
};

/* Text, control characters, UTF-8 whole or spoilt, or noise; or null. */
void
sample_bytes(struct random *random, struct kb_buf *b, struct kb_slice *out);

/* Another record: any time, any offset, up to SAMPLE_HEADERS headers. */
void
sample_next(struct sample *s);

void
sample_release(struct sample *s);

#endif
