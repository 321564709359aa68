/* Snappy as Kafka's producers write it: raw, or in Java's xerial framing. */
#ifndef KB_FORMAT_SNAPPY_H
#define KB_FORMAT_SNAPPY_H

#include <stddef.h>

#include "common/buf.h"

/*
 * Appends what `in` decodes to, at most max bytes, to out. A claimed length
 * is believed only as far as snappy can expand the bytes that are there.
 * 0, -EBADMSG, -ENOMEM.
 */
int
kb_snappy_decode(struct kb_slice in, size_t max, struct kb_buf *out);

#endif
