/* Topic administration, by librdkafka's admin client. One thread at a time. */
#ifndef KB_KAFKA_ADMIN_H
#define KB_KAFKA_ADMIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kb_admin;
struct kb_cancel;
struct kb_conf;

/*
 * conf has passed kb_conf_check() and outlives the client. Connects to nothing
 * yet. Calls end within message.timeout.ms: -ETIMEDOUT.
 */
int
kb_admin_new(const struct kb_conf *conf, struct kb_admin **out);
void
kb_admin_free(struct kb_admin *a);

/* From now on calls end with -ECANCELED soon after c is fired. */
void
kb_admin_set_cancel(struct kb_admin *a, struct kb_cancel *c);

/*
 * Calls each for every dynamic override of a topic (source
 * DYNAMIC_TOPIC_CONFIG), by name; its error ends the walk and is returned.
 * -EACCES: not authorised (the sentence says which ACL is missing). -ENOENT.
 */
int
kb_admin_topic_settings(struct kb_admin *a, const char *topic,
	int (*each)(void *ctx, const char *name, const char *value), void *ctx);

/*
 * The same for many topics in one request; `topic` is which of them. Each is
 * asked for once: one that is left without an answer should be asked for
 * alone, which tries again and says what is wrong. -ECANCELED, -ENOMEM, and
 * what each returns.
 */
int
kb_admin_all_settings(struct kb_admin *a, const char *const *topics,
	size_t count,
	int (*each)(
		void *ctx, size_t topic, const char *name, const char *value),
	void *ctx, bool *out_answered);

/*
 * How many replicas a topic gets that asks for the broker's default. -EACCES,
 * -ETIMEDOUT, -EBADMSG: that cannot be known.
 */
int
kb_admin_default_replication(struct kb_admin *a, int32_t *out);

struct kb_admin_setting {
	const char *name;
	const char *value;
};

/*
 * Creates a topic and waits until every partition has a leader, as far as the
 * controller says. replication -1: the broker's default. -EEXIST, -EACCES,
 * -EINVAL (the broker's words are in the sentence).
 */
int
kb_admin_create_topic(struct kb_admin *a, const char *topic, int32_t partitions,
	int32_t replication, const struct kb_admin_setting *settings,
	size_t count);

#endif
