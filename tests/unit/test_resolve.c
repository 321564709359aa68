#include "kafka/resolve.h"

#include <dirent.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "common/cancel.h"
#include "common/clock.h"
#include "suite.h"

/* Long enough never to pass in a test that works. */
#define LONG 30000

static int
resolve(const char *host, int family, struct addrinfo **out)
{
	return kb_resolve_host("the name", host, 9092, family, NULL,
		kb_clock_ms() + LONG, out);
}

START_TEST(resolve__reads_numeric_addresses)
{
	struct addrinfo *list;
	const struct sockaddr_in *in;

	ck_ok(resolve("127.0.0.2", AF_UNSPEC, &list));
	ck_assert_int_eq(list->ai_family, AF_INET);
	in = (const struct sockaddr_in *)(const void *)list->ai_addr;
	ck_assert_int_eq(ntohs(in->sin_port), 9092);
	ck_assert_uint_eq(ntohl(in->sin_addr.s_addr), 0x7f000002);
	ck_assert_ptr_null(list->ai_next);
	freeaddrinfo(list);
	ck_ok(resolve("::1", AF_UNSPEC, &list));
	ck_assert_int_eq(list->ai_family, AF_INET6);
	freeaddrinfo(list);
}
END_TEST

START_TEST(resolve__finds_names)
{
	struct addrinfo *list;

	ck_ok(resolve("localhost", AF_INET, &list));
	ck_assert_int_eq(list->ai_family, AF_INET);
	freeaddrinfo(list);
}
END_TEST

START_TEST(resolve__says_when_there_is_no_such_host)
{
	struct addrinfo *list;

	ck_assert_int_eq(resolve("no-such-host.invalid", AF_UNSPEC, &list),
		-EHOSTUNREACH);
	ck_assert_ptr_nonnull(strstr(kb_err_text(), "the name: "));
	ck_assert_int_eq(resolve("::1", AF_INET, &list), -EHOSTUNREACH);
}
END_TEST

/* Does a thread of this process still look up a name? */
static bool
is_looking_up(void)
{
	DIR *dir = opendir("/proc/self/task");
	bool found = false;
	const struct dirent *e;

	ck_assert_ptr_nonnull(dir);
	while ((e = readdir(dir))) {
		char path[64], name[16] = "";
		FILE *f;

		snprintf(path, sizeof(path), "/proc/self/task/%.20s/comm",
			e->d_name);
		f = fopen(path, "r");
		if (!f)
			continue;
		if (fgets(name, sizeof(name), f))
			found |= strncmp(name, "kb-resolve", 10) == 0;
		fclose(f);
	}
	closedir(dir);
	return found;
}

START_TEST(resolve__waits_no_longer_than_told)
{
	struct addrinfo *list;
	struct kb_cancel cancel;

	ck_ok(kb_cancel_init(&cancel));
	kb_cancel_fire(&cancel, 2);
	ck_assert_int_eq(
		kb_resolve_host("the name", "no-such-host.invalid", 1,
			AF_UNSPEC, &cancel, kb_clock_ms() + LONG, &list),
		-ECANCELED);
	/* The question that was left alone does not get into another's way. */
	ck_assert_int_eq(resolve("no-such-host.invalid", AF_UNSPEC, &list),
		-EHOSTUNREACH);
	kb_cancel_release(&cancel);
	/* It ends by itself, and what it held is not mistaken for a leak. */
	while (is_looking_up())
		sched_yield();
}
END_TEST

KB_SUITE("resolve", resolve__reads_numeric_addresses, resolve__finds_names,
	resolve__says_when_there_is_no_such_host,
	resolve__waits_no_longer_than_told)
