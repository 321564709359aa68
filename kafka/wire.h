/*
 * What requests and answers are made of (Kafka protocol guide): strings,
 * arrays and tagged fields, in the old encoding and, where `flexible`, in that
 * of KIP-482. Writers append and return 0 or a negative value, which is -ENOMEM
 * where nothing else is said: results may be or'ed and looked at once. Readers
 * mark the cursor bad instead of failing.
 */
#ifndef KB_KAFKA_WIRE_H
#define KB_KAFKA_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/cursor.h"

/* The longest string of the old encoding. */
#define KB_WIRE_STRING_MAX 32767

/* s NULL: the null string. Longer than KB_WIRE_STRING_MAX: -EINVAL. */
int
kb_wire_put_string(struct kb_buf *out, bool flexible, const char *s);

/* The head of an array; its items follow. */
int
kb_wire_put_array(struct kb_buf *out, bool flexible, size_t count);

/* The head of the null array. */
int
kb_wire_put_null_array(struct kb_buf *out, bool flexible);

/* The end of a structure: no tagged fields. Nothing when not flexible. */
int
kb_wire_put_tags(struct kb_buf *out, bool flexible);

/* Borrowed; data NULL for the null string. */
struct kb_slice
kb_wire_string(struct kb_cursor *c, bool flexible);

/*
 * How many items follow; 0 for the null array too. A count whose items, of at
 * least `least` (> 0) bytes each, cannot be in the bytes left is bad, so it
 * may size an allocation.
 */
size_t
kb_wire_array(struct kb_cursor *c, bool flexible, size_t least);

/* Skips tagged fields. Nothing when not flexible. */
void
kb_wire_tags(struct kb_cursor *c, bool flexible);

/* A copy as a C string; a string with a zero byte inside is -EBADMSG. */
int
kb_wire_copy(struct kb_slice s, char **out);

#endif
