/* What a topic looked like at a time: meta/<topic>/<id>/<n>.json. */
#ifndef KB_STORE_META_H
#define KB_STORE_META_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/layout.h"

struct kb_store;

struct kb_meta_setting {
	char *name;
	char *value;
};

struct kb_meta {
	char topic[250];
	struct kb_uuid id;
	int64_t seen; /* ms, UTC */
	int32_t partitions;
	int32_t replication_factor;
	struct kb_meta_setting *settings; /* dynamic overrides, by name */
	size_t setting_count;
};

void
kb_meta_release(struct kb_meta *m);

/* Appends a setting, copied. */
int
kb_meta_put(struct kb_meta *m, const char *name, const char *value);

/* True when both say the same, `seen` aside. */
bool
kb_meta_same(const struct kb_meta *a, const struct kb_meta *b);

/*
 * Publishes m under the next free number (from 1) unless the newest says the
 * same. *out_n is its number, or that of the newest. 0, or 1: nothing new.
 */
int
kb_meta_publish(struct kb_store *s, const struct kb_meta *m, uint64_t *out_n);

/* Reads number n of a topic. -ENOENT, -EBADMSG. */
int
kb_meta_read(struct kb_store *s, const struct kb_topic_ref *t, uint64_t n,
	struct kb_meta *out);

#endif
