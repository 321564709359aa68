#include "restore/settings.h"

#include "common/buf.h"
#include "kafka/admin.h"
#include "store/meta.h"
#include "suite.h"

static struct kb_meta meta;
static struct kb_settings chosen;
static struct kb_buf undo;

static void
original(const char *name, const char *value)
{
	ck_ok(kb_meta_put(&meta, name, value));
}

static void
choose(int32_t replication, bool exact)
{
	ck_ok(kb_settings_choose(
		&meta, replication, exact, KB_LIMITS_BEFORE_AFTER, &chosen));
}

/* NULL: not chosen */
static const char *
value_of(const char *name)
{
	for (size_t i = 0; i < chosen.count; i++) {
		if (strcmp(chosen.items[i].name, name) == 0)
			return chosen.items[i].value;
	}
	return NULL;
}

static void
assert_undo(const char *want)
{
	kb_buf_clear(&undo);
	ck_ok(kb_settings_undo(&meta, &chosen, &undo));
	ck_ok(kb_buf_put(&undo, "", 1));
	ck_assert_str_eq((char *)undo.data, want);
}

static void
teardown(void)
{
	kb_settings_release(&chosen);
	kb_meta_release(&meta);
	kb_buf_release(&undo);
}

START_TEST(settings__keeps_what_does_no_harm)
{
	original("cleanup.policy", "compact");
	original("max.message.bytes", "2000000");
	original("min.insync.replicas", "2");
	choose(3, false);
	ck_assert_str_eq(value_of("cleanup.policy"), "compact");
	ck_assert_str_eq(value_of("max.message.bytes"), "2000000");
	ck_assert_str_eq(value_of("min.insync.replicas"), "2");
	teardown();
}
END_TEST

START_TEST(settings__replaces_what_would_destroy_a_restore)
{
	original("follower.replication.throttled.replicas", "*");
	original("leader.replication.throttled.replicas", "0:1,1:2");
	original("message.timestamp.after.max.ms", "1000");
	original("message.timestamp.difference.max.ms", "1000");
	original("message.timestamp.type", "LogAppendTime");
	original("retention.bytes", "1000");
	original("retention.ms", "1000");
	choose(3, false);
	ck_assert_uint_eq(chosen.count, 5);
	ck_assert_str_eq(value_of("retention.ms"), "-1");
	ck_assert_str_eq(value_of("retention.bytes"), "-1");
	ck_assert_str_eq(value_of("message.timestamp.type"), "CreateTime");
	ck_assert_str_eq(value_of("message.timestamp.before.max.ms"),
		"9223372036854775807");
	ck_assert_str_eq(value_of("message.timestamp.after.max.ms"),
		"9223372036854775807");
	teardown();
}
END_TEST

START_TEST(settings__keeps_names_that_only_look_alike)
{
	original("delete.retention.ms", "7");
	original("segment.ms", "8");
	choose(3, false);
	ck_assert_str_eq(value_of("delete.retention.ms"), "7");
	ck_assert_str_eq(value_of("segment.ms"), "8");
	teardown();
}
END_TEST

START_TEST(settings__drops_more_insync_replicas_than_there_can_be)
{
	original("min.insync.replicas", "2");
	choose(1, false);
	ck_assert_ptr_null(value_of("min.insync.replicas"));
	kb_settings_release(&chosen);
	choose(-1, false);
	ck_assert_ptr_null(value_of("min.insync.replicas"));
	kb_settings_release(&chosen);
	choose(2, false);
	ck_assert_str_eq(value_of("min.insync.replicas"), "2");
	teardown();
}
END_TEST

START_TEST(settings__knows_the_old_name_of_the_limit)
{
	ck_ok(kb_settings_choose(
		NULL, 1, false, KB_LIMITS_DIFFERENCE, &chosen));
	ck_assert_uint_eq(chosen.count, 4);
	ck_assert_str_eq(value_of("message.timestamp.difference.max.ms"),
		"9223372036854775807");
	teardown();
}
END_TEST

START_TEST(settings__leaves_originals_alone_when_exact)
{
	original("min.insync.replicas", "5");
	original("retention.ms", "1000");
	choose(1, true);
	ck_assert_uint_eq(chosen.count, 2);
	ck_assert_str_eq(value_of("min.insync.replicas"), "5");
	ck_assert_str_eq(value_of("retention.ms"), "1000");
	assert_undo("");
	teardown();
}
END_TEST

START_TEST(settings__tells_the_way_back)
{
	original("cleanup.policy", "compact,delete");
	original("leader.replication.throttled.replicas", "0:1,1:2");
	original("min.insync.replicas", "2");
	original("retention.ms", "1000");
	choose(1, false);
	assert_undo(" --add-config 'leader.replication.throttled.replicas="
		    "[0:1,1:2],min.insync.replicas=2,retention.ms=1000'"
		    " --delete-config 'retention.bytes,"
		    "message.timestamp.type,message.timestamp.before.max.ms,"
		    "message.timestamp.after.max.ms'");
	teardown();
}
END_TEST

START_TEST(settings__quotes_for_a_shell)
{
	original("retention.ms", "1'; rm -r /");
	choose(1, false);
	kb_buf_clear(&undo);
	ck_ok(kb_settings_undo(&meta, &chosen, &undo));
	ck_ok(kb_buf_put(&undo, "", 1));
	ck_assert_ptr_eq(
		strstr((char *)undo.data,
			" --add-config 'retention.ms=1'\\''; rm -r /'"),
		(char *)undo.data);
	teardown();
}
END_TEST

KB_SUITE("settings", settings__keeps_what_does_no_harm,
	settings__replaces_what_would_destroy_a_restore,
	settings__keeps_names_that_only_look_alike,
	settings__drops_more_insync_replicas_than_there_can_be,
	settings__knows_the_old_name_of_the_limit,
	settings__leaves_originals_alone_when_exact,
	settings__tells_the_way_back, settings__quotes_for_a_shell)
