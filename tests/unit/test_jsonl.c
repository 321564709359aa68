#include "format/jsonl.h"

#include <stdio.h>

#include "sample.h"
#include "suite.h"

static char line[1 << 16];

/* Renders, and holds measure() to it. */
static struct kb_slice
render(const struct kb_record *r)
{
	struct kb_jsonl v;
	size_t n;

	kb_jsonl_init(&v, "t", 3);
	ck_assert_uint_le(
		kb_jsonl_measure(&v, r), sizeof(line) - KB_JSONL_SLACK);
	n = kb_jsonl_render(&v, r, line);
	ck_assert_uint_eq(kb_jsonl_measure(&v, r), n);
	ck_assert_uint_ge(kb_jsonl_bound(&v, r), n);
	line[n] = '\0';
	return kb_slice_of(line, n);
}

/* A record of this value alone, shown as `text`. */
static void
shows(const void *value, size_t len, const char *text)
{
	struct kb_record r = {
		.offset = 7,
		.timestamp = -1,
		.value = kb_slice_of(value, len),
	};
	char want[2000];

	snprintf(want, sizeof(want),
		"{\"topic\":\"t\",\"partition\":3,\"offset\":7,\"key\":null,"
		"\"payload\":%s}\n",
		text);
	render(&r);
	ck_assert_str_eq(line, want);
}

#define SHOWS(value, text) shows(value, sizeof(value) - 1, text)

START_TEST(jsonl__shows_every_field_in_order)
{
	struct kb_record r = {
		.offset = 42,
		.timestamp = 1700000000123,
		.key = kb_slice_str("k1"),
		.value = kb_slice_str("{\"id\":1}"),
		.header_count = 3,
	};
	struct kb_buf h = {0};

	ck_ok(kb_headers_put(&h, kb_slice_str("trace"), kb_slice_str("a1")));
	ck_ok(kb_headers_put(&h, kb_slice_str("x"), (struct kb_slice){0}));
	ck_ok(kb_headers_put(&h, kb_slice_str("x"), kb_slice_str("")));
	r.headers = kb_buf_slice(&h);
	render(&r);
	ck_assert_str_eq(line,
		"{\"topic\":\"t\",\"partition\":3,\"offset\":42,"
		"\"tstype\":\"create\",\"ts\":1700000000123,"
		"\"headers\":[\"trace\",\"a1\",\"x\",null,\"x\",\"\"],"
		"\"key\":\"k1\",\"payload\":\"{\\\"id\\\":1}\"}\n");
	kb_buf_release(&h);
}
END_TEST

START_TEST(jsonl__leaves_out_what_is_not_there)
{
	struct kb_record r = {.offset = 0, .timestamp = -1, .logappend = true};

	render(&r);
	ck_assert_str_eq(line,
		"{\"topic\":\"t\",\"partition\":3,\"offset\":0,\"key\":null,"
		"\"payload\":null}\n");
}
END_TEST

START_TEST(jsonl__shows_numbers_to_their_ends)
{
	struct kb_record r = {
		.offset = INT64_MAX,
		.timestamp = INT64_MIN,
		.logappend = true,
	};

	render(&r);
	ck_assert_str_eq(line,
		"{\"topic\":\"t\",\"partition\":3,"
		"\"offset\":9223372036854775807,\"tstype\":\"logappend\","
		"\"ts\":-9223372036854775808,\"key\":null,"
		"\"payload\":null}\n");
	r.timestamp = 0;
	render(&r);
	ck_assert_ptr_nonnull(strstr(line, "\"ts\":0,"));
}
END_TEST

START_TEST(jsonl__has_room_for_the_longest_topic)
{
	char topic[KB_TOPIC_MAX + 1];
	struct kb_jsonl v;

	memset(topic, 'x', KB_TOPIC_MAX);
	topic[KB_TOPIC_MAX] = '\0';
	kb_jsonl_init(&v, topic, INT32_MAX);
	ck_assert_uint_lt(v.head_len, sizeof(v.head));
	ck_assert_str_eq(v.head + strlen("{\"topic\":\"") + KB_TOPIC_MAX,
		"\",\"partition\":2147483647,\"offset\":");
}
END_TEST

START_TEST(jsonl__escapes_as_little_as_json_allows)
{
	SHOWS("", "\"\"");
	SHOWS("a\"b\\c/d", "\"a\\\"b\\\\c/d\"");
	SHOWS("\b\t\n\f\r", "\"\\b\\t\\n\\f\\r\"");
	SHOWS("\0\x01\x0b\x1f\x7f", "\"\\u0000\\u0001\\u000B\\u001F\x7f\"");
	SHOWS("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
		"\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"");
	shows(NULL, 0, "null");
}
END_TEST

START_TEST(jsonl__shows_other_bytes_in_base64)
{
	SHOWS("\xff", "{\"base64\":\"/w==\"}");
	SHOWS("\xc0\x80", "{\"base64\":\"wIA=\"}");
	SHOWS("\xed\xa0\x80", "{\"base64\":\"7aCA\"}");
	SHOWS("a\"\n\xf4\x90\x80\x80", "{\"base64\":\"YSIK9JCAgA==\"}");
}
END_TEST

START_TEST(jsonl__counts_every_byte_wherever_it_stands)
{
	struct kb_record r = {.offset = 1, .timestamp = -1};
	uint8_t value[300];

	for (unsigned c = 0; c < 256; c++) {
		for (size_t n = 1; n < sizeof(value); n += 41) {
			memset(value, (int)c, n);
			r.value = kb_slice_of(value, n);
			r.key = kb_slice_of(value, n / 2);
			render(&r);
		}
	}
}
END_TEST

START_TEST(jsonl__renders_what_it_measures)
{
	struct sample s = {.random = {1}};
	struct kb_slice text;

	for (int i = 0; i < 20000; i++) {
		sample_next(&s);
		text = render(&s.record);
		ck_assert_ptr_eq(memchr(text.data, '\n', text.len),
			text.data + text.len - 1);
	}
	sample_release(&s);
}
END_TEST

KB_SUITE("jsonl", jsonl__shows_every_field_in_order,
	jsonl__leaves_out_what_is_not_there, jsonl__shows_numbers_to_their_ends,
	jsonl__has_room_for_the_longest_topic,
	jsonl__escapes_as_little_as_json_allows,
	jsonl__shows_other_bytes_in_base64,
	jsonl__counts_every_byte_wherever_it_stands,
	jsonl__renders_what_it_measures)
