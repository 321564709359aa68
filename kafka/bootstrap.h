/* The value of bootstrap.servers, as librdkafka reads it. */
#ifndef KB_KAFKA_BOOTSTRAP_H
#define KB_KAFKA_BOOTSTRAP_H

#include <stddef.h>

struct kb_bootstrap_server {
	char *host; /* without the brackets of an IPv6 address */
	int port;
};

struct kb_bootstrap {
	struct kb_bootstrap_server *servers; /* at least one */
	size_t count;
};

/*
 * Reads `host`, `host:port` (else 9092), `[v6]:port`, `PLAINTEXT://host:port`,
 * separated by commas. -EINVAL names what is wrong.
 */
int
kb_bootstrap_parse(const char *text, struct kb_bootstrap *out);
/* {0} is legal. */
void
kb_bootstrap_release(struct kb_bootstrap *b);

#endif
