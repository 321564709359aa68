/* What is known of topics, by name, and since when. */
#ifndef KB_KAFKA_TOPICS_H
#define KB_KAFKA_TOPICS_H

#include <stdint.h>

struct kb_metadata;
struct kb_metadata_topic;
struct kb_topics;

int
kb_topics_new(struct kb_topics **out);
void
kb_topics_free(struct kb_topics *t);

/* Remembers each topic of m as seen at now (kb_clock_ms()). -ENOMEM. */
int
kb_topics_learn(struct kb_topics *t, const struct kb_metadata *m, int64_t now);

/*
 * What is known of a topic, NULL when it was not seen at or after since.
 * Valid until the next kb_topics_learn().
 */
const struct kb_metadata_topic *
kb_topics_find(const struct kb_topics *t, const char *name, int64_t since);

#endif
