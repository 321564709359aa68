#include "fs/vitals.h"

#include <jansson.h>
#include <string.h>

#include "fs/sources.h"
#include "specimen.h"
#include "suite.h"

static struct specimen a;
static struct kb_sources *sources;
static struct kb_vitals *vitals;
static char dir[64];

static void
setup(const char *path)
{
	strcpy(dir, "/tmp/kb-vitals-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_ok(specimen_open(&a, dir));
	ck_ok(kb_sources_new(a.repo, a.index, 1 << 20, &sources));
	ck_ok(kb_vitals_new(path, a.repo->uuid, a.index, sources, &vitals));
}

static void
teardown(void)
{
	char command[100];

	kb_vitals_free(vitals);
	kb_sources_free(sources);
	specimen_close(&a);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	ck_assert_int_eq(system(command), 0);
}

static json_t *
look(size_t *out_len)
{
	struct kb_buf text = {0};
	json_t *all;

	ck_ok(kb_vitals_render(vitals, &text));
	ck_assert_int_eq(text.data[text.len - 1], '\n');
	all = json_loadb((char *)text.data, text.len, 0, NULL);
	ck_assert_ptr_nonnull(all);
	*out_len = text.len;
	kb_buf_release(&text);
	return all;
}

static json_int_t
number(json_t *all, const char *group, const char *kind, const char *name)
{
	json_t *o = json_object_get(all, group);

	if (kind)
		o = json_object_get(o, kind);
	o = json_object_get(o, name);
	ck_assert(json_is_integer(o));
	return json_integer_value(o);
}

START_TEST(vitals__say_what_was_answered_and_how_fast)
{
	size_t before, after;
	json_t *all;

	setup("/some/where");
	json_decref(look(&before));
	for (int i = 1; i <= 100; i++)
		kb_vitals_answered(vitals, KB_VITAL_READ, i);
	kb_vitals_answered(vitals, KB_VITAL_FLUSH, 7);
	kb_vitals_opened(vitals, 1);
	kb_vitals_opened(vitals, 1);
	kb_vitals_opened(vitals, -1);
	all = look(&after);
	ck_assert_int_eq(number(all, "requests", "read", "count"), 100);
	ck_assert_int_eq(number(all, "requests", "read", "p50_us"), 50);
	ck_assert_int_eq(number(all, "requests", "read", "p99_us"), 99);
	ck_assert_int_eq(number(all, "requests", "flush", "count"), 1);
	ck_assert_int_eq(number(all, "requests", "lookup", "count"), 0);
	ck_assert_int_eq(number(all, "cache", NULL, "budget"), 1 << 20);
	ck_assert_int_eq(
		json_integer_value(json_object_get(all, "open_files")), 1);
	ck_assert_int_gt(json_integer_value(json_object_get(all, "rss")), 0);
	ck_assert_str_eq(
		json_string_value(json_object_get(all, "uuid")), a.repo->uuid);
	ck_assert_uint_eq(before, after);
	json_decref(all);
	teardown();
}
END_TEST

START_TEST(vitals__path_may_hold_any_character)
{
	const char *path = "/a \"quoted\"\n\\path\x01";
	json_t *all;
	size_t len;

	setup(path);
	all = look(&len);
	ck_assert_str_eq(
		json_string_value(json_object_get(all, "repository")), path);
	json_decref(all);
	teardown();
}
END_TEST

KB_SUITE("vitals", vitals__say_what_was_answered_and_how_fast,
	vitals__path_may_hold_any_character)
