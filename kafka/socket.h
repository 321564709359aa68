/*
 * A TCP connection whose every wait is bounded by a deadline (kb_clock_ms())
 * and ends when the cancel is fired. Errors are -ETIMEDOUT, -ECANCELED, or the
 * socket's; -ECONNRESET when the other side has closed. Sentences begin with
 * the name.
 */
#ifndef KB_KAFKA_SOCKET_H
#define KB_KAFKA_SOCKET_H

#include <stddef.h>
#include <stdint.h>

struct iovec;
struct kb_cancel;
struct kb_conf;

struct kb_socket {
	int fd;			  /* -1: none */
	const char *name;	  /* host:port, borrowed */
	struct kb_cancel *cancel; /* borrowed, may be NULL */
};

/* Connects to the first address of host that lets us. */
int
kb_socket_connect(struct kb_socket *s, const struct kb_conf *conf,
	const char *host, int port, int64_t deadline);
void
kb_socket_close(struct kb_socket *s);

/* Sends all of the vector, which is used up. */
int
kb_socket_send(
	struct kb_socket *s, struct iovec *v, size_t count, int64_t deadline);

/* Receives exactly len bytes. */
int
kb_socket_recv(
	struct kb_socket *s, uint8_t *data, size_t len, int64_t deadline);

/*
 * Receives what is there of len bytes, without waiting. 0: *out_got of them.
 * 1: none are there now.
 */
int
kb_socket_recv_some(
	struct kb_socket *s, uint8_t *data, size_t len, size_t *out_got);

#endif
