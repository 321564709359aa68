#include "fs/restore_file.h"
#include "fs/restore_tree.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/cancel.h"
#include "fs/ino.h"
#include "restore/restore.h"
#include "suite.h"

/* ---- a restore that only writes down what it is told ---- */

struct kb_sink {
	char label[300];
	uint64_t size;
	int flushes;
};

static char made[300]; /* topics */
static int sinks;      /* open now */
static struct kb_sink *newest;
static int make_fails;

int
kb_restore_make_topic(
	struct kb_restore *r, const char *topic, struct kb_cancel *interrupt)
{
	(void)r;
	(void)interrupt;
	if (make_fails)
		return kb_err(make_fails, "told to fail");
	if (strcmp(topic, "known") != 0)
		return -ENOENT;
	strcat(strcat(made, topic), " ");
	return 0;
}

int
kb_sink_open(struct kb_restore *r, const char *topic, int32_t partition,
	const char *label, struct kb_sink **out)
{
	struct kb_sink *s = calloc(1, sizeof(*s));

	(void)r;
	ck_assert_ptr_nonnull(s);
	snprintf(s->label, sizeof(s->label), "%s %d %s", topic, partition,
		label);
	sinks++;
	*out = newest = s;
	return 0;
}

int
kb_sink_write(struct kb_sink *s, uint64_t pos, struct kb_slice bytes,
	struct kb_cancel *interrupt, size_t *out_taken)
{
	(void)interrupt;
	ck_assert_uint_eq(pos, s->size);
	s->size += bytes.len;
	*out_taken = bytes.len;
	return 0;
}

int
kb_sink_flush(struct kb_sink *s, struct kb_cancel *interrupt)
{
	(void)interrupt;
	s->flushes++;
	return 0;
}

uint64_t
kb_sink_size(const struct kb_sink *s)
{
	return s->size;
}

uint64_t
kb_sink_records(const struct kb_sink *s)
{
	return s->size;
}

void
kb_sink_close(struct kb_sink *s)
{
	if (s)
		sinks--;
	free(s);
}

/* ---- */

static struct kb_restore_tree *tree;
static struct kb_node topic, partition, node;

static void
setup(void)
{
	ck_ok(kb_restore_tree_new(NULL, &tree));
	ck_ok(kb_restore_tree_mkdir(
		tree, KB_INO_RESTORE, "other", 0755, NULL, &topic));
	ck_ok(kb_restore_tree_mkdir(
		tree, topic.ino, "3", 0755, NULL, &partition));
}

static int
create(const char *name, struct kb_restore_file **out)
{
	return kb_restore_file_create(
		tree, partition.ino, name, 0644, &node, out);
}

static void
put(struct kb_restore_file *f, uint64_t pos, const char *text)
{
	size_t taken;

	ck_ok(kb_restore_file_write(f, pos, kb_slice_str(text), NULL, &taken));
	ck_assert_uint_eq(taken, strlen(text));
}

/* Restores a file of one line. */
static void
restore(const char *name)
{
	struct kb_restore_file *f;

	ck_ok(create(name, &f));
	put(f, 0, "{}\n");
	ck_ok(kb_restore_file_flush(f, NULL));
	kb_restore_file_release(tree, f);
}

static int
find(const char *name)
{
	int r = kb_restore_tree_lookup(tree, partition.ino, name, &node);

	if (r == 0)
		kb_restore_tree_forget(tree, node.ino, 1);
	return r;
}

START_TEST(restore_tree__path_decides_topic_and_partition)
{
	struct kb_restore_file *f;

	setup();
	ck_ok(create("x.jsonl", &f));
	ck_assert_str_eq(newest->label, "other 3 other/3/x.jsonl");
	put(f, 0, "abc");
	put(f, 3, "def");
	ck_ok(kb_restore_tree_stat(tree, node.ino, &node));
	ck_assert_uint_eq(node.size, 6);
	ck_ok(kb_restore_file_flush(f, NULL));
	ck_assert_int_eq(newest->flushes, 1);
	kb_restore_file_release(tree, f);
	ck_assert_int_eq(sinks, 0);
	ck_ok(find("x.jsonl"));
	ck_assert_uint_eq(node.size, 6);
	kb_restore_tree_free(tree);
}
END_TEST

START_TEST(restore_tree__only_known_topics_are_made_at_once)
{
	setup();
	ck_ok(kb_restore_tree_mkdir(
		tree, KB_INO_RESTORE, "known", 0755, NULL, &node));
	ck_assert_str_eq(made, "known ");
	ck_assert_int_eq(kb_restore_tree_mkdir(tree, KB_INO_RESTORE, "known",
				 0755, NULL, &node),
		-EEXIST);
	make_fails = -ETIMEDOUT;
	ck_assert_int_eq(kb_restore_tree_mkdir(tree, KB_INO_RESTORE, "later",
				 0755, NULL, &node),
		-ETIMEDOUT);
	ck_assert_int_eq(
		kb_restore_tree_lookup(tree, KB_INO_RESTORE, "later", &node),
		-ENOENT);
	kb_restore_tree_free(tree);
}
END_TEST

START_TEST(restore_tree__refuses_what_has_no_place)
{
	struct kb_restore_file *f;

	setup();
	ck_assert_int_eq(kb_restore_tree_mkdir(tree, KB_INO_RESTORE, "a b",
				 0755, NULL, &node),
		-EINVAL);
	ck_assert_int_eq(
		kb_restore_tree_mkdir(tree, topic.ino, "x", 0755, NULL, &node),
		-EINVAL);
	ck_assert_int_eq(kb_restore_tree_mkdir(
				 tree, partition.ino, "1", 0755, NULL, &node),
		-EINVAL);
	ck_assert_int_eq(create("x.txt", &f), -EINVAL);
	ck_assert_int_eq(kb_restore_file_create(
				 tree, topic.ino, "x.jsonl", 0644, &node, &f),
		-EINVAL);
	ck_assert_ptr_nonnull(
		strstr(kb_err_text(), "go into restore/TOPIC/PARTITION/"));
	ck_assert_int_eq(sinks, 0);
	kb_restore_tree_free(tree);
}
END_TEST

START_TEST(restore_tree__restores_a_file_once)
{
	struct kb_restore_file *f;

	setup();
	restore("x.jsonl");
	ck_assert_int_eq(create("x.jsonl", &f), -EEXIST);
	ck_assert_int_eq(create(".x.jsonl.AbCdEf", &f), -EEXIST);
	ck_ok(find("x.jsonl"));
	ck_assert_int_eq(
		kb_restore_file_open(tree, node.ino, true, &f), -EEXIST);
	ck_ok(kb_restore_file_open(tree, node.ino, false, &f));
	kb_restore_file_release(tree, f);
	ck_ok(kb_restore_tree_unlink(tree, partition.ino, "x.jsonl"));
	restore("x.jsonl");
	kb_restore_tree_free(tree);
}
END_TEST

START_TEST(restore_tree__empty_file_may_be_written_later)
{
	struct kb_restore_file *f;

	setup();
	ck_ok(create("x.jsonl", &f));
	ck_ok(kb_restore_file_flush(f, NULL));
	kb_restore_file_release(tree, f);
	ck_ok(find("x.jsonl"));
	ck_ok(kb_restore_file_open(tree, node.ino, true, &f));
	put(f, 0, "{}\n");
	kb_restore_file_release(tree, f);
	ck_assert_int_eq(sinks, 0);
	kb_restore_tree_free(tree);
}
END_TEST

START_TEST(restore_tree__rsync_writes_aside_and_renames)
{
	struct kb_restore_file *f;

	setup();
	ck_ok(create(".x.jsonl.AbCdEf", &f));
	ck_assert_str_eq(newest->label, "other 3 other/3/x.jsonl");
	put(f, 0, "{}\n");
	kb_restore_file_release(tree, f);
	ck_assert_int_eq(find("x.jsonl"), -ENOENT);
	ck_ok(kb_restore_tree_rename(tree, partition.ino, ".x.jsonl.AbCdEf",
		partition.ino, "x.jsonl"));
	ck_ok(find("x.jsonl"));
	ck_assert_int_eq(find(".x.jsonl.AbCdEf"), -ENOENT);
	ck_assert_int_eq(kb_restore_tree_rename(tree, partition.ino, "x.jsonl",
				 partition.ino, "y.jsonl"),
		-EPERM);
	kb_restore_tree_free(tree);
}
END_TEST

START_TEST(restore_tree__half_written_temporary_file_is_not_forgotten)
{
	struct kb_restore_file *f;

	setup();
	ck_ok(create(".x.jsonl.AbCdEf", &f));
	put(f, 0, "{}\n");
	kb_restore_file_release(tree, f);
	ck_ok(kb_restore_tree_unlink(tree, partition.ino, ".x.jsonl.AbCdEf"));
	ck_ok(find("x.jsonl"));
	ck_assert_int_eq(create(".x.jsonl.GhIjKl", &f), -EEXIST);
	ck_ok(kb_restore_tree_unlink(tree, partition.ino, "x.jsonl"));
	restore(".x.jsonl.GhIjKl");
	kb_restore_tree_free(tree);
}
END_TEST

START_TEST(restore_tree__removed_file_lives_while_it_is_open)
{
	struct kb_restore_file *f;
	uint64_t ino;

	setup();
	ck_ok(create("x.jsonl", &f));
	ino = node.ino;
	ck_ok(kb_restore_tree_unlink(tree, partition.ino, "x.jsonl"));
	put(f, 0, "{}\n");
	ck_ok(kb_restore_file_flush(f, NULL));
	kb_restore_file_release(tree, f);
	ck_ok(kb_restore_tree_stat(tree, ino, &node));
	kb_restore_tree_forget(tree, ino, 1);
	ck_assert_int_eq(kb_restore_tree_stat(tree, ino, &node), -ESTALE);
	kb_restore_tree_free(tree);
}
END_TEST

START_TEST(restore_tree__directories_go_when_they_are_empty)
{
	setup();
	restore("x.jsonl");
	ck_assert_int_eq(
		kb_restore_tree_rmdir(tree, topic.ino, "3"), -ENOTEMPTY);
	ck_assert_int_eq(kb_restore_tree_unlink(tree, topic.ino, "3"), -EISDIR);
	ck_ok(kb_restore_tree_stat(tree, topic.ino, &node));
	ck_assert_uint_eq(node.nlink, 3);
	ck_ok(kb_restore_tree_unlink(tree, partition.ino, "x.jsonl"));
	ck_ok(kb_restore_tree_rmdir(tree, topic.ino, "3"));
	ck_ok(kb_restore_tree_rmdir(tree, KB_INO_RESTORE, "other"));
	ck_assert_int_eq(
		kb_restore_tree_rmdir(tree, KB_INO_RESTORE, "other"), -ENOENT);
	ck_assert_int_eq(
		kb_restore_tree_mkdir(tree, topic.ino, "4", 0755, NULL, &node),
		-ESTALE);
	kb_restore_tree_free(tree);
}
END_TEST

START_TEST(restore_tree__keeps_mode_and_time_and_its_size)
{
	struct kb_restore_change c = {.set_mode = true,
		.mode = 0600,
		.set_mtime = true,
		.mtime = 1234,
		.set_size = true,
		.size = 3};

	setup();
	restore("x.jsonl");
	ck_ok(kb_restore_tree_change(tree, node.ino, &c, &node));
	ck_assert_uint_eq(node.mode, 0600);
	ck_assert_int_eq(node.mtime, 1234);
	c.size = 0;
	ck_assert_int_eq(
		kb_restore_tree_change(tree, node.ino, &c, &node), -EINVAL);
	kb_restore_tree_free(tree);
}
END_TEST

/* cp -r brings the modes of the archive's directories, 0555. */
START_TEST(restore_tree__owner_may_always_write_to_directories)
{
	struct kb_restore_change c = {.set_mode = true, .mode = 0555};

	setup();
	ck_ok(kb_restore_tree_mkdir(tree, topic.ino, "4", 0555, NULL, &node));
	ck_assert_uint_eq(node.mode, 0755);
	ck_ok(kb_restore_tree_change(tree, node.ino, &c, &node));
	ck_assert_uint_eq(node.mode, 0755);
	kb_restore_tree_free(tree);
}
END_TEST

static int
take(void *ctx, const char *name, const struct kb_node *n, uint64_t cookie)
{
	char *names = ctx;

	(void)n;
	if (strlen(names) > 0 && names[0] == '!')
		return 1; /* a page holds one */
	snprintf(names, 400, "!%s", name);
	memcpy(names + 300, &cookie, sizeof(cookie));
	return 0;
}

START_TEST(restore_tree__lists_what_was_put_there_page_by_page)
{
	char page[400], all[400] = "";
	uint64_t cookie = 0;

	setup();
	restore("b.jsonl");
	restore("a.jsonl");
	for (;;) {
		page[0] = '\0';
		ck_ok(kb_restore_tree_list(
			tree, partition.ino, cookie, take, page));
		if (!page[0])
			break;
		strcat(strcat(all, page + 1), " ");
		memcpy(&cookie, page + 300, sizeof(cookie));
	}
	ck_assert_str_eq(all, ". .. b.jsonl a.jsonl ");
	kb_restore_tree_free(tree);
}
END_TEST

KB_SUITE("restore_tree", restore_tree__path_decides_topic_and_partition,
	restore_tree__only_known_topics_are_made_at_once,
	restore_tree__refuses_what_has_no_place,
	restore_tree__restores_a_file_once,
	restore_tree__empty_file_may_be_written_later,
	restore_tree__rsync_writes_aside_and_renames,
	restore_tree__half_written_temporary_file_is_not_forgotten,
	restore_tree__removed_file_lives_while_it_is_open,
	restore_tree__directories_go_when_they_are_empty,
	restore_tree__keeps_mode_and_time_and_its_size,
	restore_tree__owner_may_always_write_to_directories,
	restore_tree__lists_what_was_put_there_page_by_page)
