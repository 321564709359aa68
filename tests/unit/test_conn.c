#include "kafka/conn.h"

#include <errno.h>

#include "common/cancel.h"
#include "common/clock.h"
#include "fake_broker.h"
#include "kafka/conf.h"
#include "suite.h"

/* Long enough never to pass in a test that works. */
#define LONG 30000

static struct kb_conf *conf;
static struct fake_broker broker;

/* Opens a connection to a broker that behaves as `serve` says. */
static int
open_fake(void (*serve)(int fd), struct kb_conn **out)
{
	ck_ok(kb_conf_new(&conf));
	fake_broker_start(&broker, serve);
	return kb_conn_open(conf, "127.0.0.1", broker.port, NULL, out);
}

static void
done(struct kb_conn *c)
{
	kb_conn_close(c);
	fake_broker_stop(&broker);
	kb_conf_free(conf);
}

static void
assert_says(const char *words)
{
	ck_assert_msg(
		strstr(kb_err_text(), words) != NULL, "%s", kb_err_text());
}

/* ---- a broker as it should be ---- */

/* Sends each request's bytes, after the client id, back. */
static void
echo(int fd)
{
	uint8_t body[512];
	uint32_t id;
	int api, n;

	if (fake_broker_greet(fd) < 0)
		return;
	while ((n = fake_broker_request(fd, &api, &id, body, 512)) >= 0)
		fake_broker_answer(fd, id, body, (size_t)n);
}

START_TEST(conn__sends_requests_and_receives_answers)
{
	struct kb_conn *c;
	struct kb_buf out = {0};

	ck_ok(open_fake(echo, &c));
	ck_assert_str_eq(kb_conn_name(c), broker.address);
	ck_ok(kb_conn_call(
		c, KB_API_METADATA, 4, false, kb_slice_str("hello"), &out));
	/* The client id, then the body. */
	ck_assert_uint_eq(out.len, 2 + 6 + 5);
	ck_assert_mem_eq(out.data, "\0\6kbakfshello", out.len);
	kb_buf_release(&out);
	done(c);
}
END_TEST

/* Answers a flexible request: no tagged fields, then one of two bytes. */
static void
tag(int fd)
{
	static const uint8_t none[] = {0, 'x', 'y'};
	static const uint8_t one[] = {1, 7, 2, 'a', 'b', 'x', 'y'};
	uint8_t body[512];
	uint32_t id;
	int api;

	if (fake_broker_greet(fd) < 0)
		return;
	if (fake_broker_request(fd, &api, &id, body, 512) >= 0)
		fake_broker_answer(fd, id, none, sizeof(none));
	if (fake_broker_request(fd, &api, &id, body, 512) >= 0)
		fake_broker_answer(fd, id, one, sizeof(one));
}

START_TEST(conn__strips_the_flexible_header)
{
	struct kb_conn *c;
	struct kb_buf out = {0};

	ck_ok(open_fake(tag, &c));
	for (int i = 0; i < 2; i++) {
		ck_ok(kb_conn_call(
			c, KB_API_METADATA, 12, true, kb_slice_str(""), &out));
		ck_assert_uint_eq(out.len, 2);
		ck_assert_mem_eq(out.data, "xy", 2);
	}
	kb_buf_release(&out);
	done(c);
}
END_TEST

START_TEST(conn__keeps_several_requests_in_flight)
{
	struct kb_conn *c;
	struct kb_buf out = {0};
	int32_t id[3];

	ck_ok(open_fake(echo, &c));
	for (int i = 0; i < 3; i++) {
		char text[2] = {(char)('a' + i), 0};

		ck_ok(kb_conn_send(c, KB_API_FETCH, 11, false,
			kb_slice_str(text), kb_clock_ms() + LONG, &id[i]));
	}
	for (int i = 0; i < 3; i++) {
		ck_ok(kb_conn_recv(
			c, id[i], false, kb_clock_ms() + LONG, &out));
		ck_assert_int_eq(out.data[out.len - 1], 'a' + i);
	}
	kb_buf_release(&out);
	done(c);
}
END_TEST

START_TEST(conn__agrees_on_a_version)
{
	struct kb_conn *c;
	int version = -1;

	ck_ok(open_fake(echo, &c));
	ck_ok(kb_conn_version(c, KB_API_FETCH, 4, 11, &version));
	ck_assert_int_eq(version, 11);
	ck_ok(kb_conn_version(c, KB_API_FETCH, 12, 99, &version));
	ck_assert_int_eq(version, 13);
	ck_assert_int_eq(kb_conn_version(c, KB_API_FETCH, 14, 16, &version),
		-EPROTONOSUPPORT);
	assert_says(broker.address);
	done(c);
}
END_TEST

/* ---- brokers that misbehave ---- */

static void
other_id(int fd)
{
	uint8_t body[512];
	uint32_t id;
	int api;

	if (fake_broker_greet(fd) < 0)
		return;
	if (fake_broker_request(fd, &api, &id, body, 512) >= 0)
		fake_broker_answer(fd, id + 1, "x", 1);
}

START_TEST(conn__refuses_an_answer_to_another_request)
{
	struct kb_conn *c;
	struct kb_buf out = {0};

	ck_ok(open_fake(other_id, &c));
	ck_assert_int_eq(kb_conn_call(c, KB_API_METADATA, 4, false,
				 kb_slice_str(""), &out),
		-EBADMSG);
	assert_says(broker.address);
	kb_buf_release(&out);
	done(c);
}
END_TEST

static void
torn(int fd)
{
	static const uint8_t part[] = {0, 0, 0, 100, 0, 0, 0, 1, 'x'};
	uint8_t body[512];
	uint32_t id;
	int api;

	if (fake_broker_greet(fd) < 0)
		return;
	if (fake_broker_request(fd, &api, &id, body, 512) >= 0)
		fake_broker_send(fd, part, sizeof(part));
}

START_TEST(conn__tells_a_torn_answer)
{
	struct kb_conn *c;
	struct kb_buf out = {0};

	ck_ok(open_fake(torn, &c));
	ck_assert_int_eq(kb_conn_call(c, KB_API_METADATA, 4, false,
				 kb_slice_str(""), &out),
		-ECONNRESET);
	assert_says("closed the connection");
	kb_buf_release(&out);
	done(c);
}
END_TEST

static void
huge(int fd)
{
	static const uint8_t head[] = {0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 1};
	uint8_t body[512];
	uint32_t id;
	int api;

	if (fake_broker_greet(fd) < 0)
		return;
	if (fake_broker_request(fd, &api, &id, body, 512) >= 0)
		fake_broker_send(fd, head, sizeof(head));
}

START_TEST(conn__refuses_an_answer_above_the_limit)
{
	struct kb_conn *c;
	struct kb_buf out = {0};

	ck_ok(open_fake(huge, &c));
	ck_assert_int_eq(kb_conn_call(c, KB_API_METADATA, 4, false,
				 kb_slice_str(""), &out),
		-EBADMSG);
	assert_says("receive.message.max.bytes");
	ck_assert_uint_eq(out.cap, 0);
	kb_buf_release(&out);
	done(c);
}
END_TEST

static void
promise(int fd)
{
	/* 99,999,000 bytes are promised, a few come. */
	static const uint8_t head[] = {0x05, 0xf5, 0xdd, 0x18, 0, 0, 0, 1, 1};
	uint8_t body[512];
	uint32_t id;
	int api;

	if (fake_broker_greet(fd) < 0)
		return;
	if (fake_broker_request(fd, &api, &id, body, 512) >= 0)
		fake_broker_send(fd, head, sizeof(head));
}

START_TEST(conn__takes_memory_only_for_bytes_that_come)
{
	struct kb_conn *c;
	struct kb_buf out = {0};

	ck_ok(open_fake(promise, &c));
	ck_assert_int_eq(kb_conn_call(c, KB_API_FETCH, 11, false,
				 kb_slice_str(""), &out),
		-ECONNRESET);
	ck_assert_uint_le(out.cap, 1 << 20);
	kb_buf_release(&out);
	done(c);
}
END_TEST

/* Reads everything, says nothing. */
static void
silent(int fd)
{
	char b[64];

	while (recv(fd, b, sizeof(b), 0) > 0)
		;
}

static void
silent_after_greeting(int fd)
{
	if (fake_broker_greet(fd) == 0)
		silent(fd);
}

START_TEST(conn__gives_up_at_the_deadline)
{
	struct kb_conn *c;
	struct kb_buf out = {0};
	int32_t id;

	ck_ok(open_fake(silent_after_greeting, &c));
	ck_ok(kb_conn_send(c, KB_API_METADATA, 4, false, kb_slice_str(""),
		kb_clock_ms() + LONG, &id));
	ck_assert_int_eq(kb_conn_recv(c, id, false, kb_clock_ms() + 20, &out),
		-ETIMEDOUT);
	assert_says(broker.address);
	kb_buf_release(&out);
	done(c);
}
END_TEST

/* An answer that never ends: a byte now and then. */
static void
drip(int fd)
{
	static const uint8_t head[] = {0, 0, 0xff, 0xff, 0, 0, 0, 1};
	uint8_t body[512];
	uint32_t id;
	int api;

	if (fake_broker_greet(fd) < 0)
		return;
	if (fake_broker_request(fd, &api, &id, body, 512) < 0)
		return;
	fake_broker_send(fd, head, sizeof(head));
	while (send(fd, "x", 1, MSG_NOSIGNAL) == 1)
		usleep(1000);
}

START_TEST(conn__is_not_kept_waiting_by_drips)
{
	struct kb_conn *c;
	struct kb_buf out = {0};
	int32_t id;

	ck_ok(open_fake(drip, &c));
	ck_ok(kb_conn_send(c, KB_API_METADATA, 4, false, kb_slice_str(""),
		kb_clock_ms() + LONG, &id));
	ck_assert_int_eq(kb_conn_recv(c, id, false, kb_clock_ms() + 50, &out),
		-ETIMEDOUT);
	kb_buf_release(&out);
	done(c);
}
END_TEST

START_TEST(conn__is_interrupted_while_it_waits)
{
	struct kb_cancel cancel;
	struct kb_conn *c;
	struct kb_buf out = {0};

	ck_ok(kb_cancel_init(&cancel));
	ck_ok(kb_conf_new(&conf));
	fake_broker_start(&broker, silent_after_greeting);
	ck_ok(kb_conn_open(conf, "127.0.0.1", broker.port, &cancel, &c));
	kb_cancel_fire(&cancel, 2);
	ck_assert_int_eq(kb_conn_call(c, KB_API_METADATA, 4, false,
				 kb_slice_str(""), &out),
		-ECANCELED);
	done(c);
	kb_cancel_release(&cancel);
}
END_TEST

/* ---- things that are not brokers ---- */

static void
http(int fd)
{
	static const char text[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
	char b[64];

	if (recv(fd, b, sizeof(b), 0) > 0)
		fake_broker_send(fd, text, sizeof(text) - 1);
}

START_TEST(conn__recognises_an_http_server)
{
	struct kb_conn *c = NULL;

	ck_assert_int_eq(open_fake(http, &c), -EBADMSG);
	assert_says("HTTP");
	assert_says(broker.address);
	done(c);
}
END_TEST

static void
tls(int fd)
{
	static const uint8_t alert[] = {0x15, 3, 3, 0, 2, 2, 80};
	char b[64];

	if (recv(fd, b, sizeof(b), 0) > 0)
		fake_broker_send(fd, alert, sizeof(alert));
}

START_TEST(conn__recognises_a_tls_listener)
{
	struct kb_conn *c = NULL;

	ck_assert_int_eq(open_fake(tls, &c), -EBADMSG);
	assert_says("TLS");
	done(c);
}
END_TEST

static void
garbage(int fd)
{
	char b[64];

	if (recv(fd, b, sizeof(b), 0) > 0)
		fake_broker_send(fd, "SSH-2.0-x\r\n", 11);
}

START_TEST(conn__says_when_the_answer_is_not_kafkas)
{
	struct kb_conn *c = NULL;

	ck_assert_int_eq(open_fake(garbage, &c), -EBADMSG);
	assert_says("not Kafka's");
	done(c);
}
END_TEST

static void
hang_up(int fd)
{
	char b[64];

	if (recv(fd, b, sizeof(b), 0) < 0)
		return;
}

START_TEST(conn__says_when_the_first_request_ends_the_connection)
{
	struct kb_conn *c = NULL;

	ck_assert_int_eq(open_fake(hang_up, &c), -ECONNRESET);
	assert_says("PLAINTEXT");
	done(c);
}
END_TEST

START_TEST(conn__gives_up_on_a_listener_that_never_speaks)
{
	struct kb_conn *c = NULL;

	ck_ok(kb_conf_new(&conf));
	ck_ok(kb_conf_set(conf, "socket.connection.setup.timeout.ms", "1000"));
	fake_broker_start(&broker, silent);
	ck_assert_int_eq(kb_conn_open(conf, "127.0.0.1", broker.port, NULL, &c),
		-ETIMEDOUT);
	assert_says(broker.address);
	done(c);
}
END_TEST

START_TEST(conn__names_host_and_port_that_refuse)
{
	struct kb_conn *c = NULL;

	ck_ok(kb_conf_new(&conf));
	/* A port that was free a moment ago. */
	fake_broker_start(&broker, silent);
	fake_broker_stop(&broker);
	ck_assert_int_eq(kb_conn_open(conf, "127.0.0.1", broker.port, NULL, &c),
		-ECONNREFUSED);
	assert_says(broker.address);
	kb_conf_free(conf);
}
END_TEST

START_TEST(conn__names_a_host_that_does_not_exist)
{
	struct kb_conn *c = NULL;

	ck_ok(kb_conf_new(&conf));
	ck_assert_int_eq(
		kb_conn_open(conf, "no-such-host.invalid", 9092, NULL, &c),
		-EHOSTUNREACH);
	assert_says("no-such-host.invalid:9092");
	kb_conf_free(conf);
}
END_TEST

KB_SUITE("conn", conn__sends_requests_and_receives_answers,
	conn__strips_the_flexible_header,
	conn__keeps_several_requests_in_flight, conn__agrees_on_a_version,
	conn__refuses_an_answer_to_another_request, conn__tells_a_torn_answer,
	conn__refuses_an_answer_above_the_limit,
	conn__takes_memory_only_for_bytes_that_come,
	conn__gives_up_at_the_deadline, conn__is_not_kept_waiting_by_drips,
	conn__is_interrupted_while_it_waits, conn__recognises_an_http_server,
	conn__recognises_a_tls_listener,
	conn__says_when_the_answer_is_not_kafkas,
	conn__says_when_the_first_request_ends_the_connection,
	conn__gives_up_on_a_listener_that_never_speaks,
	conn__names_host_and_port_that_refuse,
	conn__names_a_host_that_does_not_exist)
