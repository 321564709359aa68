/* The last bytes of an index file: a checksum of all that is before them. */
#ifndef KB_INDEX_SEAL_H
#define KB_INDEX_SEAL_H

#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/sha256.h"

struct kb_store;

/* "kbakseal" and a SHA-256. sqlite passes over bytes behind its last page. */
#define KB_SEAL_SIZE (8 + KB_SHA256_SIZE)

/* The seal of all bytes that h has seen; h starts afresh. */
void
kb_seal_make(struct kb_sha256 *h, uint8_t out[KB_SEAL_SIZE]);

/* Reads the whole object. -EBADMSG: it has no seal, or not this content's. */
int
kb_seal_check(struct kb_store *s, const char *name);

#endif
