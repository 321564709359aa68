#include "backup/describe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backup/archive.h"
#include "common/log.h"
#include "repos.h"
#include "store/store.h"
#include "stores.h"

static char *dir;

/* What is said of o, parsed; text is the same, malloc'd. */
static json_t *
describe(const struct kb_operand *o, char **out_text)
{
	struct kb_archive a;
	json_error_t e;
	size_t len;
	json_t *j;
	FILE *to = open_memstream(out_text, &len);

	ck_ok(kb_archive_open(dir, &a));
	ck_ok(kb_describe(&a, o, to));
	kb_archive_close(&a);
	fclose(to);
	j = json_loads(*out_text, JSON_REJECT_DUPLICATES, &e);
	ck_assert_msg(j != NULL, "%s\n%s", e.text, *out_text);
	return j;
}

static json_int_t
number(const json_t *o, const char *key)
{
	ck_assert(json_is_integer(json_object_get(o, key)));
	return json_integer_value(json_object_get(o, key));
}

START_TEST(describe__tells_all_of_a_repository)
{
	json_t *j, *topics, *t, *p;
	char *text;

	dir = stores_make_dir();
	repos_make_sample(dir);
	j = describe(NULL, &text);
	ck_assert_int_eq(
		number(json_object_get(j, "last_run"), "records"), 150);
	topics = json_object_get(j, "topics");
	ck_assert_uint_eq(json_array_size(topics), 3);
	t = json_array_get(topics, 1);
	ck_assert_str_eq(
		json_string_value(json_object_get(t, "shown")), "orders@1");
	ck_assert_str_eq(
		json_string_value(json_object_get(t, "topic")), "orders");
	ck_assert_uint_eq(json_array_size(json_object_get(t, "partitions")), 2);
	p = json_array_get(json_object_get(t, "partitions"), 0);
	ck_assert_int_eq(number(p, "segments"), 2);
	ck_assert_int_eq(number(p, "records"), 130);
	ck_assert_int_eq(number(p, "first"), 10);
	ck_assert_int_eq(number(p, "last"), 139);
	ck_assert_int_eq(number(p, "end"), 140);
	ck_assert_int_eq(number(p, "min_timestamp"), 1700000000010);
	p = json_array_get(json_object_get(p, "gaps"), 0);
	ck_assert_int_eq(number(p, "end"), 10);
	p = json_array_get(json_object_get(t, "partitions"), 1);
	ck_assert(json_is_null(json_object_get(p, "first")));
	json_decref(j);
	free(text);
	stores_remove_dir(dir);
}
END_TEST

START_TEST(describe__lists_the_segments_of_a_partition)
{
	struct kb_operand o = {"orders@1", 0};
	json_t *j, *list;
	char *text;

	dir = stores_make_dir();
	repos_make_sample(dir);
	j = describe(&o, &text);
	list = json_object_get(j, "segments");
	ck_assert_uint_eq(json_array_size(list), 2);
	ck_assert_int_eq(number(json_array_get(list, 1), "start"), 110);
	ck_assert_uint_eq(json_string_length(json_object_get(
				  json_array_get(list, 1), "sha256")),
		64);
	json_decref(j);
	free(text);
	stores_remove_dir(dir);
}
END_TEST

START_TEST(describe__says_the_same_after_a_rebuild)
{
	struct kb_operand o = {"orders@1", 0};
	char *before[2], *after[2], command[300];
	struct kb_repo *repo;

	dir = stores_make_dir();
	repos_make_sample(dir);
	json_decref(describe(NULL, &before[0]));
	json_decref(describe(&o, &before[1]));
	snprintf(command, sizeof(command), "rm -r %s/index", dir);
	ck_assert_int_eq(system(command), 0);
	ck_ok(kb_repo_open(dir, &repo));
	ck_ok(kb_index_rebuild(repo, NULL, NULL, NULL));
	kb_repo_close(repo);
	json_decref(describe(NULL, &after[0]));
	json_decref(describe(&o, &after[1]));
	for (int i = 0; i < 2; i++) {
		ck_assert_str_eq(before[i], after[i]);
		free(before[i]);
		free(after[i]);
	}
	stores_remove_dir(dir);
}
END_TEST

START_TEST(describe__fails_where_there_is_nothing)
{
	struct kb_operand o = {"nothing", -1};
	struct kb_archive a;
	FILE *to = fopen("/dev/null", "w");
	char command[300];

	dir = stores_make_dir();
	repos_make_sample(dir);
	ck_ok(kb_archive_open(dir, &a));
	ck_assert_int_eq(kb_describe(&a, &o, to), -ENOENT);
	ck_assert_ptr_nonnull(strstr(kb_err_text(), "nothing: no such topic"));
	strcpy(o.topic, "orders");
	o.partition = 7;
	ck_assert_int_eq(kb_describe(&a, &o, to), -ENOENT);
	kb_archive_close(&a);
	snprintf(command, sizeof(command), "rm -r %s/index", dir);
	ck_assert_int_eq(system(command), 0);
	ck_assert_int_eq(kb_archive_open(dir, &a), -ESTALE);
	ck_assert_ptr_nonnull(strstr(kb_err_text(), "run `kbak reindex"));
	fclose(to);
	stores_remove_dir(dir);
}
END_TEST

KB_SUITE("describe", describe__tells_all_of_a_repository,
	describe__lists_the_segments_of_a_partition,
	describe__says_the_same_after_a_rebuild,
	describe__fails_where_there_is_nothing)
