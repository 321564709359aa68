#include "kafka/topic_cache.h"

#include <stdio.h>
#include <string.h>

#include "kafka/cluster.h"
#include "suite.h"

static struct kb_topic_cache *topics;

static void
learn(const char *name, int32_t leader, int64_t now)
{
	struct kb_metadata_partition p = {.leader = leader};
	struct kb_metadata_topic t = {.name = (char *)(uintptr_t)name,
		.partitions = &p,
		.partition_count = 1};
	struct kb_metadata m = {.topics = &t, .topic_count = 1};

	ck_ok(kb_topic_cache_learn(topics, &m, now));
}

START_TEST(topic_cache__remembers_what_was_seen_last)
{
	const struct kb_metadata_topic *t;

	ck_ok(kb_topic_cache_new(&topics));
	ck_assert_ptr_null(kb_topic_cache_find(topics, "a", INT64_MIN));
	learn("b", 1, 100);
	learn("a", 2, 100);
	learn("b", 3, 200);
	t = kb_topic_cache_find(topics, "b", INT64_MIN);
	ck_assert_ptr_nonnull(t);
	ck_assert_str_eq(t->name, "b");
	ck_assert_int_eq(t->partitions[0].leader, 3);
	t = kb_topic_cache_find(topics, "a", INT64_MIN);
	ck_assert_int_eq(t->partitions[0].leader, 2);
	kb_topic_cache_free(topics);
}
END_TEST

START_TEST(topic_cache__tells_old_knowledge_from_new)
{
	ck_ok(kb_topic_cache_new(&topics));
	learn("a", 1, 100);
	ck_assert_ptr_nonnull(kb_topic_cache_find(topics, "a", 100));
	ck_assert_ptr_null(kb_topic_cache_find(topics, "a", 101));
	learn("a", 1, 150);
	ck_assert_ptr_nonnull(kb_topic_cache_find(topics, "a", 101));
	kb_topic_cache_free(topics);
}
END_TEST

START_TEST(topic_cache__finds_each_of_many)
{
	char name[16];

	ck_ok(kb_topic_cache_new(&topics));
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "t%d", i * 7919 % 1000);
		learn(name, i * 7919 % 1000, i);
	}
	for (int i = 0; i < 1000; i++) {
		const struct kb_metadata_topic *t;

		snprintf(name, sizeof(name), "t%d", i);
		t = kb_topic_cache_find(topics, name, INT64_MIN);
		ck_assert_ptr_nonnull(t);
		ck_assert_int_eq(t->partitions[0].leader, i);
	}
	ck_assert_ptr_null(kb_topic_cache_find(topics, "t1000", INT64_MIN));
	kb_topic_cache_free(topics);
}
END_TEST

KB_SUITE("topic_cache", topic_cache__remembers_what_was_seen_last,
	topic_cache__tells_old_knowledge_from_new,
	topic_cache__finds_each_of_many)
