/* The names of a repository's objects, made and read back (DESIGN.md). */
#ifndef KB_STORE_LAYOUT_H
#define KB_STORE_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/uuid.h"

/* The longest object name, final zero included. */
#define KB_NAME_MAX 400

#define KB_DESCRIPTOR_NAME "kbakfs.json"

/* One incarnation of a topic: a re-created topic has another id. */
struct kb_topic_ref {
	const char *name; /* borrowed */
	struct kb_uuid id;
};

/* Kafka's rule: 1..249 of [a-zA-Z0-9._-], neither "." nor "..". */
bool
kb_topic_name_valid(const char *name);

/* `data/<topic>/<id>/<partition>/<start, 20 digits>.log` */
void
kb_layout_segment(char out[KB_NAME_MAX], const struct kb_topic_ref *t,
	int32_t partition, int64_t start);

/* `data/<topic>/<id>/<partition>/<start>-<end>.gap`, 20 digits each */
void
kb_layout_gap(char out[KB_NAME_MAX], const struct kb_topic_ref *t,
	int32_t partition, int64_t start, int64_t end);

/* `data/<topic>/<id>/<partition>`, no final slash */
void
kb_layout_partition(
	char out[KB_NAME_MAX], const struct kb_topic_ref *t, int32_t partition);

/* `meta/<topic>/<id>` and `meta/<topic>/<id>/<n>.json` */
void
kb_layout_meta_dir(char out[KB_NAME_MAX], const struct kb_topic_ref *t);
void
kb_layout_meta(char out[KB_NAME_MAX], const struct kb_topic_ref *t, uint64_t n);

/* What the last part of a name below a partition means. */
struct kb_layout_object {
	bool is_gap; /* else a segment */
	int64_t start;
	int64_t end; /* gaps only */
};

/* -EINVAL, silently, for anything else (an orphan). */
int
kb_layout_read_object(const char *base, struct kb_layout_object *out);

/* `<n>.json`. -EINVAL, silently. */
int
kb_layout_read_meta(const char *base, uint64_t *out_n);

/* A decimal partition number without leading zeros. -EINVAL, silently. */
int
kb_layout_read_partition(const char *base, int32_t *out);

#endif
