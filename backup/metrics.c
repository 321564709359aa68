/*
 * libmicrohttpd with one thread for all connections. What is told is atomic or
 * fixed by the time it is handed over (kb_metrics_watch(), kb_metrics_plan()),
 * so requests take no lock of the run's.
 *
 * The socket is bound by us, not by the library, to say what is wrong with it.
 */
#include "backup/metrics.h"

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backup/deposit.h"
#include "backup/exposition.h"
#include "common/clock.h"
#include "common/err.h"

#define CONNECTIONS_MAX 32
#define TIMEOUT_S 10
#define BACKLOG 16

struct kb_metrics {
	struct MHD_Daemon *daemon;
	int64_t started;
	_Atomic(const struct kb_deposit *) deposit;
	_Atomic(const struct kb_plan *) plan;
	struct kb_deposit none; /* until there is one */
};

/* ---- requests ---- */

#define PLAIN "text/plain; charset=utf-8"

/* Takes body. */
static enum MHD_Result
answer(struct MHD_Connection *c, unsigned status, const char *type,
	struct kb_buf *body)
{
	struct MHD_Response *a = MHD_create_response_from_buffer(
		body->len, body->data, MHD_RESPMEM_MUST_FREE);
	enum MHD_Result r;

	if (!a) {
		kb_buf_release(body);
		return MHD_NO;
	}
	MHD_add_response_header(a, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(a, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(a, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	r = MHD_queue_response(c, status, a);
	MHD_destroy_response(a);
	return r;
}

static enum MHD_Result
refuse(struct MHD_Connection *c, unsigned status, const char *text)
{
	struct kb_buf body = {0};

	if (kb_buf_printf(&body, "%s\n", text) < 0)
		return MHD_NO;
	return answer(c, status, PLAIN, &body);
}

static enum MHD_Result
answer_metrics(struct MHD_Connection *c, const struct kb_exposition *e)
{
	struct kb_buf body = {0};

	if (kb_exposition_metrics(e, &body) < 0) {
		kb_buf_release(&body);
		return MHD_NO;
	}
	return answer(c, MHD_HTTP_OK,
		"text/plain; version=0.0.4; charset=utf-8", &body);
}

static enum MHD_Result
answer_health(struct MHD_Connection *c, const struct kb_exposition *e)
{
	struct kb_buf body = {0};
	int r = kb_exposition_health(e, &body);

	if (r < 0) {
		kb_buf_release(&body);
		return MHD_NO;
	}
	return answer(c, r ? MHD_HTTP_SERVICE_UNAVAILABLE : MHD_HTTP_OK,
		"application/json", &body);
}

static enum MHD_Result
on_request(void *ctx, struct MHD_Connection *c, const char *url,
	const char *method, const char *version, const char *data,
	size_t *data_size, void **request)
{
	struct kb_metrics *m = ctx;
	struct kb_exposition e = {
		.deposit = atomic_load(&m->deposit),
		.plan = atomic_load(&m->plan),
		.started = m->started,
	};

	(void)version;
	(void)data;
	(void)data_size;
	(void)request;
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 &&
		strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return refuse(c, MHD_HTTP_METHOD_NOT_ALLOWED, "GET it");
	e.idle_ms = kb_clock_ms() - e.deposit->gauges.moved;
	if (strcmp(url, "/metrics") == 0)
		return answer_metrics(c, &e);
	if (strcmp(url, "/health") == 0)
		return answer_health(c, &e);
	return refuse(
		c, MHD_HTTP_NOT_FOUND, "there are /metrics and /health here");
}

/* ---- the socket ---- */

static int
resolve(const char *address, struct addrinfo **out)
{
	struct addrinfo hints = {
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM,
	};
	const char *begin = address, *colon = strrchr(address, ':');
	char host[256];
	size_t len = colon ? (size_t)(colon - address) : 0;
	long port = colon ? strtol(colon + 1, NULL, 10) : 0;
	int r;

	if (len > 1 && address[0] == '[' && address[len - 1] == ']') {
		begin++;
		len -= 2;
	}
	if (!len || len >= sizeof(host) || port < 1 || port > 65535 ||
		strspn(colon + 1, "0123456789") != strlen(colon + 1))
		return kb_err(-EINVAL,
			"--metrics %s: not ADDRESS:PORT, as in "
			"127.0.0.1:9090",
			address);
	snprintf(host, sizeof(host), "%.*s", (int)len, begin);
	r = getaddrinfo(host, colon + 1, &hints, out);
	return r ? kb_err(-EINVAL, "--metrics: %s: %s", host, gai_strerror(r))
		 : 0;
}

/* A listening socket. */
static int
listen_at(const char *address, int *out)
{
	struct addrinfo *a;
	int fd, one = 1, r = resolve(address, &a);

	if (r < 0)
		return r;
	fd = socket(
		a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, a->ai_addr, a->ai_addrlen) < 0 ||
		listen(fd, BACKLOG) < 0)
		r = kb_err(
			-errno, "--metrics %s: %s", address, strerror(errno));
	freeaddrinfo(a);
	if (r < 0 && fd >= 0)
		close(fd);
	if (r == 0)
		*out = fd;
	return r;
}

/* ---- the server ---- */

int
kb_metrics_open(const char *address, struct kb_metrics **out)
{
	struct kb_metrics *m;
	int fd = -1, r = listen_at(address, &fd);

	if (r < 0)
		return r;
	m = calloc(1, sizeof(*m));
	if (!m) {
		close(fd);
		return kb_err(-ENOMEM, "out of memory");
	}
	m->started = kb_clock_wall_ms();
	kb_gauges_moved(&m->none.gauges);
	atomic_store(&m->deposit, &m->none);
	m->daemon = MHD_start_daemon(
		MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO | MHD_USE_ITC, 0,
		NULL, NULL, on_request, m, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)TIMEOUT_S,
		MHD_OPTION_END);
	if (!m->daemon) {
		free(m);
		return kb_err(-EIO,
			"--metrics %s: the HTTP server does not "
			"start",
			address);
	}
	*out = m;
	return 0;
}

void
kb_metrics_watch(struct kb_metrics *m, const struct kb_deposit *deposit)
{
	if (m)
		atomic_store(&m->deposit, deposit);
}

void
kb_metrics_plan(struct kb_metrics *m, const struct kb_plan *plan)
{
	if (m)
		atomic_store(&m->plan, plan);
}

void
kb_metrics_close(struct kb_metrics *m)
{
	if (!m)
		return;
	MHD_stop_daemon(m->daemon);
	free(m);
}
