/* One entry after the other; an empty one (a,,b) is passed over. */
#include "kafka/bootstrap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/err.h"

#define DEFAULT_PORT 9092

/* Cuts the port off the end of entry. */
static int
cut_port(char *entry, int *out_port)
{
	char *colon = strrchr(entry, ':'), *end;
	long port;

	*out_port = DEFAULT_PORT;
	/* None, or the last colon is inside brackets. */
	if (!colon || strchr(colon, ']'))
		return 0;
	if (entry[0] != '[' && strchr(entry, ':') != colon)
		return kb_err(-EINVAL,
			"bootstrap.servers: %s: write an IPv6 address as "
			"[address]:port",
			entry);
	port = strtol(colon + 1, &end, 10);
	if (end == colon + 1 || *end || port < 1 || port > 65535)
		return kb_err(-EINVAL,
			"bootstrap.servers: %s: the port is not a number "
			"from 1 to 65535",
			entry);
	*colon = '\0';
	*out_port = (int)port;
	return 0;
}

static int
add(struct kb_bootstrap *b, const char *host, size_t len, int port)
{
	struct kb_bootstrap_server *more =
		realloc(b->servers, (b->count + 1) * sizeof(*more));

	if (!more)
		return kb_err(-ENOMEM, "out of memory");
	b->servers = more;
	more[b->count].port = port;
	more[b->count].host = strndup(host, len);
	if (!more[b->count].host)
		return kb_err(-ENOMEM, "out of memory");
	b->count++;
	return 0;
}

static int
add_entry(struct kb_bootstrap *b, char *entry)
{
	char *scheme = strstr(entry, "://"), *host = entry;
	size_t len;
	int port, r;

	if (scheme) {
		host = scheme + 3;
		if (strncasecmp(entry, "plaintext://", 12) != 0)
			return kb_err(-EINVAL,
				"bootstrap.servers: %s: only PLAINTEXT is "
				"supported yet",
				entry);
	}
	r = cut_port(host, &port);
	if (r < 0)
		return r;
	len = strlen(host);
	if (len > 2 && host[0] == '[' && host[len - 1] == ']') {
		host++;
		len -= 2;
	}
	if (len == 0)
		return kb_err(
			-EINVAL, "bootstrap.servers: an entry has no host");
	return add(b, host, len, port);
}

int
kb_bootstrap_parse(const char *text, struct kb_bootstrap *out)
{
	struct kb_bootstrap b = {0};
	char *copy = strdup(text), *at, *entry;
	int r = 0;

	if (!copy)
		return kb_err(-ENOMEM, "out of memory");
	for (at = copy; r == 0 && (entry = strsep(&at, ", \t"));) {
		if (*entry)
			r = add_entry(&b, entry);
	}
	if (r == 0 && b.count == 0)
		r = kb_err(-EINVAL,
			"no broker given: -b HOST:PORT, or the property "
			"bootstrap.servers");
	if (r == 0)
		*out = b;
	else
		kb_bootstrap_release(&b);
	free(copy);
	return r;
}

void
kb_bootstrap_release(struct kb_bootstrap *b)
{
	for (size_t i = 0; i < b->count; i++)
		free(b->servers[i].host);
	free(b->servers);
	*b = (struct kb_bootstrap){0};
}
