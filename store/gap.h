/* Gap objects: offsets lost for ever, with the reason. */
#ifndef KB_STORE_GAP_H
#define KB_STORE_GAP_H

#include <stdint.h>

#include "store/layout.h"

struct kb_store;

enum kb_gap_reason {
	KB_GAP_NOT_ASKED, /* before -o of the first run */
	KB_GAP_RETENTION, /* the broker deleted it before we came */
	KB_GAP_TRUNCATED, /* reserved: an unclean election took it */
	KB_GAP_DAMAGED,	  /* the broker's bytes are damaged; told to skip */
	KB_GAP_DELETED,	  /* the topic was deleted before the cut was reached */
};

struct kb_gap {
	int64_t start; /* first offset lost */
	int64_t end;   /* first offset not lost; > start */
	enum kb_gap_reason reason;
	int64_t noticed;  /* ms, UTC */
	char detail[256]; /* a sentence for people; may be "" */
};

/* "not-asked", "retention", "truncated", "damaged", "deleted". */
const char *
kb_gap_reason_name(enum kb_gap_reason reason);

/* Publishes the gap. -EEXIST: somebody did. */
int
kb_gap_publish(struct kb_store *s, const struct kb_topic_ref *t,
	int32_t partition, const struct kb_gap *gap);

/* Reads one back by its object name. -ENOENT, -EBADMSG. */
int
kb_gap_read(struct kb_store *s, const char *name, struct kb_gap *out);

#endif
