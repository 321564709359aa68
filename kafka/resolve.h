/* Host names to addresses, within a deadline and interruptible. */
#ifndef KB_KAFKA_RESOLVE_H
#define KB_KAFKA_RESOLVE_H

#include <stdint.h>

struct addrinfo;
struct kb_cancel;

/*
 * The TCP addresses of host; family is AF_INET, AF_INET6 or AF_UNSPEC. The
 * caller frees them with freeaddrinfo(3). -EHOSTUNREACH, -ETIMEDOUT,
 * -ECANCELED; sentences begin with name.
 */
int
kb_resolve_host(const char *name, const char *host, int port, int family,
	struct kb_cancel *cancel, int64_t deadline, struct addrinfo **out);

#endif
