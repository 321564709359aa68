/*
 * A non-blocking socket; every wait is a poll(2) over the socket and the
 * cancel's descriptor.
 */
#include "kafka/socket.h"

#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/cancel.h"
#include "common/clock.h"
#include "common/err.h"
#include "kafka/conf.h"
#include "kafka/resolve.h"

/* ---- waiting ---- */

static int
lost(const struct kb_socket *s, int e)
{
	return kb_err(-e, "%s: %s", s->name, strerror(e));
}

/*
 * Waits for events (POLLIN, POLLOUT). 0; -ETIMEDOUT and -ECANCELED with a
 * sentence. An error of the socket counts as readiness: the next call on it
 * tells.
 */
static int
wait_ready(const struct kb_socket *s, short events, int64_t deadline)
{
	struct pollfd p[2] = {
		{.fd = s->fd, .events = events},
		{.fd = kb_cancel_fd(s->cancel), .events = POLLIN},
	};

	for (;;) {
		int64_t left = deadline - kb_clock_ms();
		int n;

		if (kb_cancel_fired(s->cancel))
			return kb_err(-ECANCELED, "%s: interrupted", s->name);
		if (left < 0)
			left = 0;
		n = poll(p, 2, left > INT_MAX ? INT_MAX : (int)left);
		if (n < 0 && errno != EINTR)
			return lost(s, errno);
		if (n > 0 && p[0].revents)
			return 0;
		if (n == 0 && left == 0)
			return kb_err(-ETIMEDOUT,
				"%s: no answer from the broker in time",
				s->name);
	}
}

/* ---- connecting ---- */

static int
set_option(const struct kb_socket *s, int level, int option, int64_t value)
{
	int v = (int)value;

	if (setsockopt(s->fd, level, option, &v, sizeof(v)) < 0)
		return lost(s, errno);
	return 0;
}

/* Buffer sizes must be set before connecting to have effect on windows. */
static int
set_options(const struct kb_socket *s, const struct kb_conf *conf)
{
	int64_t in = kb_conf_get_int(conf, "socket.receive.buffer.bytes");
	int64_t out = kb_conf_get_int(conf, "socket.send.buffer.bytes");
	const char *alive = kb_conf_get(conf, "socket.keepalive.enable");
	int r = set_option(s, IPPROTO_TCP, TCP_NODELAY, 1);

	if (r == 0 && !strcmp(alive, "true"))
		r = set_option(s, SOL_SOCKET, SO_KEEPALIVE, 1);
	if (r == 0 && in > 0)
		r = set_option(s, SOL_SOCKET, SO_RCVBUF, in);
	if (r == 0 && out > 0)
		r = set_option(s, SOL_SOCKET, SO_SNDBUF, out);
	return r;
}

static int
not_connected(const struct kb_socket *s, int e)
{
	if (e == ECONNREFUSED)
		return kb_err(-e,
			"%s: connection refused; is a broker running "
			"there?",
			s->name);
	return lost(s, e);
}

static int
finish_connect(const struct kb_socket *s, int64_t deadline)
{
	int e = 0, r = wait_ready(s, POLLOUT, deadline);
	socklen_t size = sizeof(e);

	if (r == -ETIMEDOUT)
		return kb_err(r, "%s: connecting took too long", s->name);
	if (r < 0)
		return r;
	if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &e, &size) < 0)
		e = errno;
	return e ? not_connected(s, e) : 0;
}

static int
connect_address(struct kb_socket *s, const struct kb_conf *conf,
	const struct addrinfo *a, int64_t deadline)
{
	int r;

	s->fd = socket(a->ai_family,
		a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, a->ai_protocol);
	if (s->fd < 0)
		return lost(s, errno);
	r = set_options(s, conf);
	if (r < 0)
		goto out;
	if (connect(s->fd, a->ai_addr, a->ai_addrlen) < 0) {
		if (errno == EINPROGRESS)
			r = finish_connect(s, deadline);
		else
			r = not_connected(s, errno);
	}
out:
	if (r < 0) {
		close(s->fd);
		s->fd = -1;
	}
	return r;
}

static int
family_of(const struct kb_conf *conf)
{
	const char *family = kb_conf_get(conf, "broker.address.family");

	if (!strcmp(family, "v4"))
		return AF_INET;
	return !strcmp(family, "v6") ? AF_INET6 : AF_UNSPEC;
}

int
kb_socket_connect(struct kb_socket *s, const struct kb_conf *conf,
	const char *host, int port, int64_t deadline)
{
	struct addrinfo *list, *a;
	int64_t count = 0;
	int r = kb_resolve_host(s->name, host, port, family_of(conf), s->cancel,
		deadline, &list);

	if (r < 0)
		return r;
	for (a = list; a; a = a->ai_next)
		count++;
	/* Each address gets its share of what time is left. */
	for (a = list; a; a = a->ai_next, count--) {
		int64_t now = kb_clock_ms();

		r = connect_address(s, conf, a, now + (deadline - now) / count);
		if (r == 0 || r == -ECANCELED)
			break;
	}
	freeaddrinfo(list);
	return r;
}

void
kb_socket_close(struct kb_socket *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

/* ---- bytes ---- */

/* Moves the front of m past n bytes. */
static void
advance(struct msghdr *m, size_t n)
{
	while (m->msg_iovlen > 0 && n >= m->msg_iov->iov_len) {
		n -= m->msg_iov->iov_len;
		m->msg_iov++;
		m->msg_iovlen--;
	}
	if (n > 0) {
		m->msg_iov->iov_base = (char *)m->msg_iov->iov_base + n;
		m->msg_iov->iov_len -= n;
	}
}

int
kb_socket_send(
	struct kb_socket *s, struct iovec *v, size_t count, int64_t deadline)
{
	struct msghdr m = {.msg_iov = v, .msg_iovlen = count};
	int r;

	advance(&m, 0);
	while (m.msg_iovlen > 0) {
		ssize_t n = sendmsg(s->fd, &m, MSG_NOSIGNAL);

		if (n >= 0) {
			advance(&m, (size_t)n);
		} else if (errno == EAGAIN) {
			r = wait_ready(s, POLLOUT, deadline);
			if (r < 0)
				return r;
		} else if (errno != EINTR) {
			return lost(s, errno == EPIPE ? ECONNRESET : errno);
		}
	}
	return 0;
}

int
kb_socket_recv_some(
	struct kb_socket *s, uint8_t *data, size_t len, size_t *out_got)
{
	ssize_t n;

	do
		n = recv(s->fd, data, len, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 1 : lost(s, errno);
	if (n == 0)
		return kb_err(-ECONNRESET,
			"%s: the broker closed the connection", s->name);
	*out_got = (size_t)n;
	return 0;
}

int
kb_socket_recv(struct kb_socket *s, uint8_t *data, size_t len, int64_t deadline)
{
	size_t got;
	int r;

	while (len > 0) {
		r = kb_socket_recv_some(s, data, len, &got);
		if (r == 0) {
			data += got;
			len -= got;
			continue;
		}
		if (r == 1)
			r = wait_ready(s, POLLIN, deadline);
		if (r < 0)
			return r;
	}
	return 0;
}
