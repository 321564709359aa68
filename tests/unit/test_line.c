#include "format/line.h"

#include <errno.h>

#include "sample.h"
#include "suite.h"

static struct kb_line_parser *parser;
static struct kb_line got;

/* The text must be a line; it is then in `got`. */
static void
reads(const char *text)
{
	size_t column = 0;
	int r;

	if (!parser)
		ck_ok(kb_line_parser_new(&parser));
	r = kb_line_parse(parser, kb_slice_str(text), &got, &column);
	ck_assert_msg(r == 0, "%s: %zu: %s", text, column, kb_err_text());
}

/* The text must be refused, at this column, in these words. */
static void
refuses(const char *text, size_t column, const char *words)
{
	size_t at = 0;
	int r;

	if (!parser)
		ck_ok(kb_line_parser_new(&parser));
	r = kb_line_parse(parser, kb_slice_str(text), &got, &at);
	ck_assert_msg(r == -EINVAL, "%s: %d", text, r);
	ck_assert_msg(
		strstr(kb_err_text(), words), "%s: %s", text, kb_err_text());
	ck_assert_msg(at == column, "%s: %zu: %s", text, at, kb_err_text());
}

static void
assert_bytes(struct kb_slice a, const char *want)
{
	if (!want) {
		ck_assert_ptr_null(a.data);
		return;
	}
	ck_assert_ptr_nonnull(a.data);
	ck_assert_uint_eq(a.len, strlen(want));
	ck_assert_mem_eq(a.data, want, a.len);
}

static void
assert_header(struct kb_headers *it, const char *name, const char *value)
{
	struct kb_slice n, v;

	ck_assert_int_eq(kb_headers_next(it, &n, &v), 0);
	assert_bytes(n, name);
	assert_bytes(v, value);
}

static void
assert_no_header(struct kb_headers *it)
{
	struct kb_slice n, v;

	ck_assert_int_eq(kb_headers_next(it, &n, &v), 1);
}

static void
assert_same(struct kb_slice a, struct kb_slice b)
{
	ck_assert_uint_eq(a.len, b.len);
	ck_assert_int_eq(a.data != NULL, b.data != NULL);
	ck_assert(a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

START_TEST(line__reads_its_own_text)
{
	struct kb_headers it;

	reads("{\"topic\":\"orders\",\"partition\":3,\"offset\":42,"
	      "\"tstype\":\"create\",\"ts\":1700000000123,"
	      "\"headers\":[\"trace\",\"a1\",\"x\",null,\"x\",\"\"],"
	      "\"key\":\"k1\",\"payload\":\"{\\\"id\\\":1}\"}\n");
	ck_assert_str_eq(got.topic, "orders");
	ck_assert_int_eq(got.partition, 3);
	ck_assert_int_eq(got.record.offset, 42);
	ck_assert_int_eq(got.record.timestamp, 1700000000123);
	ck_assert(!got.record.logappend);
	assert_bytes(got.record.key, "k1");
	assert_bytes(got.record.value, "{\"id\":1}");
	ck_assert_uint_eq(got.record.header_count, 3);
	kb_headers_init(&it, &got.record);
	assert_header(&it, "trace", "a1");
	assert_header(&it, "x", NULL);
	assert_header(&it, "x", "");
	assert_no_header(&it);
}
END_TEST

START_TEST(line__reads_kcat)
{
	struct kb_headers it;

	reads("{\"topic\":\"t\",\"partition\":0,\"offset\":5,"
	      "\"tstype\":\"logappend\",\"ts\":7,\"broker\":-1,"
	      "\"headers\":[\"h\",null],\"key\":null,"
	      "\"payload\":\"raw \xff\xc0 bytes\"}");
	ck_assert(got.record.logappend);
	assert_bytes(got.record.value, "raw \xff\xc0 bytes");
	kb_headers_init(&it, &got.record);
	assert_header(&it, "h", NULL);
	assert_no_header(&it);
}
END_TEST

START_TEST(line__reads_rpk)
{
	struct kb_headers it;

	reads("{ \"topic\": \"t\", \"key\": \"k\", \"value\": \"v\", "
	      "\"timestamp\": 1650911379, \"partition\": 1, \"offset\": 2, "
	      "\"headers\": [ {\"key\": \"a\", \"value\": \"1\"}, "
	      "{\"value\": null, \"key\": {\"base64\": \"/w==\"}}, "
	      "{\"key\": \"b\"} ] }\r\n");
	assert_bytes(got.record.key, "k");
	assert_bytes(got.record.value, "v");
	ck_assert_int_eq(got.record.timestamp, 1650911379);
	kb_headers_init(&it, &got.record);
	assert_header(&it, "a", "1");
	assert_header(&it, "\xff", NULL);
	assert_header(&it, "b", NULL);
	assert_no_header(&it);
}
END_TEST

START_TEST(line__tells_null_empty_and_missing)
{
	reads("{}");
	ck_assert_int_eq(got.record.offset, -1);
	ck_assert_int_eq(got.record.timestamp, -1);
	ck_assert_int_eq(got.partition, -1);
	ck_assert_str_eq(got.topic, "");
	ck_assert_uint_eq(got.record.header_count, 0);
	assert_bytes(got.record.key, NULL);
	assert_bytes(got.record.value, NULL);
	reads("{\"key\":\"\",\"payload\":null,\"headers\":[]}");
	assert_bytes(got.record.key, "");
	assert_bytes(got.record.value, NULL);
	reads("{\"key\":{\"base64\":\"\"}}");
	assert_bytes(got.record.key, "");
}
END_TEST

START_TEST(line__takes_every_escape)
{
	reads("{\"payload\":\"\\b\\t\\n\\f\\r\\\"\\\\\\/ \\u0041\\u00e9"
	      "\\u20AC\\uD83D\\uDE00\\uffff\"}");
	assert_bytes(got.record.value,
		"\b\t\n\f\r\"\\/ A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"
		"\xef\xbf\xbf");
	reads("{\"payload\":\"\\u0000\"}");
	ck_assert_uint_eq(got.record.value.len, 1);
	ck_assert_uint_eq(got.record.value.data[0], 0);
	reads("{\"payl\\u006fad\":{\"b\\u0061se64\":\"\\/w=\\u003d\"}}");
	assert_bytes(got.record.value, "\xff");
}
END_TEST

START_TEST(line__reads_numbers_exactly)
{
	reads("{\"ts\":-9223372036854775808,"
	      "\"offset\":9223372036854775807,\"partition\":2147483647}");
	ck_assert_int_eq(got.record.timestamp, INT64_MIN);
	ck_assert_int_eq(got.record.offset, INT64_MAX);
	ck_assert_int_eq(got.partition, INT32_MAX);
	reads("{\"ts\":0}");
	ck_assert_int_eq(got.record.timestamp, 0);
	refuses("{\"ts\":9223372036854775808}", 7, "64 bits");
	refuses("{\"ts\":-9223372036854775809}", 7, "64 bits");
	refuses("{\"ts\":18446744073709551617}", 7, "64 bits");
	refuses("{\"ts\":1.0}", 7, "whole number");
	refuses("{\"ts\":1e3}", 7, "whole number");
	refuses("{\"ts\":01}", 7, "whole number");
	refuses("{\"ts\":-}", 7, "whole number");
	refuses("{\"ts\": \"1\"}", 8, "whole number");
	refuses("{\"ts\":null}", 7, "whole number");
	refuses("{\"offset\":-1}", 11, "range");
	refuses("{\"partition\":2147483648}", 14, "range");
}
END_TEST

START_TEST(line__refuses_what_is_no_object)
{
	refuses("", 1, "an object");
	refuses("\n", 2, "an object");
	refuses("[]", 1, "an object");
	refuses("{", 2, "a string");
	refuses("{\"ts\"", 6, "a colon");
	refuses("{\"ts\":1", 8, "the object's end");
	refuses("{\"ts\":1,}", 9, "a string");
	refuses("{\"ts\":1 \"key\":null}", 9, "the object's end");
	refuses("{} {}", 4, "end of the line");
	refuses("{}x", 3, "end of the line");
}
END_TEST

START_TEST(line__refuses_unknown_and_repeated_keys)
{
	refuses("{\"ts\":1,\"size\":2}", 9, "unknown key \"size\"");
	refuses("{ \"\\n\":2}", 3, "unknown key \"?\"");
	refuses("{\"ts\":1,\"timestamp\":2}", 9, "given twice");
	refuses("{\"value\":\"a\",\"payload\":\"b\"}", 14, "given twice");
	refuses("{\"key\":1}", 8, "a string, null or");
	refuses("{\"key\":true}", 8, "a string, null or");
	refuses("{\"key\":nul}", 8, "null");
}
END_TEST

START_TEST(line__refuses_bad_strings)
{
	refuses("{\"key\":\"a", 10, "closing quote");
	refuses("{\"key\":\"a\\", 10, "unknown escape");
	refuses("{\"key\":\"a\\x\"}", 10, "unknown escape");
	refuses("{\"key\":\"a\\\xff\"}", 10, "unknown escape");
	refuses("{\"key\":\"a\tb\"}", 10, "bare control");
	refuses("{\"key\":\"\\n\nb\"}", 11, "bare control");
	refuses("{\"key\":\"ab\\u12\"}", 11, "four digits");
	refuses("{\"key\":\"ab\\u12g4\"}", 11, "four digits");
	refuses("{\"key\":\"\\ud83d\"}", 9, "alone");
	refuses("{\"key\":\"\\ude00\\ud83d\"}", 9, "alone");
	refuses("{\"key\":\"\\ud83d\\n\"}", 9, "alone");
	refuses("{\"key\":\"\\ud83d\\ud83d\"}", 9, "alone");
	refuses("{\"key\":\"\\ud83d\\u00\"}", 9, "alone");
}
END_TEST

START_TEST(line__refuses_bad_base64)
{
	refuses("{\"key\":{\"base64\":\"Z*==\"}}", 20, "base 64");
	refuses("{\"key\":{\"base64\":\"Zg\"}}", 21, "base 64");
	refuses("{\"key\":{\"base64\":\"\\u005a*==\"}}", 18, "base 64");
	refuses("{\"key\":{\"base64\":null}}", 18, "a string");
	refuses("{\"key\":{\"base65\":\"\"}}", 9, "unknown key \"base65\"");
	refuses("{\"key\":{\"base64\":\"\",\"x\":1}}", 20, "base64 object");
	refuses("{\"key\":{}}", 9, "a string");
}
END_TEST

START_TEST(line__refuses_bad_headers)
{
	refuses("{\"headers\":{}}", 12, "an array");
	refuses("{\"headers\":[", 13, "a string, null or");
	refuses("{\"headers\":[\"a\"]}", 16, "then a value");
	refuses("{\"headers\":[\"a\",\"b\",]}", 21, "a string, null or");
	refuses("{\"headers\":[\"a\",\"b\"}", 20, "end of the headers");
	refuses("{\"headers\":[null,\"b\"]}", 13, "cannot be null");
	refuses("{\"headers\":[{\"key\":null}]}", 13, "cannot be null");
	refuses("{\"headers\":[{\"value\":\"x\"}]}", 13, "with a key");
	refuses("{\"headers\":[{\"key\":\"x\",\"key\":\"x\"}]}", 24, "twice");
	refuses("{\"headers\":[{\"key\":\"x\",\"val\":\"x\"}]}", 24,
		"unknown key \"val\"");
	refuses("{\"headers\":[{\"key\":\"x\" 1}]}", 24, "end of the header");
}
END_TEST

START_TEST(line__refuses_bad_topics_and_time_types)
{
	char text[400];

	refuses("{\"topic\":\"\"}", 10, "topic's name");
	refuses("{\"topic\":\"a\\u0000\"}", 10, "topic's name");
	refuses("{\"topic\":null}", 10, "a string");
	memset(text, 'x', sizeof(text));
	memcpy(text, "{\"topic\":\"", 10);
	memcpy(text + 10 + KB_TOPIC_MAX + 1, "\"}", 3);
	refuses(text, 10, "topic's name");
	memcpy(text + 10 + KB_TOPIC_MAX, "\"}", 3);
	reads(text);
	ck_assert_uint_eq(strlen(got.topic), KB_TOPIC_MAX);
	refuses("{\"tstype\":\"unknown\"}", 11, "\"logappend\"");
}
END_TEST

START_TEST(line__refuses_every_piece_of_a_line)
{
	static const char whole[] =
		"{\"topic\":\"t\",\"partition\":3,\"offset\":42,\"tstype\":"
		"\"create\",\"ts\":17,\"headers\":[\"x\",null,{\"key\":\"a\"}],"
		"\"key\":{\"base64\":\"/w==\"},\"payload\":\"\\u00e9\\n\"}";
	size_t column;

	reads(whole);
	for (size_t n = 0; n + 1 < sizeof(whole); n++) {
		/* memory of its own, so that a read beyond it shows */
		char *piece = malloc(n + 1);
		struct kb_slice s = kb_slice_of(piece + 1, n);

		memcpy(piece + 1, whole, n);
		ck_assert_int_eq(
			kb_line_parse(parser, s, &got, &column), -EINVAL);
		ck_assert_uint_ge(column, 1);
		ck_assert_uint_le(column, n + 1);
		free(piece);
	}
}
END_TEST

START_TEST(line__reads_back_what_is_rendered)
{
	struct sample s = {.random = {2}};
	struct kb_buf text = {0};
	struct kb_jsonl v;
	size_t column;

	ck_ok(kb_line_parser_new(&parser));
	kb_jsonl_init(&v, "some.topic_1-x", 12);
	for (int i = 0; i < 20000; i++) {
		const struct kb_record *a = &s.record, *b = &got.record;

		sample_next(&s);
		kb_buf_clear(&text);
		ck_ok(kb_buf_reserve(
			&text, kb_jsonl_measure(&v, a) + KB_JSONL_SLACK));
		text.len = kb_jsonl_render(&v, a, (char *)text.data);
		ck_ok(kb_line_parse(
			parser, kb_buf_slice(&text), &got, &column));
		ck_assert_str_eq(got.topic, "some.topic_1-x");
		ck_assert_int_eq(got.partition, 12);
		ck_assert_int_eq(b->offset, a->offset);
		ck_assert_int_eq(b->timestamp, a->timestamp);
		ck_assert_int_eq(b->logappend, a->logappend);
		ck_assert_uint_eq(b->header_count, a->header_count);
		assert_same(b->key, a->key);
		assert_same(b->value, a->value);
		if (a->header_count)
			assert_same(b->headers, a->headers);
	}
	kb_buf_release(&text);
	sample_release(&s);
	kb_line_parser_free(parser);
}
END_TEST

KB_SUITE("line", line__reads_its_own_text, line__reads_kcat, line__reads_rpk,
	line__tells_null_empty_and_missing, line__takes_every_escape,
	line__reads_numbers_exactly, line__refuses_what_is_no_object,
	line__refuses_unknown_and_repeated_keys, line__refuses_bad_strings,
	line__refuses_bad_base64, line__refuses_bad_headers,
	line__refuses_bad_topics_and_time_types,
	line__refuses_every_piece_of_a_line, line__reads_back_what_is_rendered)
