#include "fs/tree.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fs/filename.h"
#include "fs/ino.h"
#include "fs/sources.h"
#include "fs/view.h"
#include "store/store.h"
#include "specimen.h"
#include "suite.h"

static struct specimen a;
static char dir[64];
static struct kb_sources *sources;
static struct kb_tree *tree;

/* A repository with what a test put into it, and a tree over it. */
static void
make(void)
{
	strcpy(dir, "/tmp/kb-tree-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_ok(specimen_open(&a, dir));
}

static void
show(bool with_restore)
{
	ck_ok(kb_sources_new(a.repo, a.index, 1 << 20, &sources));
	ck_ok(kb_tree_new(a.repo, a.index, sources, with_restore, &tree));
}

static void
done(void)
{
	char command[100];

	kb_sources_stop(sources);
	kb_tree_free(tree);
	kb_sources_free(sources);
	specimen_close(&a);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	ck_assert_int_eq(system(command), 0);
}

static int64_t
put(const char *topic, int32_t partition, int64_t start, int records)
{
	struct specimen_segment s = {.topic = topic,
		.partition = partition,
		.start = start,
		.records = records,
		.value = 100};
	int64_t end;

	ck_ok(specimen_put(&a, &s, &end));
	return end;
}

/* The node at a path below the root. */
static int
walk(const char *path, struct kb_node *out)
{
	char copy[200], *rest = copy, *name;
	int r = kb_tree_stat(tree, KB_INO_ROOT, out);

	snprintf(copy, sizeof(copy), "%s", path);
	while (r == 0 && (name = strsep(&rest, "/")))
		r = kb_tree_lookup(tree, out->ino, name, out);
	return r;
}

/* ---- listing ---- */

struct got {
	char names[4000];
	uint64_t inos[200];
	int count;
	int room; /* entries until a page is full */
	uint64_t cookie;
};

static int
take(void *ctx, const char *name, const struct kb_node *n, uint64_t cookie)
{
	struct got *g = ctx;

	if (g->room-- == 0)
		return 1;
	g->inos[g->count++] = n->ino;
	strcat(strcat(g->names, name), " ");
	g->cookie = cookie;
	return 0;
}

/* `a b c `: all names, in pages of so many entries. */
static const char *
list(const char *path, int page, struct got *g)
{
	struct kb_node n;
	int before = -1;

	*g = (struct got){0};
	ck_ok(*path ? walk(path, &n) : kb_tree_stat(tree, KB_INO_ROOT, &n));
	while (before != g->count) {
		before = g->count;
		g->room = page;
		ck_ok(kb_tree_list(tree, n.ino, g->cookie, true, take, g));
	}
	return g->names;
}

START_TEST(tree__lists_topics_partitions_and_segments_in_order)
{
	struct kb_topic_ref t = specimen_topic("orders");
	struct got g;

	make();
	put("orders", 0, put("orders", 0, 0, 10), 5);
	put("orders", 10, 7, 1);
	put("bills", 0, 0, 1);
	ck_ok(specimen_meta(&a, &t, SPECIMEN_TIME, 11));
	show(false);
	for (int page = 1; page < 5; page++) {
		ck_assert_str_eq(list("", page, &g), ". .. bills orders ");
		ck_assert_str_eq(list("orders", page, &g),
			". .. 0 1 2 3 4 5 6 7 8 9 10 ");
		ck_assert_str_eq(list("orders/1", page, &g), ". .. ");
		ck_assert_str_eq(list("orders/10", page, &g),
			". .. 00000000000000000007-"
			"00000000000000000007.jsonl ");
		ck_assert_str_eq(list("orders/0", page, &g),
			". .. 00000000000000000000-00000000000000000009.jsonl "
			"00000000000000000010-00000000000000000014.jsonl ");
		ck_assert_uint_lt(g.inos[2], g.inos[3]);
	}
	done();
}
END_TEST

START_TEST(tree__what_is_listed_is_found_and_stays_the_same)
{
	struct kb_node n, again;
	struct kb_view *v;
	struct got g;

	make();
	put("orders", 3, 100, 10);
	show(false);
	list("orders/3", 100, &g);
	ck_ok(walk("orders/3/00000000000000000100-00000000000000000109.jsonl",
		&n));
	ck_assert_uint_eq(n.ino, g.inos[2]);
	ck_assert(n.fixed && !n.dir);
	ck_assert_uint_eq(n.nlink, 1);
	ck_assert_int_eq(n.mtime, specimen_time(109));
	ck_ok(kb_tree_stat(tree, n.ino, &again));
	ck_assert_uint_eq(again.size, n.size);
	ck_ok(kb_tree_open(tree, n.ino, &v));
	ck_assert_uint_eq(kb_view_size(v), n.size);
	kb_view_close(v);
	ck_ok(walk("orders/3/100-109.jsonl", &again));
	ck_assert_uint_eq(again.ino, n.ino);
	ck_assert_uint_eq(kb_sources_decoded(sources), 0);
	done();
}
END_TEST

START_TEST(tree__counts_directories_and_knows_the_newest)
{
	struct kb_topic_ref t = specimen_topic("orders");
	struct kb_node n;

	make();
	put("orders", 0, 0, 10);
	put("orders", 1, 0, 20);
	put("bills", 0, 0, 15);
	ck_ok(specimen_meta(&a, &t, SPECIMEN_TIME - 5, 4));
	show(true);
	ck_ok(kb_tree_stat(tree, KB_INO_ROOT, &n));
	ck_assert_uint_eq(n.nlink, 2 + 3);
	ck_assert_int_eq(n.mtime, specimen_time(19));
	ck_ok(walk("orders", &n));
	ck_assert_uint_eq(n.nlink, 2 + 4);
	ck_assert_int_eq(n.mtime, specimen_time(19));
	ck_ok(walk("orders/0", &n));
	ck_assert_uint_eq(n.nlink, 2);
	ck_assert_int_eq(n.mtime, specimen_time(9));
	ck_ok(walk("orders/3", &n));
	ck_assert_int_eq(n.mtime, SPECIMEN_TIME - 5);
	done();
}
END_TEST

START_TEST(tree__ranges_live_until_they_are_forgotten)
{
	struct kb_node n, again;
	struct kb_view *v;

	make();
	put("orders", 0, put("orders", 0, 0, 10), 10);
	show(false);
	ck_ok(walk("orders/0/5-14.jsonl", &n));
	ck_assert_uint_eq(n.ino & KB_INO_VIEW, KB_INO_VIEW);
	ck_assert(n.fixed);
	ck_assert_int_eq(n.mtime, specimen_time(14));
	ck_ok(walk("orders/0/005-014.jsonl", &again));
	ck_assert_uint_eq(again.ino, n.ino);
	kb_tree_forget(tree, n.ino, 1);
	for (int i = 0; i < 3; i++) {
		ck_ok(kb_tree_open(tree, n.ino, &v));
		ck_assert_uint_eq(kb_view_size(v), n.size);
		kb_view_close(v);
	}
	ck_ok(kb_tree_open(tree, n.ino, &v));
	kb_tree_forget(tree, n.ino, 1);
	ck_assert_int_eq(kb_tree_stat(tree, n.ino, &again), -ESTALE);
	ck_assert_uint_eq(kb_view_size(v), n.size);
	kb_view_close(v);
	done();
}
END_TEST

START_TEST(tree__range_without_an_end_is_all_from_there)
{
	struct kb_node n, all;

	make();
	put("orders", 0, put("orders", 0, 0, 10), 10);
	show(false);
	ck_ok(walk("orders/0/0-19.jsonl", &all));
	ck_ok(walk("orders/0/0-.jsonl", &n));
	ck_assert(!n.fixed);
	ck_assert_uint_eq(n.size, all.size);
	ck_ok(walk("orders/0/-19.jsonl", &n));
	ck_assert(n.fixed);
	ck_assert_uint_eq(n.ino, all.ino);
	ck_assert_int_eq(walk("orders/0/20-.jsonl", &n), -ENOENT);
	done();
}
END_TEST

START_TEST(tree__latest_is_the_last_file_under_another_name)
{
	struct kb_node n, file;
	int64_t end;

	make();
	end = put("orders", 0, 0, 10);
	show(false);
	ck_ok(walk("orders/0/0-9.jsonl", &file));
	ck_assert(!file.moves);
	ck_ok(walk("orders/0/latest.jsonl", &n));
	ck_assert_uint_eq(n.ino, file.ino);
	ck_assert(n.fixed && n.moves);
	put("orders", 0, end, 10);
	ck_ok(walk("orders/0/10-19.jsonl", &file));
	ck_ok(walk("orders/0/latest.jsonl", &n));
	ck_assert_uint_eq(n.ino, file.ino);
	done();
}
END_TEST

START_TEST(tree__nothing_is_latest_in_an_empty_partition)
{
	struct kb_topic_ref t = specimen_topic("orders");
	struct kb_node n;

	make();
	ck_ok(specimen_meta(&a, &t, SPECIMEN_TIME, 1));
	show(false);
	ck_ok(walk("orders/0", &n));
	ck_assert_int_eq(walk("orders/0/latest.jsonl", &n), -ENOENT);
	ck_assert_int_eq(walk("orders/0/0-.jsonl", &n), -ENOENT);
	done();
}
END_TEST

START_TEST(tree__range_that_may_grow_is_not_fixed)
{
	struct kb_node n, again;
	int64_t end;

	make();
	end = put("orders", 0, 0, 10);
	show(false);
	ck_ok(walk("orders/0/5-9.jsonl", &n));
	ck_assert(n.fixed);
	ck_ok(walk("orders/0/5-1000.jsonl", &again));
	ck_assert(!again.fixed);
	ck_assert_uint_eq(again.size, n.size);
	put("orders", 0, end, 10);
	ck_ok(kb_tree_stat(tree, again.ino, &n));
	ck_assert_uint_gt(n.size, again.size);
	done();
}
END_TEST

START_TEST(tree__absent_names_are_absent)
{
	static const char *const paths[] = {"nothing", "restore", "@groups",
		"orders/1", "orders/00", "orders/x", "orders/0/10.jsonl",
		"orders/0/10-20.jsonl", "orders/0/x", "orders/0/5",
		"@topic/orders", "@topic/restore", "orders@1"};
	struct kb_node n;

	make();
	put("orders", 0, 0, 10);
	show(false);
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		ck_assert_msg(walk(paths[i], &n) == -ENOENT, "%s", paths[i]);
	ck_ok(walk("orders/0/9.jsonl", &n));
	ck_assert_int_eq(kb_tree_lookup(tree, n.ino, "x", &n), -ENOTDIR);
	done();
}
END_TEST

START_TEST(tree__topic_called_restore_is_shown_below_its_own_name)
{
	struct kb_node n;
	struct got g;

	make();
	put("restore", 0, 0, 1);
	put("orders", 0, 0, 1);
	show(true);
	ck_assert_str_eq(list("", 1, &g), ". .. orders @topic restore ");
	ck_assert_uint_eq(g.inos[4], KB_INO_RESTORE);
	ck_assert_str_eq(list("@topic", 1, &g), ". .. restore ");
	ck_ok(walk("@topic/restore/0/0.jsonl", &n));
	ck_assert_int_eq(walk("@topic/orders", &n), -ENOENT);
	ck_ok(kb_tree_stat(tree, KB_INO_ROOT, &n));
	ck_assert_uint_eq(n.nlink, 2 + 3);
	done();
}
END_TEST

START_TEST(tree__offsets_beyond_the_scheme_open_all_the_same)
{
	struct kb_node n;
	struct kb_view *v;
	char path[100], name[KB_FILE_NAME_MAX];
	struct got g;

	make();
	put("orders", 0, KB_INO_OFFSETS, 3);
	show(false);
	kb_filename_format(name, KB_INO_OFFSETS, KB_INO_OFFSETS + 2);
	snprintf(path, sizeof(path), ". .. %s ", name);
	ck_assert_str_eq(list("orders/0", 2, &g), path);
	snprintf(path, sizeof(path), "orders/0/%s", name);
	ck_ok(walk(path, &n));
	ck_assert(n.fixed);
	ck_ok(kb_tree_open(tree, n.ino, &v));
	ck_assert_uint_eq(kb_view_size(v), n.size);
	kb_view_close(v);
	done();
}
END_TEST

static void
no_problem(void *ctx, const char *object, const char *sentence)
{
	(void)ctx;
	ck_abort_msg("%s: %s", object, sentence);
}

START_TEST(tree__what_a_new_index_leaves_out_is_stale)
{
	struct kb_topic_ref t = specimen_topic("orders");
	char object[KB_NAME_MAX];
	struct kb_node kept, gone;
	struct kb_view *v;
	int64_t end;

	make();
	end = put("orders", 0, 0, 10);
	put("orders", 0, end, 10);
	put("orders", 0, 2 * end, 10);
	show(false);
	ck_ok(walk("orders/0/0-9.jsonl", &kept));
	ck_ok(walk("orders/0/10-19.jsonl", &gone));
	ck_assert_int_eq(kb_tree_refresh(tree), 0);
	kb_layout_segment(object, &t, 0, end);
	ck_ok(kb_store_remove(a.repo->store, object));
	ck_ok(kb_index_rebuild(a.repo, NULL, no_problem, NULL));
	ck_assert_int_eq(kb_tree_refresh(tree), 1);
	ck_assert_int_eq(kb_tree_refresh(tree), 0);
	ck_assert_int_eq(kb_tree_stat(tree, gone.ino, &gone), -ESTALE);
	ck_assert_int_eq(kb_tree_open(tree, gone.ino, &v), -ESTALE);
	ck_ok(kb_tree_open(tree, kept.ino, &v));
	kb_view_close(v);
	done();
}
END_TEST

KB_SUITE("tree", tree__what_a_new_index_leaves_out_is_stale,
	tree__lists_topics_partitions_and_segments_in_order,
	tree__what_is_listed_is_found_and_stays_the_same,
	tree__counts_directories_and_knows_the_newest,
	tree__ranges_live_until_they_are_forgotten,
	tree__range_without_an_end_is_all_from_there,
	tree__latest_is_the_last_file_under_another_name,
	tree__nothing_is_latest_in_an_empty_partition,
	tree__range_that_may_grow_is_not_fixed, tree__absent_names_are_absent,
	tree__topic_called_restore_is_shown_below_its_own_name,
	tree__offsets_beyond_the_scheme_open_all_the_same)
