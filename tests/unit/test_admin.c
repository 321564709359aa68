/*
 * The mock cluster knows no administration requests, so only how a call ends
 * is tested here; what it does is tested on a real broker (tests/integration).
 */
#include "kafka/admin.h"

#include <errno.h>
#include <string.h>

#include "common/cancel.h"
#include "kafka/conf.h"
#include "mock_cluster.h"
#include "suite.h"

static struct mock_cluster mock;
static struct kb_conf *conf;
static struct kb_admin *admin;

static void
start(const char *timeout_ms)
{
	mock_cluster_start(&mock, 1);
	ck_ok(kb_conf_new(&conf));
	ck_ok(kb_conf_set(conf, "bootstrap.servers", mock.bootstrap));
	ck_ok(kb_conf_set(conf, "message.timeout.ms", timeout_ms));
	ck_ok(kb_conf_check(conf));
	ck_ok(kb_admin_new(conf, &admin));
}

static void
stop(void)
{
	kb_admin_free(admin);
	kb_conf_free(conf);
	mock_cluster_stop(&mock);
}

static int
ignore(void *ctx, const char *name, const char *value)
{
	(void)ctx;
	(void)name;
	(void)value;
	return 0;
}

static int
ignore_one(void *ctx, size_t topic, const char *name, const char *value)
{
	(void)topic;
	return ignore(ctx, name, value);
}

START_TEST(admin__ends_when_its_time_has_passed)
{
	static const char *const two[] = {"orders", "returns"};
	bool answered[] = {true, true};
	int32_t replication = -1;

	start("300");
	ck_assert_int_eq(kb_admin_create_topic(admin, "orders", 1, 1, NULL, 0),
		-ETIMEDOUT);
	ck_assert_ptr_nonnull(strstr(kb_err_text(), "orders"));
	ck_assert_int_eq(kb_admin_topic_settings(admin, "orders", ignore, NULL),
		-ETIMEDOUT);
	ck_assert_ptr_nonnull(strstr(kb_err_text(), "orders"));
	ck_ok(kb_admin_all_settings(admin, two, 2, ignore_one, NULL, answered));
	ck_assert(!answered[0] && !answered[1]);
	ck_assert_int_eq(
		kb_admin_default_replication(admin, &replication), -ETIMEDOUT);
	ck_assert_int_eq(replication, -1);
	stop();
}
END_TEST

START_TEST(admin__ends_when_it_is_interrupted)
{
	struct kb_cancel cancel;

	ck_ok(kb_cancel_init(&cancel));
	start("3600000");
	kb_admin_set_cancel(admin, &cancel);
	kb_cancel_fire(&cancel, 15);
	ck_assert_int_eq(kb_admin_create_topic(admin, "orders", 1, 1, NULL, 0),
		-ECANCELED);
	stop();
	kb_cancel_release(&cancel);
}
END_TEST

START_TEST(admin__refuses_a_topic_that_cannot_be)
{
	start("20000");
	ck_assert_int_eq(
		kb_admin_create_topic(admin, "orders", 0, 1, NULL, 0), -EINVAL);
	ck_assert_ptr_nonnull(strstr(kb_err_text(), "orders"));
	stop();
}
END_TEST

KB_SUITE("admin", admin__ends_when_its_time_has_passed,
	admin__ends_when_it_is_interrupted,
	admin__refuses_a_topic_that_cannot_be)
