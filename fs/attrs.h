/* Extended attributes of what is in the archive: user.kbak.* */
#ifndef KB_FS_ATTRS_H
#define KB_FS_ATTRS_H

#include <stdint.h>

#include "common/buf.h"
#include "common/sha256.h"
#include "common/uuid.h"
#include "fs/facts.h"

struct kb_tree;

enum kb_attr {
	KB_ATTR_TOPIC_ID,
	KB_ATTR_FIRST_OFFSET,
	KB_ATTR_LAST_OFFSET,
	KB_ATTR_RECORDS,
	KB_ATTR_MIN_TIMESTAMP, /* ms */
	KB_ATTR_MAX_TIMESTAMP,
	KB_ATTR_STORED_BYTES, /* of the batches that the records are in */
	KB_ATTR_SHA256,	      /* of those, when they are a whole segment */
};
#define KB_ATTRS 8
#define KB_ATTRS_ALL ((1u << KB_ATTRS) - 1)

/* An attribute's longest value; it has no final zero of its own. */
#define KB_ATTR_MAX 80

struct kb_attrs {
	unsigned has; /* 1 << enum kb_attr */
	struct kb_uuid topic_id;
	struct kb_facts facts;
	uint64_t stored_bytes;
	uint8_t sha256[KB_SHA256_SIZE];
};

/*
 * The attributes of an inode that are in `wanted` and that it has: not all
 * kinds have all of them, some have none. May read blocks that a range cuts.
 * -ESTALE; errors of kb_view_open().
 */
int
kb_attrs_gather(
	struct kb_tree *t, uint64_t ino, unsigned wanted, struct kb_attrs *out);

/* The attribute of that name as a bit, 0 when there is none. */
unsigned
kb_attrs_named(const char *name);

/* Writes the value of one that there is; returns its length. */
size_t
kb_attrs_value(
	const struct kb_attrs *a, enum kb_attr which, char out[KB_ATTR_MAX]);

/* Appends the names of those there are, each with its final zero. */
int
kb_attrs_list(const struct kb_attrs *a, struct kb_buf *out);

#endif
