/*
 * A listener on the loopback whose connections are each served by a thread with
 * a function of the test: what a real broker never sends can be sent here.
 */
#ifndef KB_TESTS_UNIT_FAKE_BROKER_H
#define KB_TESTS_UNIT_FAKE_BROKER_H

#include <arpa/inet.h>
#include <check.h>
#include <endian.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct fake_broker {
	int fd;
	int port;
	char address[32];      /* host:port */
	void (*serve)(int fd); /* one connection; then it is closed */
	pthread_t thread;
};

struct fake_broker_conn {
	void (*serve)(int fd);
	int fd;
};

static inline void *
fake_broker_serve(void *arg)
{
	struct fake_broker_conn *c = arg;

	c->serve(c->fd);
	close(c->fd);
	free(c);
	return NULL;
}

static inline void *
fake_broker_run(void *arg)
{
	struct fake_broker *f = arg;
	pthread_t thread;
	int fd;

	while ((fd = accept(f->fd, NULL, NULL)) >= 0) {
		struct fake_broker_conn *c = malloc(sizeof(*c));

		c->serve = f->serve;
		c->fd = fd;
		if (pthread_create(&thread, NULL, fake_broker_serve, c) == 0)
			pthread_detach(thread);
	}
	return NULL;
}

static inline void
fake_broker_start(struct fake_broker *f, void (*serve)(int fd))
{
	struct sockaddr_in a = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(a);

	f->serve = serve;
	f->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(f->fd, 0);
	ck_assert_int_eq(bind(f->fd, (struct sockaddr *)&a, size), 0);
	ck_assert_int_eq(listen(f->fd, 16), 0);
	ck_assert_int_eq(getsockname(f->fd, (struct sockaddr *)&a, &size), 0);
	f->port = ntohs(a.sin_port);
	snprintf(f->address, sizeof(f->address), "127.0.0.1:%d", f->port);
	ck_assert_int_eq(
		pthread_create(&f->thread, NULL, fake_broker_run, f), 0);
}

/* No more connections; those that are there end with their clients. */
static inline void
fake_broker_stop(struct fake_broker *f)
{
	shutdown(f->fd, SHUT_RDWR);
	pthread_join(f->thread, NULL);
	close(f->fd);
}

static inline int
fake_broker_read(int fd, void *data, size_t len)
{
	for (char *p = data; len > 0;) {
		ssize_t n = recv(fd, p, len, 0);

		if (n <= 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/*
 * The next request: its API key and correlation id, the rest in body (room for
 * size). Returns the body's length with the header's rest, -1 at the end.
 */
static inline int
fake_broker_request(int fd, int *api, uint32_t *id, uint8_t *body, size_t size)
{
	uint8_t head[12];
	uint32_t len;

	if (fake_broker_read(fd, head, sizeof(head)) < 0)
		return -1;
	len = (uint32_t)head[0] << 24 | (uint32_t)head[1] << 16 |
	      (uint32_t)head[2] << 8 | head[3];
	*api = head[4] << 8 | head[5];
	*id = (uint32_t)head[8] << 24 | (uint32_t)head[9] << 16 |
	      (uint32_t)head[10] << 8 | head[11];
	len -= 8;
	if (len > size || fake_broker_read(fd, body, len) < 0)
		return -1;
	return (int)len;
}

static inline void
fake_broker_send(int fd, const void *data, size_t len)
{
	if (send(fd, data, len, MSG_NOSIGNAL) < 0)
		return; /* the other side has had enough: its test tells */
}

/* A whole answer. */
static inline void
fake_broker_answer(int fd, uint32_t id, const void *body, size_t len)
{
	uint32_t head[2] = {htobe32((uint32_t)len + 4), htobe32(id)};

	fake_broker_send(fd, head, sizeof(head));
	fake_broker_send(fd, body, len);
}

/*
 * Answers ApiVersions, which opens each connection, as Kafka 4.1 would: the
 * keys 0..36 from 0 to 13.
 */
static inline int
fake_broker_greet(int fd)
{
	uint8_t body[512], answer[6 + 37 * 6] = {[5] = 37};
	uint32_t id;
	int api;

	if (fake_broker_request(fd, &api, &id, body, sizeof(body)) < 0)
		return -1;
	ck_assert_int_eq(api, 18);
	for (uint8_t k = 0; k < 37; k++) {
		answer[6 + k * 6 + 1] = k;
		answer[6 + k * 6 + 5] = 13;
	}
	fake_broker_answer(fd, id, answer, sizeof(answer));
	return 0;
}

#endif
