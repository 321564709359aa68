#include "kafka/conf.h"

#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "suite.h"

static struct kb_conf *
conf_new(void)
{
	struct kb_conf *c;

	ck_ok(kb_conf_new(&c));
	ck_ok(kb_conf_set(c, "bootstrap.servers", "a:9092"));
	return c;
}

START_TEST(conf__knows_the_defaults)
{
	struct kb_conf *c;

	ck_ok(kb_conf_new(&c));
	ck_assert_str_eq(kb_conf_get(c, "bootstrap.servers"), "");
	ck_assert_str_eq(kb_conf_get(c, "client.id"), "kbakfs");
	ck_assert_str_eq(kb_conf_get(c, "broker.address.family"), "any");
	ck_assert_int_eq(kb_conf_get_int(c, "socket.timeout.ms"), 60000);
	ck_assert_int_eq(kb_conf_get_int(c, "request.timeout.ms"), 30000);
	ck_assert_int_eq(kb_conf_get_int(c, "message.timeout.ms"), 300000);
	ck_assert_int_eq(kb_conf_get_int(c, "fetch.max.bytes"), 16777216);
	kb_conf_free(c);
}
END_TEST

START_TEST(conf__accepts_every_property_that_we_honour)
{
	static const char *const pairs[] = {
		"bootstrap.servers=b:1,c:2",
		"metadata.broker.list=b:1",
		"client.id=me",
		"security.protocol=plaintext",
		"broker.address.family=v4",
		"socket.timeout.ms=5000",
		"socket.connection.setup.timeout.ms=2000",
		"socket.send.buffer.bytes=100000",
		"socket.receive.buffer.bytes=100000",
		"socket.keepalive.enable=true",
		"socket.nagle.disable=true",
		"reconnect.backoff.ms=10",
		"reconnect.backoff.max.ms=20",
		"retry.backoff.ms=10",
		"receive.message.max.bytes=200000000",
		"message.max.bytes=2000000",
		"fetch.message.max.bytes=1000000",
		"max.partition.fetch.bytes=1000001",
		"fetch.max.bytes=10000000",
		"fetch.min.bytes=2",
		"fetch.wait.max.ms=100",
		"request.timeout.ms=1000",
		"message.timeout.ms=2000",
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		struct kb_conf *c = conf_new();
		char name[64];

		snprintf(name, sizeof(name), "%.*s",
			(int)strcspn(pairs[i], "="), pairs[i]);
		ck_ok(kb_conf_set_pair(c, pairs[i]));
		ck_ok(kb_conf_check(c));
		ck_assert_str_eq(
			kb_conf_get(c, name), strchr(pairs[i], '=') + 1);
		kb_conf_free(c);
	}
}
END_TEST

START_TEST(conf__names_a_property_that_does_not_exist)
{
	struct kb_conf *c = conf_new();

	ck_assert_int_eq(kb_conf_set(c, "fetch.mäx", "1"), -EINVAL);
	ck_assert_ptr_nonnull(strstr(kb_err_text(), "fetch.mäx"));
	kb_conf_free(c);
}
END_TEST

START_TEST(conf__names_a_value_that_is_refused)
{
	struct kb_conf *c = conf_new();

	ck_assert_int_eq(kb_conf_set(c, "socket.timeout.ms", "-5"), -EINVAL);
	ck_assert_ptr_nonnull(strstr(kb_err_text(), "socket.timeout.ms"));
	ck_assert_ptr_nonnull(strstr(kb_err_text(), "-5"));
	ck_assert_ptr_null(strchr(kb_err_text(), '\n'));
	kb_conf_free(c);
}
END_TEST

START_TEST(conf__takes_only_whole_numbers)
{
	static const char *const wrong[] = {"15s", "", "abc", "1.5", "1 0"};
	struct kb_conf *c = conf_new();

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		ck_assert_int_eq(
			kb_conf_set(c, "socket.timeout.ms", wrong[i]), -EINVAL);
		ck_assert_ptr_nonnull(
			strstr(kb_err_text(), "socket.timeout.ms"));
	}
	ck_assert_int_eq(kb_conf_get_int(c, "socket.timeout.ms"), 60000);
	kb_conf_free(c);
}
END_TEST

START_TEST(conf__names_a_property_that_we_would_ignore)
{
	static const char *const pairs[][2] = {
		{"group.id", "g"},
		{"enable.auto.commit", "false"},
		{"debug", "broker"},
		{"group.id", "g1"},
		{"auto.offset.reset", "earliest"}, /* of topics */
		{"request.required.acks", "1"},
		{"sasl.mechanisms", "PLAIN"},
		{"ssl.ca.location", "/tmp/ca"},
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		struct kb_conf *c = conf_new();

		ck_ok(kb_conf_set(c, pairs[i][0], pairs[i][1]));
		ck_assert_int_eq(kb_conf_check(c), -EINVAL);
		ck_assert_ptr_nonnull(strstr(kb_err_text(), pairs[i][0]));
		kb_conf_free(c);
	}
}
END_TEST

START_TEST(conf__accepts_what_is_the_default_anyway)
{
	struct kb_conf *c = conf_new();

	ck_ok(kb_conf_set(c, "api.version.request", "true"));
	ck_ok(kb_conf_set(c, "enable.auto.commit", "true"));
	ck_ok(kb_conf_set(c, "request.required.acks", "all"));
	ck_ok(kb_conf_check(c));
	kb_conf_free(c);
}
END_TEST

START_TEST(conf__refuses_encryption_that_it_cannot_do)
{
	struct kb_conf *c = conf_new();

	ck_ok(kb_conf_set(c, "security.protocol", "sasl_ssl"));
	ck_ok(kb_conf_set(c, "sasl.password", "hunter2"));
	ck_assert_int_eq(kb_conf_check(c), -EINVAL);
	ck_assert_ptr_nonnull(strstr(kb_err_text(), "security.protocol"));
	ck_assert_ptr_nonnull(strstr(kb_err_text(), "sasl_ssl"));
	ck_assert_ptr_null(strstr(kb_err_text(), "hunter2"));
	kb_conf_free(c);
}
END_TEST

START_TEST(conf__wants_a_broker)
{
	struct kb_conf *c;

	ck_ok(kb_conf_new(&c));
	ck_assert_int_eq(kb_conf_check(c), -EINVAL);
	ck_assert_ptr_nonnull(strstr(kb_err_text(), "bootstrap.servers"));
	kb_conf_free(c);
}
END_TEST

START_TEST(conf__refuses_waits_without_end)
{
	struct kb_conf *c = conf_new();

	ck_ok(kb_conf_set(c, "message.timeout.ms", "0"));
	ck_assert_int_eq(kb_conf_check(c), -EINVAL);
	ck_assert_ptr_nonnull(strstr(kb_err_text(), "message.timeout.ms"));
	kb_conf_free(c);
}
END_TEST

START_TEST(conf__refuses_sizes_and_times_that_contradict)
{
	struct kb_conf *c = conf_new();

	ck_ok(kb_conf_set(c, "fetch.max.bytes", "100000000"));
	ck_assert_int_eq(kb_conf_check(c), -EINVAL);
	ck_assert_ptr_nonnull(strstr(kb_err_text(), "fetch.max.bytes"));
	ck_ok(kb_conf_set(c, "receive.message.max.bytes", "100000512"));
	ck_ok(kb_conf_check(c));
	ck_ok(kb_conf_set(c, "fetch.wait.max.ms", "60000"));
	ck_assert_int_eq(kb_conf_check(c), -EINVAL);
	ck_assert_ptr_nonnull(strstr(kb_err_text(), "fetch.wait.max.ms"));
	kb_conf_free(c);
}
END_TEST

START_TEST(conf__splits_pairs_at_the_first_equals_sign)
{
	struct kb_conf *c = conf_new();

	ck_ok(kb_conf_set_pair(c, "client.id=a=b"));
	ck_assert_str_eq(kb_conf_get(c, "client.id"), "a=b");
	ck_assert_int_eq(kb_conf_set_pair(c, "client.id"), -EINVAL);
	ck_assert_ptr_nonnull(strstr(kb_err_text(), "client.id"));
	ck_assert_int_eq(kb_conf_set_pair(c, "=x"), -EINVAL);
	kb_conf_free(c);
}
END_TEST

static int
read_text(struct kb_conf *c, const char *text)
{
	char path[] = "conf-XXXXXX";
	int fd = mkstemp(path), r;

	ck_assert_int_ge(fd, 0);
	ck_assert(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
	r = kb_conf_read_file(c, path);
	unlink(path);
	return r;
}

START_TEST(conf__reads_files_of_properties)
{
	struct kb_conf *c = conf_new();

	ck_ok(read_text(c, "# a comment\n"
			   "\n"
			   "  client.id = some name \r\n"
			   "bootstrap.servers=x:1,y:2\n"
			   "\t# another\n"
			   "request.timeout.ms=77"));
	ck_assert_str_eq(kb_conf_get(c, "client.id"), "some name");
	ck_assert_str_eq(kb_conf_get(c, "metadata.broker.list"), "x:1,y:2");
	ck_assert_int_eq(kb_conf_get_int(c, "request.timeout.ms"), 77);
	kb_conf_free(c);
}
END_TEST

START_TEST(conf__names_the_line_of_a_file_that_is_wrong)
{
	struct kb_conf *c = conf_new();

	ck_assert_int_eq(read_text(c, "client.id=x\n\nno.such=1\n"), -EINVAL);
	ck_assert_ptr_nonnull(strstr(kb_err_text(), ":3: no.such"));
	ck_assert_int_lt(kb_conf_read_file(c, "no/such/file"), 0);
	kb_conf_free(c);
}
END_TEST

START_TEST(conf__hands_librdkafka_the_same_settings)
{
	struct kb_conf *c = conf_new();
	rd_kafka_conf_t *rk;
	char value[64];
	size_t size = sizeof(value);

	ck_ok(kb_conf_set(c, "request.timeout.ms", "4321"));
	rk = kb_conf_dup(c);
	ck_assert_int_eq(
		rd_kafka_conf_get(rk, "request.timeout.ms", value, &size),
		RD_KAFKA_CONF_OK);
	ck_assert_str_eq(value, "4321");
	rd_kafka_conf_destroy(rk);
	kb_conf_free(c);
}
END_TEST

KB_SUITE("conf", conf__knows_the_defaults,
	conf__accepts_every_property_that_we_honour,
	conf__names_a_property_that_does_not_exist,
	conf__names_a_value_that_is_refused, conf__takes_only_whole_numbers,
	conf__names_a_property_that_we_would_ignore,
	conf__accepts_what_is_the_default_anyway,
	conf__refuses_encryption_that_it_cannot_do, conf__wants_a_broker,
	conf__refuses_waits_without_end,
	conf__refuses_sizes_and_times_that_contradict,
	conf__splits_pairs_at_the_first_equals_sign,
	conf__reads_files_of_properties,
	conf__names_the_line_of_a_file_that_is_wrong,
	conf__hands_librdkafka_the_same_settings)
