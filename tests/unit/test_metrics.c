/* The server on the loopback, asked by hand. */
#include "backup/metrics.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backup/deposit.h"
#include "suite.h"

static struct kb_metrics *m;
static struct sockaddr_in at = {.sin_family = AF_INET};
static char address[32];
static char reply[64 << 10];

/* Takes a free port. What is given back is not handed out again soon. */
static void
setup(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len = sizeof(at);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	at.sin_port = 0;
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, len), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	close(fd);
	snprintf(address, sizeof(address), "127.0.0.1:%d",
		(int)ntohs(at.sin_port));
	ck_ok(kb_metrics_open(address, &m));
}

static int
connected(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

/* The whole answer. */
static const char *
ask(const char *method, const char *url)
{
	char request[100];
	size_t len = 0;
	ssize_t n;
	int fd = connected();

	snprintf(request, sizeof(request), "%s %s HTTP/1.0\r\n\r\n", method,
		url);
	n = (ssize_t)strlen(request);
	ck_assert_int_eq(write(fd, request, (size_t)n), n);
	while ((n = read(fd, reply + len, sizeof(reply) - 1 - len)) > 0)
		len += (size_t)n;
	reply[len] = '\0';
	close(fd);
	return reply;
}

START_TEST(metrics__answer_before_there_is_a_run)
{
	setup();
	ask("GET", "/metrics");
	ck_assert_ptr_nonnull(strstr(reply, " 200 OK\r\n"));
	ck_assert_ptr_nonnull(strstr(reply, "version=0.0.4"));
	ck_assert_ptr_nonnull(strstr(reply, "\nkbak_records_total 0\n"));
	ck_assert_ptr_nonnull(strstr(ask("GET", "/health"), " 200 OK\r\n"));
	kb_metrics_close(m);
}
END_TEST

START_TEST(metrics__tell_of_the_run)
{
	static struct kb_deposit deposit;

	setup();
	kb_gauges_moved(&deposit.gauges);
	deposit.totals.records = 42;
	kb_metrics_watch(m, &deposit);
	ask("GET", "/metrics");
	ck_assert_ptr_nonnull(strstr(reply, "\nkbak_records_total 42\n"));
	deposit.totals.problems = 1;
	ck_assert_ptr_nonnull(strstr(ask("GET", "/health"), " 503 "));
	kb_metrics_close(m);
}
END_TEST

START_TEST(metrics__refuse_everything_else)
{
	setup();
	ck_assert_ptr_nonnull(strstr(ask("GET", "/"), " 404 "));
	ck_assert_ptr_nonnull(strstr(ask("GET", "/metrics/x"), " 404 "));
	ck_assert_ptr_nonnull(strstr(ask("DELETE", "/metrics"), " 405 "));
	kb_metrics_close(m);
}
END_TEST

START_TEST(metrics__end_with_clients_hanging_on)
{
	int silent, half;

	setup();
	silent = connected();
	half = connected();
	ck_assert_int_eq(write(half, "GET /met", 8), 8);
	ask("GET", "/health"); /* both are accepted by now */
	kb_metrics_close(m);
	ck_assert_int_le(read(silent, reply, 1), 0);
	ck_assert_int_le(read(half, reply, 1), 0);
	close(silent);
	close(half);
}
END_TEST

START_TEST(metrics__say_when_the_port_is_taken)
{
	struct kb_metrics *second;

	setup();
	ck_assert_int_eq(kb_metrics_open(address, &second), -EADDRINUSE);
	ck_assert_ptr_nonnull(strstr(kb_err_text(), address));
	kb_metrics_close(m);
}
END_TEST

START_TEST(metrics__refuse_what_is_no_address)
{
	static const char *const bad[] = {"", ":", "9090", ":9090", "127.0.0.1",
		"127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:80x",
		"127.0.0.1:-1", "[]:9090", "[:1]:9090"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ck_assert_int_eq(kb_metrics_open(bad[i], &m), -EINVAL);
}
END_TEST

KB_SUITE("metrics", metrics__answer_before_there_is_a_run,
	metrics__tell_of_the_run, metrics__refuse_everything_else,
	metrics__end_with_clients_hanging_on,
	metrics__say_when_the_port_is_taken, metrics__refuse_what_is_no_address)
