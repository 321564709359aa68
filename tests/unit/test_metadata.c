#include "kafka/metadata.h"

#include <errno.h>
#include <stdlib.h>

#include "kafka/cluster.h"
#include "kafka/wire.h"
#include "suite.h"

/*
 * Two brokers, cluster "c1", topics "b" (error 5) and "a" with partitions 1
 * (leader 7, epoch 3) and 0 (none), in that order on the wire.
 */
static const uint8_t v2[] = {
	0,
	0,
	0,
	2, /* brokers */
	0,
	0,
	0,
	7,
	0,
	2,
	'h',
	'7',
	0,
	0,
	0x23,
	0x84,
	0xff,
	0xff,
	0,
	0,
	0,
	8,
	0,
	2,
	'h',
	'8',
	0,
	0,
	0x23,
	0x85,
	0,
	1,
	'r',
	0,
	2,
	'c',
	'1', /* cluster */
	0,
	0,
	0,
	7, /* controller */
	0,
	0,
	0,
	2, /* topics */
	0,
	5,
	0,
	1,
	'b',
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	1,
	'a',
	1,
	0,
	0,
	0,
	2,
	0,
	0,
	0,
	0,
	0,
	1,
	0,
	0,
	0,
	7, /* error, number, leader */
	0,
	0,
	0,
	2,
	0,
	0,
	0,
	7,
	0,
	0,
	0,
	8, /* replicas */
	0,
	0,
	0,
	1,
	0,
	0,
	0,
	7, /* in sync */
	0,
	5,
	0,
	0,
	0,
	0,
	0xff,
	0xff,
	0xff,
	0xff,
	0,
	0,
	0,
	1,
	0,
	0,
	0,
	8,
	0,
	0,
	0,
	0,
};

static const uint8_t v7[] = {
	0, 0, 0, 0, /* throttled */
	0, 0, 0, 1, 0, 0, 0, 7, 0, 2, 'h', '7', 0, 0, 0x23, 0x84, 0xff, 0xff, 0,
	2, 'c', '1', 0, 0, 0, 7, /* cluster, controller */
	0, 0, 0, 1, 0, 0, 0, 1, 'a', 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	7,	    /* error, number, leader */
	0, 0, 0, 3, /* leader epoch */
	0, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0,
	0, /* offline */
};

static const uint8_t v12[] = {
	0, 0, 0, 0,					    /* throttled */
	2, 0, 0, 0, 7, 3, 'h', '7', 0, 0, 0x23, 0x84, 0, 0, /* brokers */
	3, 'c', '1', 0, 0, 0, 7, /* cluster, controller */
	2, 0, 0, 2, 'a',	 /* topics */
	1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 0, /* id */
	2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7,    /* error, number, leader */
	0, 0, 0, 3,			    /* leader epoch */
	2, 0, 0, 0, 7, 2, 0, 0, 0, 7, 1, 0, /* replicas, in sync, offline */
	0x80, 0, 0, 0, 0,		    /* rights, tags */
	0,				    /* tags */
};

#define READ(bytes, version, out)                                              \
	kb_metadata_answer_read(kb_slice_of(bytes, sizeof(bytes)), version, out)

START_TEST(metadata__reads_version_2)
{
	struct kb_metadata_answer a;
	const struct kb_metadata_topic *t;

	ck_ok(READ(v2, 2, &a));
	ck_assert_uint_eq(a.node_count, 2);
	ck_assert_int_eq(a.nodes[1].id, 8);
	ck_assert_str_eq(a.nodes[1].host, "h8");
	ck_assert_int_eq(a.nodes[1].port, 9093);
	ck_assert_str_eq(a.cluster_id, "c1");
	ck_assert_uint_eq(a.metadata->topic_count, 2);
	t = kb_metadata_find(a.metadata, "b");
	ck_assert_ptr_eq(t, &a.metadata->topics[1]);
	ck_assert_int_eq(t->error, 5);
	ck_assert_uint_eq(t->partition_count, 0);
	t = kb_metadata_find(a.metadata, "a");
	ck_assert_ptr_eq(t, &a.metadata->topics[0]);
	ck_assert(t->internal);
	ck_assert(kb_uuid_is_zero(&t->id));
	ck_assert_uint_eq(t->partition_count, 2);
	ck_assert_int_eq(t->partitions[0].partition, 0);
	ck_assert_int_eq(t->partitions[0].leader, -1);
	ck_assert_int_eq(t->partitions[0].error, 5);
	ck_assert_int_eq(t->partitions[0].replicas, 1);
	ck_assert_int_eq(t->partitions[1].partition, 1);
	ck_assert_int_eq(t->partitions[1].leader, 7);
	ck_assert_int_eq(t->partitions[1].leader_epoch, -1);
	ck_assert_int_eq(t->partitions[1].replicas, 2);
	ck_assert_ptr_null(kb_metadata_find(a.metadata, "c"));
	kb_metadata_answer_release(&a);
}
END_TEST

START_TEST(metadata__reads_leader_epochs_and_ids)
{
	struct kb_metadata_answer a;
	const struct kb_metadata_topic *t;

	ck_ok(READ(v7, 7, &a));
	t = &a.metadata->topics[0];
	ck_assert_str_eq(t->name, "a");
	ck_assert_int_eq(t->partitions[0].leader_epoch, 3);
	kb_metadata_answer_release(&a);
	ck_ok(READ(v12, 12, &a));
	ck_assert_str_eq(a.cluster_id, "c1");
	ck_assert_str_eq(a.nodes[0].host, "h7");
	t = &a.metadata->topics[0];
	ck_assert_str_eq(t->name, "a");
	ck_assert_int_eq(t->id.b[0], 1);
	ck_assert_int_eq(t->id.b[15], 16);
	ck_assert_int_eq(t->partitions[0].leader, 7);
	ck_assert_int_eq(t->partitions[0].leader_epoch, 3);
	ck_assert_int_eq(t->partitions[0].replicas, 1);
	kb_metadata_answer_release(&a);
}
END_TEST

static void
assert_every_cut_is_refused(const uint8_t *bytes, size_t len, int version)
{
	for (size_t n = 0; n < len; n++) {
		/* A copy of its own size, for the address sanitizer. */
		uint8_t *copy = malloc(n ? n : 1);
		struct kb_metadata_answer a;

		if (n)
			memcpy(copy, bytes, n);
		ck_assert_int_eq(kb_metadata_answer_read(
					 kb_slice_of(copy, n), version, &a),
			-EBADMSG);
		free(copy);
	}
}

START_TEST(metadata__refuses_every_cut)
{
	assert_every_cut_is_refused(v2, sizeof(v2), 2);
	assert_every_cut_is_refused(v7, sizeof(v7), 7);
	assert_every_cut_is_refused(v12, sizeof(v12), 12);
}
END_TEST

START_TEST(metadata__refuses_counts_beyond_the_bytes)
{
	uint8_t b[sizeof(v2)];
	struct kb_metadata_answer a;

	memcpy(b, v2, sizeof(b));
	b[0] = 0x7f; /* brokers */
	ck_assert_int_eq(READ(b, 2, &a), -EBADMSG);
	memcpy(b, v2, sizeof(b));
	b[41] = 0x7f; /* topics */
	ck_assert_int_eq(READ(b, 2, &a), -EBADMSG);
	memcpy(b, v2, sizeof(b));
	b[61] = 0x7f; /* partitions */
	ck_assert_int_eq(READ(b, 2, &a), -EBADMSG);
}
END_TEST

START_TEST(metadata__refuses_what_comes_twice)
{
	uint8_t b[sizeof(v2)];
	struct kb_metadata_answer a;

	memcpy(b, v2, sizeof(b));
	b[59] = 'b'; /* both topics are b */
	ck_assert_int_eq(READ(b, 2, &a), -EBADMSG);
	memcpy(b, v2, sizeof(b));
	b[70] = 0; /* both partitions are 0 */
	ck_assert_int_eq(READ(b, 2, &a), -EBADMSG);
}
END_TEST

START_TEST(metadata__asks_without_creating)
{
	static const char *const names[] = {"a"};
	struct kb_buf b = {0};

	ck_ok(kb_metadata_request_put(&b, 4, names, 1));
	ck_assert_uint_eq(b.len, 8);
	ck_assert_mem_eq(b.data, "\0\0\0\1\0\1a\0", 8);
	kb_buf_clear(&b);
	ck_ok(kb_metadata_request_put(&b, 7, NULL, 0));
	ck_assert_uint_eq(b.len, 5);
	ck_assert_mem_eq(b.data, "\377\377\377\377\0", 5);
	kb_buf_clear(&b);
	ck_ok(kb_metadata_request_put(&b, 12, names, 1));
	ck_assert_uint_eq(b.len, 1 + 16 + 2 + 1 + 3);
	ck_assert_mem_eq(b.data + 17, "\2a\0\0\0\0", 6);
	kb_buf_clear(&b);
	ck_ok(kb_metadata_request_put(&b, 10, NULL, 0));
	ck_assert_uint_eq(b.len, 5);
	ck_assert_mem_eq(b.data, "\0\0\0\0\0", 5);
	kb_buf_release(&b);
}
END_TEST

START_TEST(metadata__never_names_a_topic_where_that_creates_it)
{
	static const char *const names[] = {"a"};
	struct kb_buf b = {0};

	for (int version = 1; version < KB_METADATA_NAMES_MIN; version++)
		ck_assert_int_eq(kb_metadata_request_put(&b, version, names, 1),
			-EINVAL);
	ck_assert_uint_eq(b.len, 0);
	ck_ok(kb_metadata_request_put(&b, 2, NULL, 0));
	ck_assert_uint_eq(b.len, 4);
	kb_buf_release(&b);
}
END_TEST

START_TEST(metadata__speaks_only_versions_that_it_knows)
{
	static const int expected[] = {
		1, 1, 2, 2, 4, 4, 4, 7, 7, 7, 10, 11, 12};

	for (int v = 0; v <= 12; v++)
		ck_assert_int_eq(kb_metadata_version(v), expected[v]);
	ck_assert_int_eq(kb_metadata_version(13), 12);
}
END_TEST

START_TEST(metadata__selects_topics_and_adds_unknown_ones)
{
	static const char *const names[] = {"x", "a", "0"};
	struct kb_metadata_answer a;

	ck_ok(READ(v2, 2, &a));
	ck_ok(kb_metadata_select(a.metadata, names, 3));
	ck_assert_uint_eq(a.metadata->topic_count, 3);
	ck_assert_int_eq(kb_metadata_find(a.metadata, "x")->error, 3);
	ck_assert_int_eq(kb_metadata_find(a.metadata, "0")->error, 3);
	ck_assert_int_eq(kb_metadata_find(a.metadata, "a")->error, 0);
	ck_assert_ptr_null(kb_metadata_find(a.metadata, "b"));
	kb_metadata_answer_release(&a);
}
END_TEST

KB_SUITE("metadata", metadata__reads_version_2,
	metadata__reads_leader_epochs_and_ids, metadata__refuses_every_cut,
	metadata__refuses_counts_beyond_the_bytes,
	metadata__refuses_what_comes_twice, metadata__asks_without_creating,
	metadata__never_names_a_topic_where_that_creates_it,
	metadata__speaks_only_versions_that_it_knows,
	metadata__selects_topics_and_adds_unknown_ones)
