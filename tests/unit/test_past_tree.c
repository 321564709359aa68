#include "fs/past_tree.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "fs/facts.h"
#include "fs/ino.h"
#include "fs/sources.h"
#include "fs/tree.h"
#include "fs/view.h"
#include "specimen.h"
#include "suite.h"

/*
 * orders/0: files 0-9, 10-14 and 15-24; orders/1: 0-9, without times; bills/0:
 * 20-29; restore/0: 0-0. The time of record n is specimen_time(n).
 */
static struct specimen a;
static char dir[64];
static struct kb_sources *sources;
static struct kb_tree *tree;

static int64_t
never(int64_t offset)
{
	(void)offset;
	return KB_NO_TIME;
}

static void
put(const char *topic, int32_t partition, int64_t start, int records,
	int64_t (*time)(int64_t offset))
{
	struct specimen_segment s = {.topic = topic,
		.partition = partition,
		.start = start,
		.records = records,
		.time = time,
		.value = 100};

	ck_ok(specimen_put(&a, &s, NULL));
}

static void
setup(void)
{
	strcpy(dir, "/tmp/kb-past-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_ok(specimen_open(&a, dir));
	put("orders", 0, 0, 10, NULL);
	put("orders", 0, 10, 5, NULL);
	put("orders", 0, 15, 10, NULL);
	put("orders", 1, 0, 10, never);
	put("bills", 0, 20, 10, NULL);
	put("restore", 0, 0, 1, NULL);
	ck_ok(kb_sources_new(a.repo, a.index, 1 << 20, &sources));
	ck_ok(kb_tree_new(a.repo, a.index, sources, true, &tree));
}

static void
teardown(void)
{
	char command[100];

	kb_sources_stop(sources);
	kb_tree_free(tree);
	kb_sources_free(sources);
	specimen_close(&a);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	ck_assert_int_eq(system(command), 0);
}

/* The node at a path below the root as of record n, each step forgotten. */
static int
walk(int64_t n, const char *path, struct kb_node *out)
{
	char copy[300], time[KB_CLOCK_TEXT], *rest = copy, *name;
	uint64_t parent = KB_INO_ROOT;
	int r = 0;

	kb_clock_format(specimen_time(n), time);
	snprintf(copy, sizeof(copy), "@%s%s%s", time, *path ? "/" : "", path);
	while (r == 0 && (name = strsep(&rest, "/"))) {
		r = kb_tree_lookup(tree, parent, name, out);
		kb_tree_forget(tree, parent, 1);
		parent = out->ino;
	}
	return r;
}

struct got {
	char names[4000];
	uint64_t inos[50];
	int count;
	int ready;
	int room;
	uint64_t cookie;
};

static int
take(void *ctx, const char *name, const struct kb_node *n, uint64_t cookie)
{
	struct got *g = ctx;

	if (g->room-- == 0)
		return 1;
	g->inos[g->count++] = n->ino;
	g->ready += n->ready;
	strcat(strcat(g->names, name), " ");
	g->cookie = cookie;
	return 0;
}

/* All names, in pages of so many; each is found under its number. */
static const char *
list(int64_t at, const char *path, int page, struct got *g)
{
	struct kb_node n, child;
	char names[4000], *rest = names, *name;
	int before = -1, i = 0;

	*g = (struct got){0};
	ck_ok(walk(at, path, &n));
	while (before != g->count) {
		before = g->count;
		g->room = page;
		ck_ok(kb_tree_list(tree, n.ino, g->cookie, true, take, g));
	}
	strcpy(names, g->names);
	while ((name = strsep(&rest, " ")) && *name) {
		if (name[0] != '.') {
			ck_ok(kb_tree_lookup(tree, n.ino, name, &child));
			ck_assert_uint_eq(child.ino, g->inos[i]);
			ck_ok(kb_tree_stat(tree, child.ino, &child));
			ck_assert_uint_eq(child.ino, g->inos[i]);
			kb_tree_forget(tree, child.ino, 1);
		}
		i++;
	}
	kb_tree_forget(tree, n.ino, 1);
	return g->names;
}

#define FILE_0 "00000000000000000000-00000000000000000009.jsonl "
#define FILE_10 "00000000000000000010-00000000000000000014.jsonl "
#define FILE_15 "00000000000000000015-00000000000000000024.jsonl "

START_TEST(past_tree__lists_what_has_a_record_of_the_time)
{
	struct got g;

	setup();
	for (int page = 1; page < 6; page++) {
		ck_assert_str_eq(
			list(12, "", page, &g), ". .. bills orders @topic ");
		ck_assert_str_eq(list(12, "orders", page, &g), ". .. 0 1 ");
		ck_assert_str_eq(list(12, "bills", page, &g), ". .. 0 ");
		ck_assert_str_eq(list(12, "bills/0", page, &g), ". .. ");
		ck_assert_str_eq(list(12, "@topic", page, &g), ". .. restore ");
		ck_assert_str_eq(
			list(12, "orders/0", page, &g), ". .. " FILE_0 FILE_10);
		ck_assert_int_eq(g.ready, 1); /* the other must be sifted */
		ck_assert_uint_lt(g.inos[2], g.inos[3]);
		ck_assert_str_eq(
			list(15, "orders/0", page, &g), ". .. " FILE_0 FILE_10);
		ck_assert_str_eq(list(16, "orders/0", page, &g),
			". .. " FILE_0 FILE_10 FILE_15);
		ck_assert_str_eq(list(0, "orders/0", page, &g), ". .. ");
		ck_assert_str_eq(list(0, "orders/1", page, &g), ". .. " FILE_0);
	}
	teardown();
}
END_TEST

/* The file shows so many records, and is as large as its text. */
static void
holds(int64_t at, const char *path, uint64_t records, bool fixed)
{
	struct kb_view *v;
	struct kb_node n;

	ck_ok(walk(at, path, &n));
	ck_assert_int_eq(n.fixed, fixed);
	ck_assert(!n.dir);
	ck_ok(kb_tree_open(tree, n.ino, &v));
	ck_assert_uint_eq(kb_view_size(v), n.size);
	ck_assert_uint_eq(kb_view_facts(v)->records, records);
	kb_view_close(v);
	kb_tree_forget(tree, n.ino, 1);
}

START_TEST(past_tree__files_hold_what_is_older_than_the_time)
{
	setup();
	holds(12, "orders/0/0-9.jsonl", 10, true);
	holds(15, "orders/0/10-14.jsonl", 5, true);
	ck_assert_uint_eq(kb_sources_sifted(sources), 0);
	holds(12, "orders/0/10-14.jsonl", 2, true);
	ck_assert_uint_eq(kb_sources_sifted(sources), 1);
	holds(12, "orders/0/latest.jsonl", 2, true);
	ck_assert_uint_eq(kb_sources_sifted(sources), 1);
	holds(12, "orders/1/0-9.jsonl", 10, true);
	holds(12, "orders/1/latest.jsonl", 10, true);
	holds(12, "orders/0/5-24.jsonl", 7, true);
	holds(12, "orders/0/5-.jsonl", 7, false);
	holds(12, "orders/0/11.jsonl", 1, true);
	holds(12, "orders/0/0-9.values", 10, true);
	holds(12, "orders/0/10-14.values", 2, true);
	holds(12, "orders/0/2023-11-14T22:13:30..2023-11-15.jsonl", 2, false);
	holds(12, "@topic/restore/0/0.jsonl", 1, true);
	teardown();
}
END_TEST

START_TEST(past_tree__times_are_no_newer_than_the_time)
{
	struct kb_node n;

	setup();
	ck_ok(walk(12, "", &n));
	ck_assert_int_eq(n.mtime, specimen_time(12));
	ck_assert_uint_eq(n.nlink, 2 + 3);
	ck_ok(walk(12, "bills", &n));
	ck_assert_int_eq(n.mtime, specimen_time(12));
	ck_ok(walk(1000, "bills", &n));
	ck_assert_int_eq(n.mtime, specimen_time(29));
	ck_ok(walk(12, "orders/0/10-14.jsonl", &n));
	ck_assert_int_eq(n.mtime, specimen_time(11));
	ck_ok(walk(12, "orders/0/0-9.jsonl", &n));
	ck_assert_int_eq(n.mtime, specimen_time(9));
	teardown();
}
END_TEST

START_TEST(past_tree__what_was_not_there_is_absent)
{
	static const char *const paths[] = {"nothing", "restore", "@status",
		"@2023-11-14", "orders/2", "orders/0/12.jsonl",
		"orders/0/15-24.jsonl", "orders/0/12-24.jsonl", "orders/0/x",
		"orders/0/2023-11-14T22:13:32..2023-11-15.jsonl",
		"bills/0/latest.jsonl"};
	struct kb_node n;

	setup();
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		ck_assert_msg(
			walk(12, paths[i], &n) == -ENOENT, "%s", paths[i]);
	ck_ok(walk(12, "orders/0/0-9.jsonl", &n));
	ck_assert_int_eq(kb_tree_lookup(tree, n.ino, "x", &n), -ENOTDIR);
	ck_assert_int_eq(
		kb_tree_lookup(tree, KB_INO_ROOT, "@now", &n), -ENOENT);
	teardown();
}
END_TEST

START_TEST(past_tree__stored_batches_are_refused_in_words)
{
	struct kb_node n;

	setup();
	ck_assert_int_eq(walk(12, "orders/0/0-9.log", &n), -EINVAL);
	ck_assert_ptr_nonnull(strstr(kb_err_text(), ".jsonl"));
	teardown();
}
END_TEST

START_TEST(past_tree__is_gone_when_it_is_forgotten)
{
	struct kb_node n, top, again;
	struct kb_view *v;

	setup();
	ck_ok(walk(12, "", &top));
	ck_ok(walk(12, "orders/0/10-14.jsonl", &n));
	kb_tree_forget(tree, top.ino, 1);
	ck_ok(kb_tree_stat(tree, n.ino, &again));
	ck_ok(kb_tree_open(tree, n.ino, &v));
	kb_tree_forget(tree, n.ino, 1);
	ck_assert_int_eq(kb_tree_stat(tree, n.ino, &again), -ESTALE);
	ck_assert_int_eq(kb_tree_stat(tree, top.ino, &again), -ESTALE);
	ck_assert_uint_eq(kb_view_size(v), n.size);
	kb_view_close(v);
	teardown();
}
END_TEST

START_TEST(past_tree__offsets_beyond_the_scheme_open_all_the_same)
{
	struct kb_node n;
	struct got g;
	char path[100];

	setup();
	put("high", 0, 5, 3, NULL);
	put("high", 0, KB_INO_PAST_OFFSETS + 1, 3, never);
	snprintf(path, sizeof(path), "high/0/%lld-%lld.jsonl",
		(long long)KB_INO_PAST_OFFSETS + 1,
		(long long)KB_INO_PAST_OFFSETS + 3);
	ck_ok(kb_tree_refresh(tree));
	holds(12, path, 3, true);
	ck_ok(walk(12, "high/0", &n));
	g = (struct got){.room = 10};
	ck_ok(kb_tree_list(tree, n.ino, 0, true, take, &g));
	ck_assert_int_eq(g.count, 4);
	ck_assert_uint_lt(g.inos[2], g.inos[3]);
	teardown();
}
END_TEST

KB_SUITE("past_tree", past_tree__lists_what_has_a_record_of_the_time,
	past_tree__files_hold_what_is_older_than_the_time,
	past_tree__times_are_no_newer_than_the_time,
	past_tree__what_was_not_there_is_absent,
	past_tree__stored_batches_are_refused_in_words,
	past_tree__is_gone_when_it_is_forgotten,
	past_tree__offsets_beyond_the_scheme_open_all_the_same)
