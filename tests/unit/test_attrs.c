#include "fs/attrs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fs/ino.h"
#include "fs/sources.h"
#include "fs/tree.h"
#include "specimen.h"
#include "store/layout.h"
#include "store/store.h"
#include "suite.h"

/*
 * orders/0: offsets 0 to 99 and 100 to 149, ten a batch; orders/1: nothing;
 * orders/2: 0 to 9.
 */
static struct specimen a;
static char dir[64];
static struct kb_sources *sources;
static struct kb_tree *tree;

static void
setup(void)
{
	struct specimen_segment s = {
		.topic = "orders", .records = 100, .batch = 10, .value = 100};
	struct kb_topic_ref t = specimen_topic("orders");

	strcpy(dir, "/tmp/kb-attrs-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_ok(specimen_open(&a, dir));
	ck_ok(specimen_put(&a, &s, &s.start));
	s.records = 50;
	ck_ok(specimen_put(&a, &s, NULL));
	s = (struct specimen_segment){
		.topic = "orders", .partition = 2, .records = 10, .value = 100};
	ck_ok(specimen_put(&a, &s, NULL));
	ck_ok(specimen_meta(&a, &t, SPECIMEN_TIME, 3));
	ck_ok(kb_sources_new(a.repo, a.index, 1 << 20, &sources));
	ck_ok(kb_tree_new(a.repo, a.index, sources, false, &tree));
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

static uint64_t
ino_of(const char *path)
{
	char copy[200], *rest = copy, *name;
	struct kb_node n = {.ino = KB_INO_ROOT};

	snprintf(copy, sizeof(copy), "%s", path);
	while (*copy && (name = strsep(&rest, "/")))
		ck_ok(kb_tree_lookup(tree, n.ino, name, &n));
	return n.ino;
}

/* All but id and hash: `name=value name=value `. */
static const char *
attrs_of(const char *path)
{
	static char text[600];
	char value[KB_ATTR_MAX];
	struct kb_buf names = {0};
	struct kb_attrs all, one;
	char *at = text;

	text[0] = '\0';
	ck_ok(kb_attrs_gather(tree, ino_of(path), KB_ATTRS_ALL, &all));
	ck_ok(kb_attrs_list(&all, &names));
	for (size_t i = 0; i < names.len;
		i += strlen((char *)names.data + i) + 1) {
		const char *name = (char *)names.data + i;
		unsigned bit = kb_attrs_named(name);
		size_t len;

		ck_assert_msg(bit != 0, "%s", name);
		ck_ok(kb_attrs_gather(tree, ino_of(path), bit, &one));
		ck_assert_uint_eq(one.has, bit);
		len = kb_attrs_value(
			&one, (enum kb_attr)__builtin_ctz(bit), value);
		ck_assert_uint_eq(len, strlen(value));
		if (bit != 1u << KB_ATTR_TOPIC_ID &&
			bit != 1u << KB_ATTR_SHA256)
			at += sprintf(at, "%s=%s ", name + strlen("user.kbak."),
				value);
	}
	kb_buf_release(&names);
	return text;
}

/* Size of the batches that a name stands for. */
static uint64_t
stored(const char *path)
{
	struct kb_node n;

	ck_ok(kb_tree_stat(tree, ino_of(path), &n));
	return n.size;
}

static void
is(const char *path, const char *log, int64_t first, int64_t last)
{
	char want[600];

	snprintf(want, sizeof(want),
		"first_offset=%lld last_offset=%lld records=%lld "
		"min_timestamp=%lld max_timestamp=%lld stored_bytes=%llu ",
		(long long)first, (long long)last,
		(long long)(last - first + 1), (long long)specimen_time(first),
		(long long)specimen_time(last),
		(unsigned long long)stored(log));
	ck_assert_str_eq(attrs_of(path), want);
}

START_TEST(attrs__of_listed_files_are_the_segments)
{
	setup();
	is("orders/0/0-99.jsonl", "orders/0/0-99.log", 0, 99);
	is("orders/0/latest.jsonl", "orders/0/100-149.log", 100, 149);
	ck_assert_uint_eq(kb_sources_decoded(sources), 0);
	teardown();
}
END_TEST

START_TEST(attrs__of_ranges_are_those_of_their_records)
{
	setup();
	is("orders/0/5-120.jsonl", "orders/0/0-129.log", 5, 120);
	is("orders/0/5-120.values", "orders/0/0-129.log", 5, 120);
	is("orders/0/5-120.log", "orders/0/0-129.log", 0, 129);
	is("orders/0/42.jsonl", "orders/0/40-49.log", 42, 42);
	is("orders/0/140-.jsonl", "orders/0/140-.log", 140, 149);
	is("orders/0/0-.log", "orders/0/-149.log", 0, 149);
	teardown();
}
END_TEST

static void
has_hash(const char *path, int64_t start)
{
	char object[KB_NAME_MAX];
	struct kb_topic_ref t = specimen_topic("orders");
	uint8_t bytes[20000], digest[KB_SHA256_SIZE];
	struct kb_blob *blob;
	struct kb_sha256 *h;
	struct kb_attrs got;
	uint64_t size;

	kb_layout_segment(object, &t, 0, start);
	ck_ok(kb_store_open(a.repo->store, object, &blob, &size));
	ck_assert_uint_le(size, sizeof(bytes));
	ck_assert_int_eq(kb_blob_read(blob, 0, bytes, size), (int64_t)size);
	kb_blob_close(blob);
	ck_ok(kb_sha256_new(&h));
	kb_sha256_add(h, bytes, size);
	kb_sha256_finish(h, digest);
	kb_sha256_free(h);
	ck_ok(kb_attrs_gather(tree, ino_of(path), 1u << KB_ATTR_SHA256, &got));
	ck_assert_msg(got.has == 1u << KB_ATTR_SHA256, "%s", path);
	ck_assert_mem_eq(got.sha256, digest, sizeof(digest));
}

START_TEST(attrs__hash_is_of_whole_segments_alone)
{
	static const char *const others[] = {"orders/0/0-98.jsonl",
		"orders/0/0-149.log", "orders/0/10-99.log",
		"orders/0/42.values", "orders/0/99-100.log", "orders/0",
		"orders"};
	struct kb_attrs got;

	setup();
	has_hash("orders/0/0-99.jsonl", 0);
	has_hash("orders/0/0-99.log", 0);
	has_hash("orders/0/-99.values", 0);
	has_hash("orders/0/100-.log", 100);
	/* The batches that it stands for are all of them. */
	has_hash("orders/0/3-91.log", 0);
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		ck_ok(kb_attrs_gather(
			tree, ino_of(others[i]), 1u << KB_ATTR_SHA256, &got));
		ck_assert_msg(got.has == 0, "%s", others[i]);
	}
	teardown();
}
END_TEST

START_TEST(attrs__of_directories_are_totals)
{
	char want[300];

	setup();
	is("orders/0", "orders/0/0-.log", 0, 149);
	ck_assert_str_eq(attrs_of("orders/1"), "records=0 stored_bytes=0 ");
	snprintf(want, sizeof(want),
		"records=160 min_timestamp=%lld max_timestamp=%lld "
		"stored_bytes=%llu ",
		(long long)specimen_time(0), (long long)specimen_time(149),
		(unsigned long long)(stored("orders/0/0-.log") +
				     stored("orders/2/0-.log")));
	ck_assert_str_eq(attrs_of("orders"), want);
	ck_assert_str_eq(attrs_of(""), "");
	teardown();
}
END_TEST

START_TEST(attrs__topic_id_is_as_kafka_prints_it)
{
	static const char *const paths[] = {
		"orders", "orders/1", "orders/0/0-99.jsonl", "orders/0/7.log"};
	struct kb_topic_ref t = specimen_topic("orders");
	char want[KB_UUID_TEXT], value[KB_ATTR_MAX];
	struct kb_attrs got;

	setup();
	kb_uuid_format(&t.id, want);
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		ck_ok(kb_attrs_gather(tree, ino_of(paths[i]),
			kb_attrs_named("user.kbak.topic_id"), &got));
		kb_attrs_value(&got, KB_ATTR_TOPIC_ID, value);
		ck_assert_str_eq(value, want);
	}
	teardown();
}
END_TEST

START_TEST(attrs__unknown_names_and_inodes)
{
	struct kb_attrs got;

	setup();
	ck_assert_uint_eq(kb_attrs_named("user.kbak.nothing"), 0);
	ck_assert_uint_eq(kb_attrs_named("records"), 0);
	ck_assert_uint_eq(kb_attrs_named("user.kbak.records2"), 0);
	ck_assert_int_eq(
		kb_attrs_gather(tree, KB_INO_VIEW | 99, KB_ATTRS_ALL, &got),
		-ESTALE);
	ck_assert_int_eq(
		kb_attrs_gather(tree, kb_ino_file(77, 0), KB_ATTRS_ALL, &got),
		-ESTALE);
	ck_assert_int_eq(
		kb_attrs_gather(tree, kb_ino_topic(77), KB_ATTRS_ALL, &got),
		-ESTALE);
	teardown();
}
END_TEST

KB_SUITE("attrs", attrs__of_listed_files_are_the_segments,
	attrs__of_ranges_are_those_of_their_records,
	attrs__hash_is_of_whole_segments_alone,
	attrs__of_directories_are_totals, attrs__topic_id_is_as_kafka_prints_it,
	attrs__unknown_names_and_inodes)
