/*
 * Connections are opened when needed and dropped on the first error of the
 * network; a later try opens them again. The bootstrap servers stay in the
 * round for ever: all nodes may have moved while we were away.
 */
#include "kafka/brokers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/log.h"
#include "kafka/conf.h"
#include "kafka/conn.h"
#include "kafka/metadata.h"

int
kb_brokers_init(struct kb_brokers *b, const struct kb_conf *conf,
	struct kb_cancel *cancel)
{
	*b = (struct kb_brokers){.conf = conf, .cancel = cancel};
	return kb_bootstrap_parse(
		kb_conf_get(conf, "bootstrap.servers"), &b->bootstrap);
}

static void
free_nodes(struct kb_brokers *b)
{
	for (size_t i = 0; i < b->node_count; i++) {
		free(b->nodes[i].host);
		kb_conn_close(b->nodes[i].conn);
	}
	free(b->nodes);
}

void
kb_brokers_release(struct kb_brokers *b)
{
	kb_conn_close(b->any);
	free_nodes(b);
	kb_bootstrap_release(&b->bootstrap);
	*b = (struct kb_brokers){0};
}

int
kb_brokers_reach(struct kb_brokers *b)
{
	size_t count = b->node_count + b->bootstrap.count;
	int r = 0;

	for (size_t i = 0; i < count && !b->any; i++) {
		size_t k = (b->turn + i) % count;
		const char *host;
		int port;

		if (k < b->node_count) {
			host = b->nodes[k].host;
			port = b->nodes[k].port;
		} else {
			k -= b->node_count;
			host = b->bootstrap.servers[k].host;
			port = b->bootstrap.servers[k].port;
		}
		r = kb_conn_open(b->conf, host, port, b->cancel, &b->any);
		if (r == -ECANCELED || r == -ENOMEM)
			return r;
		if (r < 0)
			kb_log_debug("%s", kb_err_text());
	}
	return r;
}

void
kb_brokers_drop(struct kb_brokers *b)
{
	kb_conn_close(b->any);
	b->any = NULL;
	b->turn++;
}

int
kb_brokers_take(struct kb_brokers *b, struct kb_metadata_answer *a)
{
	struct kb_broker *nodes;

	if (a->node_count == 0)
		return 0; /* from a broker that has only just started */
	nodes = calloc(a->node_count, sizeof(*nodes));
	if (!nodes)
		return kb_err(-ENOMEM, "out of memory");
	for (size_t i = 0; i < a->node_count; i++) {
		struct kb_metadata_node *n = &a->nodes[i];
		struct kb_broker *old = kb_brokers_find(b, n->id);

		nodes[i].id = n->id;
		nodes[i].host = n->host;
		nodes[i].port = n->port;
		n->host = NULL;
		if (old && old->port == n->port &&
			!strcmp(old->host, nodes[i].host)) {
			nodes[i].conn = old->conn;
			old->conn = NULL;
		}
	}
	free_nodes(b);
	b->nodes = nodes;
	b->node_count = a->node_count;
	return 0;
}

struct kb_broker *
kb_brokers_find(const struct kb_brokers *b, int32_t id)
{
	for (size_t i = 0; i < b->node_count; i++) {
		if (b->nodes[i].id == id)
			return &b->nodes[i];
	}
	return NULL;
}

int
kb_brokers_connect(const struct kb_brokers *b, int32_t id, struct kb_conn **out)
{
	const struct kb_broker *n = kb_brokers_find(b, id);
	int r;

	if (!n)
		return kb_err(-EHOSTUNREACH,
			"node %d: the cluster gives no address for it now", id);
	r = kb_conn_open(b->conf, n->host, n->port, b->cancel, out);
	if (r < 0)
		return kb_err(r,
			"node %d, at the address that it advertises: "
			"%s",
			id, kb_err_text());
	return 0;
}
