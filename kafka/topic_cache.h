/* What is known of topics, by name, and since when. */
#ifndef KB_KAFKA_TOPIC_CACHE_H
#define KB_KAFKA_TOPIC_CACHE_H

#include <stdint.h>

struct kb_metadata;
struct kb_metadata_topic;
struct kb_topic_cache;

int
kb_topic_cache_new(struct kb_topic_cache **out);
void
kb_topic_cache_free(struct kb_topic_cache *t);

/* Remembers each topic of m as seen at now (kb_clock_ms()). -ENOMEM. */
int
kb_topic_cache_learn(
	struct kb_topic_cache *t, const struct kb_metadata *m, int64_t now);

/*
 * What is known of a topic, NULL when it was not seen at or after since.
 * Valid until the next kb_topic_cache_learn().
 */
const struct kb_metadata_topic *
kb_topic_cache_find(
	const struct kb_topic_cache *t, const char *name, int64_t since);

#endif
