/* Which directories are synced, and when, is seen by an fsync of our own. */
#include "store/dirs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stores.h"

static char *dir;
static struct kb_dirs dirs;
static char synced[1024]; /* paths below dir, each behind a blank */
static atomic_int count;
static atomic_int fail; /* errno of the next one */
static atomic_bool held;

int
fsync(int fd)
{
	char link[64], path[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	ck_assert_int_ge(n, (ssize_t)strlen(dir));
	path[n] = '\0';
	strcat(synced, " ");
	strcat(synced, path + strlen(dir));
	atomic_fetch_add(&count, 1);
	while (atomic_load(&held))
		sched_yield();
	errno = atomic_exchange(&fail, 0);
	return errno ? -1 : 0;
}

static void
setup(void)
{
	dir = stores_make_dir();
	kb_dirs_init(&dirs);
	dirs.root = open(dir, O_RDONLY | O_DIRECTORY);
	ck_assert_int_ge(dirs.root, 0);
}

static void
teardown(void)
{
	close(dirs.root);
	kb_dirs_release(&dirs);
	stores_remove_dir(dir);
}

static int
make(const char *name)
{
	int fd = kb_dirs_make(&dirs, name, strlen(name));

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

/* What has been synced since the last look. */
static const char *
look(void)
{
	static char seen[sizeof(synced)];

	strcpy(seen, synced);
	synced[0] = '\0';
	return seen;
}

static void
remove_dir(const char *name)
{
	ck_assert_int_eq(unlinkat(dirs.root, name, AT_REMOVEDIR), 0);
}

START_TEST(dirs__syncs_what_is_above_once)
{
	setup();
	ck_ok(make("a/b/1"));
	ck_assert_str_eq(look(), "  /a /a/b");
	ck_ok(make("a/b/2"));
	ck_assert_str_eq(look(), " /a/b");
	ck_ok(make("a/bb/1"));
	ck_assert_str_eq(look(), " /a /a/bb");
	ck_ok(make("a/b/1"));
	ck_ok(make("a"));
	ck_ok(make(""));
	ck_assert_str_eq(look(), "");
	teardown();
}
END_TEST

START_TEST(dirs__makes_again_what_somebody_removed)
{
	setup();
	ck_ok(make("a/b/1"));
	look();
	remove_dir("a/b/1");
	ck_ok(make("a/b/1"));
	ck_assert_str_eq(look(), " /a/b");
	remove_dir("a/b/1");
	remove_dir("a/b");
	ck_ok(make("a/b/2"));
	ck_assert_str_eq(look(), "  /a /a/b");
	teardown();
}
END_TEST

static void
make_elsewhere(const char *name)
{
	ck_assert_int_eq(mkdirat(dirs.root, name, 0777), 0);
}

/* By somebody who may not have come to his fsync. */
START_TEST(dirs__syncs_once_what_was_there_before)
{
	setup();
	make_elsewhere("a");
	make_elsewhere("a/b");
	make_elsewhere("a/b/1");
	make_elsewhere("a/b/2");
	make_elsewhere("c");
	ck_ok(make("a/b/1"));
	ck_assert_str_eq(look(), "  /a /a/b");
	ck_ok(make("a/b/1"));
	ck_ok(make("a/b/2"));
	ck_ok(make("c"));
	ck_assert_str_eq(look(), "");
	ck_ok(make("a/b/3"));
	ck_assert_str_eq(look(), " /a/b");
	ck_ok(make("c/1"));
	ck_assert_str_eq(look(), "  /c"); /* c itself may be new */
	ck_ok(make("a/b/4"));
	ck_assert_str_eq(look(), " /a/b");
	teardown();
}
END_TEST

/* A name too long ends it in the middle: nobody waits for what is above. */
START_TEST(dirs__syncs_what_was_made_in_vain)
{
	char name[6 + NAME_MAX + 2] = "a/new/";

	setup();
	ck_ok(make("a/1"));
	look();
	memset(name + 6, 'x', NAME_MAX + 1);
	ck_assert_int_eq(make(name), -ENAMETOOLONG);
	ck_ok(make("a/new"));
	ck_assert_str_eq(look(), "  /a");
	teardown();
}
END_TEST

START_TEST(dirs__trusts_nothing_after_a_sync_that_failed)
{
	setup();
	ck_ok(make("a/1"));
	fail = EIO;
	ck_assert_int_eq(make("a/2"), -EIO);
	ck_assert_int_eq(make("a/2"), -EIO); /* is there, but for how long? */
	ck_assert_int_eq(make("a/3"), -EIO);
	teardown();
}
END_TEST

/* ---- several threads ---- */

#define THREADS 8

struct maker {
	pthread_t thread;
	char name[16];
	int result;
};

static void *
run_maker(void *arg)
{
	struct maker *m = arg;

	m->result = make(m->name);
	return NULL;
}

static void
start(struct maker *m, const char *name)
{
	strcpy(m->name, name);
	ck_assert_int_eq(pthread_create(&m->thread, NULL, run_maker, m), 0);
}

static void
join(struct maker *m)
{
	pthread_join(m->thread, NULL);
	ck_ok(m->result);
}

/* Until name is there, and somebody waits for the one who is in fsync. */
static void
wait_waiting(const char *name)
{
	bool ready = false;
	struct stat st;

	while (!ready) {
		sched_yield();
		pthread_mutex_lock(&dirs.lock);
		ready = dirs.waiting && !fstatat(dirs.root, name, &st, 0);
		pthread_mutex_unlock(&dirs.lock);
	}
}

START_TEST(dirs__shares_syncs_among_threads)
{
	struct maker first, others[THREADS];
	char name[16];

	setup();
	ck_ok(make("a/x"));
	look();
	held = true;
	start(&first, "a/first");
	while (count < 3) /* two above, and this one */
		sched_yield();
	for (int i = 0; i < THREADS; i++) {
		snprintf(name, sizeof(name), "a/%d", i);
		start(&others[i], name);
		wait_waiting(name);
	}
	held = false;
	join(&first);
	for (int i = 0; i < THREADS; i++)
		join(&others[i]);
	ck_assert_str_eq(look(), " /a /a");
	teardown();
}
END_TEST

/* It is there for everybody, but not durable yet. */
START_TEST(dirs__waits_for_what_another_thread_has_made)
{
	struct maker first, second;

	setup();
	held = true;
	start(&first, "a");
	while (count < 1)
		sched_yield();
	start(&second, "a");
	wait_waiting("a");
	held = false;
	join(&first);
	join(&second);
	teardown();
}
END_TEST

/* Who waits behind a group that fails may lie below its directories. */
START_TEST(dirs__fails_those_behind_a_sync_that_failed)
{
	struct maker first, second;

	setup();
	held = true;
	start(&first, "a");
	while (count < 1)
		sched_yield();
	start(&second, "a/1");
	wait_waiting("a/1");
	fail = EIO;
	held = false;
	pthread_join(first.thread, NULL);
	pthread_join(second.thread, NULL);
	ck_assert_int_eq(first.result, -EIO);
	ck_assert_int_eq(second.result, -EIO);
	teardown();
}
END_TEST

KB_SUITE("dirs", dirs__syncs_what_is_above_once,
	dirs__syncs_once_what_was_there_before,
	dirs__makes_again_what_somebody_removed,
	dirs__syncs_what_was_made_in_vain,
	dirs__trusts_nothing_after_a_sync_that_failed,
	dirs__shares_syncs_among_threads,
	dirs__waits_for_what_another_thread_has_made,
	dirs__fails_those_behind_a_sync_that_failed)
