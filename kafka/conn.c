/*
 * Answers are read straight into the caller's buffer. The size that an answer
 * claims is compared with receive.message.max.bytes, and even then
 * kb_conn_recv() takes memory only as bytes arrive: never more than twice what
 * is there.
 */
#include "kafka/conn.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "common/bytes.h"
#include "common/clock.h"
#include "common/cursor.h"
#include "common/err.h"
#include "kafka/conf.h"
#include "kafka/socket.h"
#include "kafka/status.h"
#include "kafka/versions.h"
#include "kafka/wire.h"

/* What is reserved at once for an answer, before any byte of it is there. */
#define FIRST_RESERVE (256 << 10)

/* An answer's size and correlation id. */
#define HEAD 8

struct kb_conn {
	struct kb_socket socket;
	char *name;	       /* host:port */
	const char *client_id; /* of the configuration */
	int64_t timeout_ms;    /* of kb_conn_call() */
	uint32_t answer_max;
	int32_t next_id;
	bool spoken;	    /* it has answered once, so it is Kafka */
	uint8_t head[HEAD]; /* of the answer that comes in steps */
	size_t head_got;
	struct kb_buf request; /* the last one's header */
	struct kb_versions versions;
};

/* ---- opening ---- */

/* The first words with whoever is there: they must be Kafka's. */
static int
ask_versions(struct kb_conn *c, int64_t deadline)
{
	struct kb_buf answer = {0};
	int16_t error = 0;
	int32_t id;
	int r;

	r = kb_conn_send(c, KB_API_VERSIONS, 0, false, (struct kb_slice){0},
		deadline, &id);
	if (r == 0)
		r = kb_conn_recv(c, id, false, deadline, &answer);
	if (r == 0)
		r = kb_versions_answer_read(
			kb_buf_slice(&answer), &error, &c->versions);
	if (r == -ECONNRESET || r == -ETIMEDOUT)
		r = kb_err(r,
			"%s: %s the first request: is this a PLAINTEXT "
			"listener of a Kafka broker?",
			c->name,
			r == -ETIMEDOUT ? "no answer in time to"
					: "closed the connection on");
	else if (r == -EBADMSG && !strstr(kb_err_text(), c->name))
		r = kb_err(r, "%s: %s", c->name, kb_err_text());
	else if (r == 0 && error)
		r = kb_err(-EPROTONOSUPPORT, "%s: ApiVersions: %s", c->name,
			kb_status_name(error));
	kb_buf_release(&answer);
	return r;
}

int
kb_conn_open(const struct kb_conf *conf, const char *host, int port,
	struct kb_cancel *cancel, struct kb_conn **out)
{
	int64_t deadline =
		kb_clock_ms() +
		kb_conf_get_int(conf, "socket.connection.setup.timeout.ms");
	struct kb_conn *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return kb_err(-ENOMEM, "out of memory");
	c->socket.fd = -1;
	c->socket.cancel = cancel;
	c->client_id = kb_conf_get(conf, "client.id");
	c->timeout_ms = kb_conf_get_int(conf, "socket.timeout.ms");
	c->answer_max =
		(uint32_t)kb_conf_get_int(conf, "receive.message.max.bytes");
	if (asprintf(&c->name, strchr(host, ':') ? "[%s]:%d" : "%s:%d", host,
		    port) < 0) {
		c->name = NULL;
		r = kb_err(-ENOMEM, "out of memory");
		goto fail;
	}
	c->socket.name = c->name;
	r = kb_socket_connect(&c->socket, conf, host, port, deadline);
	if (r == 0)
		r = ask_versions(c, deadline);
	if (r < 0)
		goto fail;
	*out = c;
	return 0;
fail:
	kb_conn_close(c);
	return r;
}

void
kb_conn_close(struct kb_conn *c)
{
	if (!c)
		return;
	kb_socket_close(&c->socket);
	kb_buf_release(&c->request);
	free(c->name);
	free(c);
}

const char *
kb_conn_name(const struct kb_conn *c)
{
	return c->name;
}

int
kb_conn_fd(const struct kb_conn *c)
{
	return c->socket.fd;
}

int
kb_conn_version(
	const struct kb_conn *c, enum kb_api api, int min, int max, int *out)
{
	int theirs_min = c->versions.api[api].min;
	int theirs_max = c->versions.api[api].max;
	int top = theirs_max < max ? theirs_max : max;

	if (top < min || top < theirs_min)
		return kb_err(-EPROTONOSUPPORT,
			"%s: the broker has versions %d to %d of request %d, "
			"needed is one of %d to %d",
			c->name, theirs_min, theirs_max, (int)api, min, max);
	*out = top;
	return 0;
}

/* ---- sending ---- */

/* The frame's size and the request header: v1, or v2 (KIP-482). */
static int
put_header(struct kb_buf *out, enum kb_api api, int version, bool flexible,
	int32_t id, const char *client_id, size_t body)
{
	uint64_t size;
	int r = 0;

	r |= kb_buf_put_i32(out, 0);
	r |= kb_buf_put_i16(out, (int16_t)api);
	r |= kb_buf_put_i16(out, (int16_t)version);
	r |= kb_buf_put_i32(out, id);
	r |= kb_wire_put_string(out, false, client_id);
	r |= kb_wire_put_tags(out, flexible);
	if (r < 0)
		return r;
	size = (uint64_t)out->len - 4 + body;
	if (size > INT32_MAX)
		return kb_err(-EINVAL,
			"a request of %" PRIu64 " bytes is too large for Kafka",
			size);
	kb_store_be32(out->data, (uint32_t)size);
	return 0;
}

int
kb_conn_send(struct kb_conn *c, enum kb_api api, int version, bool flexible,
	struct kb_slice body, int64_t deadline, int32_t *out_id)
{
	struct kb_buf *head = &c->request;
	struct iovec v[2];
	int r;

	kb_buf_clear(head);
	r = put_header(head, api, version, flexible, c->next_id, c->client_id,
		body.len);
	if (r < 0)
		return r;
	v[0] = (struct iovec){head->data, head->len};
	v[1] = (struct iovec){(void *)(uintptr_t)body.data, body.len};
	r = kb_socket_send(&c->socket, v, 2, deadline);
	if (r < 0)
		return r;
	*out_id = c->next_id;
	c->next_id = c->next_id == INT32_MAX ? 0 : c->next_id + 1;
	return 0;
}

/* ---- receiving ---- */

/* Appends len bytes to out, taking memory as they arrive. */
static int
recv_body(struct kb_conn *c, size_t len, int64_t deadline, struct kb_buf *out)
{
	int r;

	while (len > 0) {
		size_t step = out->cap - out->len;

		if (step < FIRST_RESERVE)
			step = FIRST_RESERVE;
		if (step < out->len)
			step = out->len;
		if (step > len)
			step = len;
		r = kb_buf_reserve(out, step);
		if (r == 0)
			r = kb_socket_recv(&c->socket, out->data + out->len,
				step, deadline);
		if (r < 0)
			return r;
		out->len += step;
		len -= step;
	}
	return 0;
}

/* What people point us at by mistake answers in its own way. */
static int
not_kafka(const struct kb_conn *c, const uint8_t head[4])
{
	if (!memcmp(head, "HTTP", 4))
		return kb_err(-EBADMSG,
			"%s: this is an HTTP server, not a Kafka broker",
			c->name);
	if ((head[0] == 0x15 || head[0] == 0x16) && head[1] == 3)
		return kb_err(-EBADMSG,
			"%s: this listener wants TLS, which is not yet "
			"supported; name a PLAINTEXT listener",
			c->name);
	return kb_err(-EBADMSG,
		"%s: the answer is not Kafka's; is this the port of a Kafka "
		"broker?",
		c->name);
}

/* Judges an answer's size, which comes first. */
static int
check_size(const struct kb_conn *c, const uint8_t head[4])
{
	uint32_t size = kb_load_be32(head);

	if (!c->spoken && (size < 4 || size > c->answer_max))
		return not_kafka(c, head);
	if (size < 4)
		return kb_err(-EBADMSG,
			"%s: an answer claims a size of %" PRIu32, c->name,
			size);
	if (size > c->answer_max)
		return kb_err(-EBADMSG,
			"%s: an answer of %" PRIu32 " bytes; "
			"receive.message.max.bytes is %" PRIu32,
			c->name, size, c->answer_max);
	return 0;
}

/* Judges its correlation id; tells the size of the rest. */
static int
check_head(struct kb_conn *c, const uint8_t head[HEAD], int32_t id,
	uint32_t *out_rest)
{
	int32_t got = (int32_t)kb_load_be32(head + 4);

	if (got != id)
		return kb_err(-EBADMSG,
			"%s: an answer to request %d came in place of %d",
			c->name, got, id);
	c->spoken = true;
	*out_rest = kb_load_be32(head) - 4;
	return 0;
}

static int
recv_head(struct kb_conn *c, int32_t id, int64_t deadline, uint32_t *out_rest)
{
	uint8_t head[HEAD];
	int r;

	r = kb_socket_recv(&c->socket, head, 4, deadline);
	if (r == 0)
		r = check_size(c, head);
	if (r == 0)
		r = kb_socket_recv(&c->socket, head + 4, 4, deadline);
	return r < 0 ? r : check_head(c, head, id, out_rest);
}

int
kb_conn_recv_size(struct kb_conn *c, int32_t id, uint32_t *out_size)
{
	size_t got;
	int r;

	while (c->head_got < HEAD) {
		r = kb_socket_recv_some(&c->socket, c->head + c->head_got,
			HEAD - c->head_got, &got);
		if (r)
			return r;
		c->head_got += got;
		if (c->head_got >= 4)
			r = check_size(c, c->head);
		if (r)
			return r;
	}
	c->head_got = 0;
	return check_head(c, c->head, id, out_size);
}

int
kb_conn_recv_some(struct kb_conn *c, uint8_t *data, size_t len, size_t *out_got)
{
	return kb_socket_recv_some(&c->socket, data, len, out_got);
}

/* Removes the tagged fields of header v1 (KIP-482) from the front. */
static int
strip_tags(const struct kb_conn *c, struct kb_buf *out)
{
	struct kb_cursor at = kb_cursor_of(kb_buf_slice(out));
	size_t left;

	kb_wire_tags(&at, true);
	if (at.bad)
		return kb_err(-EBADMSG, "%s: an answer's header is malformed",
			c->name);
	left = kb_cursor_left(&at);
	memmove(out->data, at.at, left);
	out->len = left;
	return 0;
}

int
kb_conn_recv(struct kb_conn *c, int32_t id, bool flexible, int64_t deadline,
	struct kb_buf *out)
{
	uint8_t tags = 0;
	uint32_t body = 0;
	int r;

	kb_buf_clear(out);
	r = recv_head(c, id, deadline, &body);
	if (r < 0)
		return r;
	if (flexible && body > 0) {
		/* No broker sends tags here; then nothing needs moving. */
		r = kb_socket_recv(&c->socket, &tags, 1, deadline);
		if (r == 0 && tags != 0)
			r = kb_buf_put(out, &tags, 1);
		if (r < 0)
			return r;
		body--;
	}
	r = recv_body(c, body, deadline, out);
	if (r == 0 && tags != 0)
		r = strip_tags(c, out);
	return r;
}

int
kb_conn_call(struct kb_conn *c, enum kb_api api, int version, bool flexible,
	struct kb_slice body, struct kb_buf *out)
{
	int64_t deadline = kb_clock_ms() + c->timeout_ms;
	int32_t id;
	int r = kb_conn_send(c, api, version, flexible, body, deadline, &id);

	return r < 0 ? r : kb_conn_recv(c, id, flexible, deadline, out);
}
