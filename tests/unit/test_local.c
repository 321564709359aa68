/* What only a directory does: leftovers, links, permissions, full disks. */
#include "store/local.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stores.h"

static char *dir;
static struct kb_store *store;

static void
setup(void)
{
	dir = stores_make_dir();
	ck_ok(kb_store_open_local(dir, false, &store));
}

static void
teardown(void)
{
	kb_store_free(store);
	stores_remove_dir(dir);
}

static const char *
in_dir(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void
make_file(const char *name)
{
	int fd = open(in_dir(name), O_CREAT | O_EXCL | O_WRONLY, 0666);

	ck_assert_int_ge(fd, 0);
	close(fd);
}

START_TEST(local__makes_the_directory_only_when_asked)
{
	struct kb_store *deep;
	struct stat st;
	char path[PATH_MAX];

	setup();
	snprintf(path, sizeof(path), "%s/a/b/", dir);
	ck_assert_int_eq(kb_store_open_local(path, false, &deep), -ENOENT);
	ck_ok(kb_store_open_local(path, true, &deep));
	ck_assert_str_eq(kb_store_name(deep) + strlen(dir), "/a/b");
	kb_store_free(deep);
	ck_assert_int_eq(stat(path, &st), 0);
	make_file("file");
	ck_assert_int_eq(
		kb_store_open_local(in_dir("file"), true, &deep), -ENOTDIR);
	teardown();
}
END_TEST

START_TEST(local__writes_nothing_for_a_reader)
{
	struct kb_blob *b;

	setup();
	ck_assert_int_eq(kb_store_open(store, "x", &b, NULL), -ENOENT);
	ck_assert_str_eq(stores_list(store, ""), "");
	ck_ok(kb_store_sweep(store, NULL));
	ck_assert_int_eq(rmdir(dir), 0);
	ck_assert_int_eq(mkdir(dir, 0777), 0);
	teardown();
}
END_TEST

START_TEST(local__sweeps_what_nobody_holds)
{
	struct kb_blob_writer *w;
	size_t count;
	int held;

	setup();
	kb_local_set_way(store, KB_TEMP_RENAME);
	ck_ok(kb_store_create(store, "x", &w)); /* makes tmp/ */
	make_file("tmp/crashed");
	make_file("tmp/other");
	held = open(in_dir("tmp/other"), O_RDWR);
	ck_assert_int_eq(flock(held, LOCK_EX), 0);
	ck_ok(kb_store_count_leftovers(store, &count));
	ck_assert_uint_eq(count, 1);
	ck_assert_int_eq(access(in_dir("tmp/crashed"), F_OK), 0);
	ck_ok(kb_store_sweep(store, &count));
	ck_assert_uint_eq(count, 1);
	ck_assert_int_eq(access(in_dir("tmp/crashed"), F_OK), -1);
	ck_assert_int_eq(access(in_dir("tmp/other"), F_OK), 0);
	close(held);
	ck_ok(kb_store_sweep(store, &count));
	ck_assert_uint_eq(count, 1);
	ck_ok(kb_blob_publish(w));
	ck_assert(stores_holds(store, "x", ""));
	ck_assert_int_eq(rmdir(in_dir("tmp")), 0); /* nothing is left */
	ck_ok(stores_put(store, "y", "made again"));
	teardown();
}
END_TEST

START_TEST(local__follows_no_link_out_of_the_store)
{
	struct kb_blob *b;
	char *path;

	setup();
	ck_assert_int_eq(symlink("/etc/passwd", in_dir("x")), 0);
	ck_assert_int_eq(kb_store_open(store, "x", &b, NULL), -EACCES);
	ck_assert_int_eq(stores_put(store, "x", "y"), -EEXIST);
	ck_ok(kb_store_path(store, "x", &path));
	free(path);
	ck_assert_int_eq(mkfifo(in_dir("pipe"), 0666), 0);
	ck_assert_int_eq(kb_store_open(store, "pipe", &b, NULL), -EBADMSG);
	teardown();
}
END_TEST

START_TEST(local__gives_paths_that_survive_chdir)
{
	struct kb_store *here;
	char *path;

	setup();
	ck_assert_int_eq(chdir(dir), 0);
	ck_ok(kb_store_open_local(".", false, &here));
	ck_ok(stores_put(here, "a/x", "y"));
	ck_assert_int_eq(chdir("/"), 0);
	ck_ok(kb_store_path(here, "a/x", &path));
	ck_assert_int_eq(access(path, R_OK), 0);
	ck_assert_str_eq(path, in_dir("a/x"));
	free(path);
	ck_assert_int_eq(kb_store_path(here, "a/y", &path), -ENOENT);
	ck_assert(stores_holds(here, "a/x", "y"));
	kb_store_free(here);
	teardown();
}
END_TEST

/* A limit on file sizes fails writes as a full disk does, with EFBIG. */
START_TEST(local__names_the_blob_when_a_write_fails)
{
	struct rlimit limit = {4, 4};
	struct kb_blob_writer *w;

	setup();
	ck_ok(kb_store_create(store, "data/x", &w));
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert_int_eq(kb_blob_write(w, kb_slice_str("12345")), -EFBIG);
	ck_assert_ptr_nonnull(strstr(kb_err_text(), "/data/x: cannot write: "));
	ck_assert_int_eq(kb_blob_publish(w), -EFBIG);
	ck_assert_str_eq(stores_list(store, ""), "");
	teardown();
}
END_TEST

START_TEST(local__leaves_nothing_behind_when_killed)
{
	struct kb_blob_writer *w;
	size_t count;
	pid_t child;
	int status;

	setup();
	kb_local_set_way(store, KB_TEMP_RENAME);
	ck_ok(stores_put(store, "before", "x"));
	child = fork();
	if (child == 0) {
		if (kb_store_create(store, "y", &w) == 0 &&
			kb_blob_write(w, kb_slice_str("part")) == 0)
			raise(SIGKILL);
		_exit(1);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFSIGNALED(status));
	ck_ok(kb_store_sweep(store, &count));
	ck_assert_uint_eq(count, 1);
	ck_assert_str_eq(stores_list(store, ""), "before");
	teardown();
}
END_TEST

START_TEST(local__makes_directories_that_were_removed_again)
{
	setup();
	ck_ok(stores_put(store, "a/b/1", "x"));
	ck_ok(stores_put(store, "a/c/1", "x"));
	ck_ok(kb_store_remove(store, "a/b/1"));
	ck_ok(kb_store_remove(store, "a/c/1"));
	ck_assert_int_eq(rmdir(in_dir("a/b")), 0);
	ck_assert_int_eq(rmdir(in_dir("a/c")), 0);
	ck_ok(stores_put(store, "a/c/2", "x"));
	ck_ok(kb_store_remove(store, "a/c/2"));
	ck_assert_int_eq(rmdir(in_dir("a/c")), 0);
	ck_assert_int_eq(rmdir(in_dir("a")), 0);
	ck_ok(stores_put(store, "a/b/2", "x"));
	ck_ok(stores_put(store, "ab", "x"));
	ck_ok(stores_put(store, "a/bc/1", "x"));
	ck_assert_str_eq(stores_list(store, "a/b"), "2");
	ck_assert_str_eq(stores_list(store, "a/bc"), "1");
	teardown();
}
END_TEST

KB_SUITE("local", local__makes_the_directory_only_when_asked,
	local__writes_nothing_for_a_reader, local__sweeps_what_nobody_holds,
	local__follows_no_link_out_of_the_store,
	local__gives_paths_that_survive_chdir,
	local__names_the_blob_when_a_write_fails,
	local__leaves_nothing_behind_when_killed,
	local__makes_directories_that_were_removed_again)
