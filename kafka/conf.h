/*
 * Settings under librdkafka's property names. An rd_kafka_conf_t holds and
 * checks them; one table (conf.c) says which of them our own connections
 * honour. Any other whose value differs from librdkafka's default is an error
 * that names it (DESIGN.md, invariant "no silent option").
 */
#ifndef KB_KAFKA_CONF_H
#define KB_KAFKA_CONF_H

#include <stdint.h>

struct kb_conf;
struct rd_kafka_conf_s;

int
kb_conf_new(struct kb_conf **out);
void
kb_conf_free(struct kb_conf *c);

/* -EINVAL names the property or the value that librdkafka refuses. */
int
kb_conf_set(struct kb_conf *c, const char *name, const char *value);

/* `prop=value`, as after -X. */
int
kb_conf_set_pair(struct kb_conf *c, const char *pair);

/* A file of `prop=value` lines, `#` comments, as kcat's -F. */
int
kb_conf_read_file(struct kb_conf *c, const char *path);

/*
 * To be called once all is set: -EINVAL names the first property that we would
 * ignore, or `bootstrap.servers` when it is missing, or a security.protocol
 * other than plaintext ("not yet supported").
 */
int
kb_conf_check(const struct kb_conf *c);

/* Borrowed; never NULL for a property of the table; "" when unset. */
const char *
kb_conf_get(const struct kb_conf *c, const char *name);
int64_t
kb_conf_get_int(const struct kb_conf *c, const char *name);

/* A copy for a librdkafka handle; the caller (or rd_kafka_new) owns it. */
struct rd_kafka_conf_s *
kb_conf_dup(const struct kb_conf *c);

#endif
