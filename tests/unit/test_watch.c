#include "fs/watch.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store/store.h"
#include "suite.h"

static char dir[64];
static struct kb_store *store;
static struct kb_watch *watch;
static struct {
	pthread_mutex_t lock;
	pthread_cond_t more;
	int looks;
	char wanted[200]; /* a path */
	bool found;
} seen = {.lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER};

static const char *
path_of(const char *name)
{
	static char path[200];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void
look(void *ctx)
{
	(void)ctx;
	pthread_mutex_lock(&seen.lock);
	seen.looks++;
	if (access(seen.wanted, F_OK) == 0)
		seen.found = true;
	pthread_cond_broadcast(&seen.more);
	pthread_mutex_unlock(&seen.lock);
}

/* Waits until there were so many looks, and what is wanted was found. */
static void
wait_for(int looks)
{
	struct timespec end;
	int e = 0;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += 50;
	pthread_mutex_lock(&seen.lock);
	while ((seen.looks < looks || !seen.found) && e == 0)
		e = pthread_cond_timedwait(&seen.more, &seen.lock, &end);
	pthread_mutex_unlock(&seen.lock);
	ck_assert_int_eq(e, 0);
}

/* From now on a look should find this. */
static void
want(const char *name)
{
	pthread_mutex_lock(&seen.lock);
	strcpy(seen.wanted, path_of(name));
	seen.found = false;
	pthread_mutex_unlock(&seen.lock);
}

static void
sees_dir(const char *name)
{
	want(name);
	ck_assert_int_eq(mkdir(path_of(name), 0700), 0);
	wait_for(0);
}

static void
sees_file(const char *name)
{
	FILE *f;

	want(name);
	f = fopen(path_of(name), "w");
	ck_assert_ptr_nonnull(f);
	fclose(f);
	wait_for(0);
}

static void
make(void)
{
	strcpy(dir, "/tmp/kb-watch-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_ok(kb_store_open_local(dir, false, &store));
}

static void
done(void)
{
	char command[100];

	kb_watch_stop(watch);
	kb_store_free(store);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	ck_assert_int_eq(system(command), 0);
}

START_TEST(watch__looks_at_once_and_after_each_change)
{
	make();
	want("");
	ck_ok(kb_watch_start(store, look, NULL, &watch));
	wait_for(1);
	sees_dir("index");
	sees_dir("index/00000001");
	sees_file("index/00000001/1");
	sees_file("index/00000001/2");
	sees_dir("index/00000002");
	sees_file("index/00000002/1");
	ck_assert(!kb_watch_by_clock(watch));
	done();
}
END_TEST

START_TEST(watch__a_replaced_index_is_watched)
{
	char other[200];

	make();
	want("");
	ck_ok(kb_watch_start(store, look, NULL, &watch));
	wait_for(1);
	sees_dir("index");
	want("moved");
	strcpy(other, path_of("moved"));
	ck_assert_int_eq(rename(path_of("index"), other), 0);
	wait_for(0);
	sees_dir("index");
	sees_dir("index/00000001");
	sees_file("index/00000001/1");
	ck_assert(!kb_watch_by_clock(watch));
	done();
}
END_TEST

/* No file descriptor is left for inotify. */
START_TEST(watch__looks_by_the_clock_where_inotify_fails)
{
	struct rlimit old, few;
	int free_fd;

	make();
	want("");
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
	free_fd = dup(0);
	close(free_fd);
	few = old;
	few.rlim_cur = (rlim_t)free_fd + 1;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	ck_ok(kb_watch_start(store, look, NULL, &watch));
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
	wait_for(2);
	ck_assert(kb_watch_by_clock(watch));
	done();
}
END_TEST

START_TEST(watch__a_store_without_files_is_looked_at_by_the_clock)
{
	ck_ok(kb_store_new_memory(&store));
	seen.found = true;
	ck_ok(kb_watch_start(store, look, NULL, &watch));
	wait_for(2);
	ck_assert(kb_watch_by_clock(watch));
	kb_watch_stop(watch);
	kb_store_free(store);
}
END_TEST

KB_SUITE("watch", watch__looks_at_once_and_after_each_change,
	watch__a_replaced_index_is_watched,
	watch__looks_by_the_clock_where_inotify_fails,
	watch__a_store_without_files_is_looked_at_by_the_clock)
