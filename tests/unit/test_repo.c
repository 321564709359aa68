#include "store/repo.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "stores.h"

static char *dir;

static void
setup(void)
{
	dir = stores_make_dir();
}

static void
teardown(void)
{
	stores_remove_dir(dir);
}

static const char *
in_dir(const char *name)
{
	static char path[300];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void
put(const char *name, const char *text)
{
	FILE *f = fopen(in_dir(name), "w");

	ck_assert_ptr_nonnull(f);
	fprintf(f, "%s\n", text);
	fclose(f);
}

/* r, and a sentence that holds word. */
static void
opens_with(const char *path, int r, const char *word)
{
	struct kb_repo *repo;

	ck_assert_int_eq(kb_repo_open(path, &repo), r);
	ck_assert_msg(strstr(kb_err_text(), word) != NULL, "%s", kb_err_text());
}

static void
makes_with(const char *path, int r, const char *word)
{
	struct kb_repo *repo;

	ck_assert_int_eq(kb_repo_open_or_create(path, "c", &repo), r);
	ck_assert_msg(strstr(kb_err_text(), word) != NULL, "%s", kb_err_text());
}

START_TEST(repo__is_made_where_nothing_is)
{
	struct kb_repo *repo;
	char uuid[40];

	setup();
	ck_ok(kb_repo_open_or_create(in_dir("deep/repo"), "c1", &repo));
	strcpy(uuid, repo->uuid);
	ck_assert_uint_eq(strlen(uuid), 36);
	ck_assert_str_eq(repo->cluster_id, "c1");
	ck_assert_int_gt(repo->created, 1700000000000);
	kb_repo_close(repo);
	ck_ok(kb_repo_open(in_dir("deep/repo"), &repo));
	ck_assert_str_eq(repo->uuid, uuid);
	ck_assert_str_eq(repo->cluster_id, "c1");
	kb_repo_close(repo);
	ck_ok(kb_repo_open_or_create(in_dir("deep/repo"), "c1", &repo));
	ck_assert_str_eq(repo->uuid, uuid);
	kb_repo_close(repo);
	kb_repo_close(NULL);
	teardown();
}
END_TEST

START_TEST(repo__is_made_in_an_empty_directory)
{
	struct kb_repo *repo;

	setup();
	ck_assert_int_eq(mkdir(in_dir("lost+found"), 0700), 0);
	ck_ok(kb_repo_open_or_create(dir, "c", &repo));
	kb_repo_close(repo);
	teardown();
}
END_TEST

START_TEST(repo__refuses_what_is_none)
{
	setup();
	opens_with(in_dir("x"), -ENOENT, "no such directory");
	opens_with(dir, -ENOENT, "not a repository");
	put("file", "x");
	opens_with(in_dir("file"), -ENOTDIR, "not a directory");
	makes_with(in_dir("file"), -ENOTDIR, "not a directory");
	makes_with(dir, -ENOTEMPTY, "\"file\"");
	unlink(in_dir("file"));
	ck_assert_int_eq(mkdir(in_dir("data"), 0777), 0);
	makes_with(dir, -ENOTEMPTY, "descriptor is lost");
	/* Other people's directory is as it was. */
	ck_assert_int_eq(access(in_dir("tmp"), F_OK), -1);
	teardown();
}
END_TEST

START_TEST(repo__refuses_another_cluster)
{
	struct kb_repo *repo;

	setup();
	ck_ok(kb_repo_open_or_create(dir, "mine", &repo));
	kb_repo_close(repo);
	makes_with(dir, -EACCES, "mine");
	teardown();
}
END_TEST

START_TEST(repo__says_permission_when_it_is_that)
{
	setup();
	ck_assert_int_eq(mkdir(in_dir("shut"), 0), 0);
	if (geteuid() == 0) /* root may read everything */
		ck_assert_int_eq(chmod(dir, 0711), 0);
	if (geteuid() == 0)
		ck_assert_int_eq(seteuid(65534), 0);
	opens_with(in_dir("shut"), -EACCES, "no permission");
	makes_with(in_dir("shut"), -EACCES, "ermission denied");
	makes_with(in_dir("new"), -EACCES, "ermission denied");
	if (getuid() == 0)
		ck_assert_int_eq(seteuid(0), 0);
	teardown();
}
END_TEST

START_TEST(repo__refuses_newer_formats_and_unknown_features)
{
	setup();
	put("kbakfs.json", "{\"format\":2}");
	opens_with(dir, -EPROTONOSUPPORT, "format 2");
	makes_with(dir, -EPROTONOSUPPORT, "format 2");
	put("kbakfs.json", "{\"format\":1,\"features\":[\"sealed\"]}");
	opens_with(dir, -EPROTONOSUPPORT, "\"sealed\"");
	put("kbakfs.json", "{\"format\":1,\"features\":[7]}");
	opens_with(dir, -EPROTONOSUPPORT, "feature");
	teardown();
}
END_TEST

START_TEST(repo__names_a_damaged_descriptor)
{
	const char *bad[] = {"", "{", "[1]", "{}", "{\"format\":0}",
		"{\"format\":1}", "{\"format\":1,\"features\":[]}",
		"{\"format\":1,\"features\":[],\"uuid\":1}",
		"{\"format\":1,\"features\":[],\"uuid\":\"u\","
		"\"cluster_id\":\"c\",\"created\":\"now\"}"};

	setup();
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		put("kbakfs.json", bad[i]);
		opens_with(dir, -EBADMSG, in_dir("kbakfs.json"));
		makes_with(dir, -EBADMSG, in_dir("kbakfs.json"));
	}
	teardown();
}
END_TEST

#define CREATORS 8

static void *
create(void *arg)
{
	struct kb_repo *repo;

	if (kb_repo_open_or_create(dir, "c", &repo) < 0)
		return NULL;
	strcpy(arg, repo->uuid);
	kb_repo_close(repo);
	return arg;
}

START_TEST(repo__has_one_creator_of_many)
{
	char uuids[CREATORS][40];
	pthread_t threads[CREATORS];

	setup();
	for (int i = 0; i < CREATORS; i++)
		ck_assert_int_eq(
			pthread_create(&threads[i], NULL, create, uuids[i]), 0);
	for (int i = 0; i < CREATORS; i++) {
		void *done;

		pthread_join(threads[i], &done);
		ck_assert_ptr_nonnull(done);
		ck_assert_str_eq(uuids[i], uuids[0]);
	}
	teardown();
}
END_TEST

KB_SUITE("repo", repo__is_made_where_nothing_is,
	repo__is_made_in_an_empty_directory, repo__refuses_what_is_none,
	repo__refuses_another_cluster, repo__says_permission_when_it_is_that,
	repo__refuses_newer_formats_and_unknown_features,
	repo__names_a_damaged_descriptor, repo__has_one_creator_of_many)
