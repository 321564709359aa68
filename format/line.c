/*
 * One object a line; a table says which keys it may have. Two names of one
 * field (`payload` here, `value` at rpk) share a bit, so that a field given
 * twice shows. Strings end up in the line itself or in one buffer as large as
 * the line, so a record costs no allocation.
 */
#include "format/line.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "common/err.h"
#include "format/base64.h"
#include "format/json.h"

/* Memory above this is given back at the next shorter line. */
#define KEEP_MAX ((size_t)8 << 20)

struct kb_line_parser {
	struct kb_json json;
	struct kb_buf spare;   /* strings with escapes, decoded base64 */
	struct kb_buf headers; /* encoded as in a record */
};

int
kb_line_parser_new(struct kb_line_parser **out)
{
	struct kb_line_parser *p = calloc(1, sizeof(*p));

	if (!p)
		return kb_err(-ENOMEM, "out of memory");
	*out = p;
	return 0;
}

void
kb_line_parser_free(struct kb_line_parser *p)
{
	if (!p)
		return;
	kb_line_parser_shrink(p);
	free(p);
}

size_t
kb_line_parser_memory(const struct kb_line_parser *p)
{
	return p->spare.cap + p->headers.cap;
}

void
kb_line_parser_shrink(struct kb_line_parser *p)
{
	kb_buf_release(&p->spare);
	kb_buf_release(&p->headers);
}

static bool
slice_is(struct kb_slice s, const char *text)
{
	return s.len == strlen(text) && memcmp(s.data, text, s.len) == 0;
}

/* "key": of an object. *out_at is where the key begins. */
static int
read_key(struct kb_json *j, struct kb_slice *out, const uint8_t **out_at)
{
	int r;

	kb_json_peek(j);
	*out_at = j->at;
	r = kb_json_string(j, out);
	if (r < 0)
		return r;
	return kb_json_expect(j, ':', "a colon");
}

static int
unknown_key(struct kb_json *j, struct kb_slice key, const uint8_t *at)
{
	char name[41];
	size_t n = key.len < sizeof(name) ? key.len : sizeof(name) - 1;

	for (size_t i = 0; i < n; i++) {
		bool shown = key.data[i] >= 0x20 && key.data[i] < 0x7f;

		name[i] = shown ? (char)key.data[i] : '?';
	}
	name[n] = '\0';
	return kb_json_fail(j, at, "unknown key \"%s\"", name);
}

/* ---- bytes ---- */

/* {"base64":"..."} */
static int
read_base64(struct kb_json *j, struct kb_slice *out)
{
	const uint8_t *at;
	struct kb_slice s;
	uint8_t *to;
	size_t len;
	int r;

	j->at++;
	r = read_key(j, &s, &at);
	if (r < 0)
		return r;
	if (!slice_is(s, "base64"))
		return unknown_key(j, s, at);
	kb_json_peek(j);
	at = j->at;
	to = j->spare;
	r = kb_json_string(j, &s);
	if (r < 0)
		return r;
	/* a string with escapes lies at `to` already: decoded in place */
	if (kb_base64_decode(to, s.data, s.len, &len))
		return kb_json_fail(j, s.data == to ? at : s.data + len,
			"expected base 64, padded");
	j->spare = to + len;
	*out = kb_slice_of(to, len);
	return kb_json_expect(j, '}', "the end of the base64 object");
}

static int
read_bytes(struct kb_json *j, struct kb_slice *out)
{
	switch (kb_json_peek(j)) {
	case '"':
		return kb_json_string(j, out);
	case '{':
		return read_base64(j, out);
	case 'n':
		*out = (struct kb_slice){0};
		return kb_json_null(j);
	}
	return kb_json_fail(
		j, j->at, "expected a string, null or {\"base64\":\"...\"}");
}

/* ---- headers ---- */

/* {"key":...,"value":...}, in any order: rpk's form. */
static int
read_header_object(struct kb_json *j, struct kb_slice *out_name,
	struct kb_slice *out_value)
{
	bool has_name = false, has_value = false, *has;
	const uint8_t *from = j->at++, *at;
	struct kb_slice key, *to;
	int r;

	do {
		r = read_key(j, &key, &at);
		if (r < 0)
			return r;
		if (!slice_is(key, "key") && !slice_is(key, "value"))
			return unknown_key(j, key, at);
		has = key.len == 3 ? &has_name : &has_value;
		to = key.len == 3 ? out_name : out_value;
		if (*has)
			return kb_json_fail(j, at, "a key given twice");
		*has = true;
		r = read_bytes(j, to);
		if (r < 0)
			return r;
	} while (kb_json_accept(j, ','));
	if (!has_name)
		return kb_json_fail(j, from, "expected a header with a key");
	return kb_json_expect(j, '}', "the end of the header");
}

/* Is the object here one of rpk's headers, not a name in base 64? */
static bool
at_header_object(const struct kb_json *j)
{
	struct kb_json ahead = *j;
	struct kb_slice key;

	return kb_json_accept(&ahead, '{') &&
	       kb_json_string(&ahead, &key) == 0 && !slice_is(key, "base64");
}

/* One header: an object, or a name and, after a comma, a value. */
static int
read_header(struct kb_json *j, struct kb_buf *headers)
{
	struct kb_slice name = {0}, value = {0};
	const uint8_t *from;
	int r;

	kb_json_peek(j);
	from = j->at;
	if (at_header_object(j)) {
		r = read_header_object(j, &name, &value);
	} else {
		r = read_bytes(j, &name);
		if (r == 0)
			r = kb_json_expect(j, ',', "a comma, then a value");
		if (r == 0)
			r = read_bytes(j, &value);
	}
	if (r < 0)
		return r;
	if (!name.data)
		return kb_json_fail(j, from, "a header's name cannot be null");
	return kb_headers_put(headers, name, value);
}

static int
read_headers(struct kb_line_parser *p, struct kb_line *out)
{
	struct kb_json *j = &p->json;
	int r = kb_json_expect(j, '[', "an array");

	if (r < 0)
		return r;
	if (kb_json_accept(j, ']'))
		return 0;
	do {
		r = read_header(j, &p->headers);
		if (r < 0)
			return r;
		out->record.header_count++;
	} while (kb_json_accept(j, ','));
	return kb_json_expect(j, ']', "the end of the headers");
}

/* ---- the other fields ---- */

static int
read_topic(struct kb_line_parser *p, struct kb_line *out)
{
	struct kb_slice s;
	const uint8_t *at;
	int r;

	kb_json_peek(&p->json);
	at = p->json.at;
	r = kb_json_string(&p->json, &s);
	if (r < 0)
		return r;
	if (s.len == 0 || s.len > KB_TOPIC_MAX || memchr(s.data, 0, s.len))
		return kb_json_fail(&p->json, at, "expected a topic's name");
	memcpy(out->topic, s.data, s.len);
	out->topic[s.len] = '\0';
	return 0;
}

static int
read_number(struct kb_json *j, int64_t min, int64_t max, int64_t *out)
{
	const uint8_t *at;
	int r;

	kb_json_peek(j);
	at = j->at;
	r = kb_json_number(j, out);
	if (r == 0 && (*out < min || *out > max))
		return kb_json_fail(j, at, "number out of range");
	return r;
}

static int
read_partition(struct kb_line_parser *p, struct kb_line *out)
{
	int64_t n;
	int r = read_number(&p->json, 0, INT32_MAX, &n);

	if (r == 0)
		out->partition = (int32_t)n;
	return r;
}

static int
read_offset(struct kb_line_parser *p, struct kb_line *out)
{
	return read_number(&p->json, 0, INT64_MAX, &out->record.offset);
}

static int
read_time(struct kb_line_parser *p, struct kb_line *out)
{
	return read_number(
		&p->json, INT64_MIN, INT64_MAX, &out->record.timestamp);
}

static int
read_time_type(struct kb_line_parser *p, struct kb_line *out)
{
	struct kb_slice s;
	const uint8_t *at;
	int r;

	kb_json_peek(&p->json);
	at = p->json.at;
	r = kb_json_string(&p->json, &s);
	if (r < 0)
		return r;
	out->record.logappend = slice_is(s, "logappend");
	if (!out->record.logappend && !slice_is(s, "create"))
		return kb_json_fail(
			&p->json, at, "expected \"create\" or \"logappend\"");
	return 0;
}

static int
read_record_key(struct kb_line_parser *p, struct kb_line *out)
{
	return read_bytes(&p->json, &out->record.key);
}

static int
read_value(struct kb_line_parser *p, struct kb_line *out)
{
	return read_bytes(&p->json, &out->record.value);
}

/* kcat says which broker it came from: nothing of the record. */
static int
read_broker(struct kb_line_parser *p, struct kb_line *out)
{
	int64_t n;

	(void)out;
	return kb_json_number(&p->json, &n);
}

/* ---- the line ---- */

static const struct field {
	const char *name;
	unsigned bit;
	int (*read)(struct kb_line_parser *p, struct kb_line *out);
} fields[] = {
	{"topic", 1 << 0, read_topic},
	{"partition", 1 << 1, read_partition},
	{"offset", 1 << 2, read_offset},
	{"tstype", 1 << 3, read_time_type},
	{"ts", 1 << 4, read_time},
	{"timestamp", 1 << 4, read_time},
	{"headers", 1 << 5, read_headers},
	{"key", 1 << 6, read_record_key},
	{"payload", 1 << 7, read_value},
	{"value", 1 << 7, read_value},
	{"broker", 1 << 8, read_broker},
};

static const struct field *
find_field(struct kb_slice key)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		if (slice_is(key, fields[i].name))
			return &fields[i];
	}
	return NULL;
}

static int
read_field(struct kb_line_parser *p, struct kb_line *out, unsigned *seen)
{
	const struct field *f;
	struct kb_slice key;
	const uint8_t *at;
	int r = read_key(&p->json, &key, &at);

	if (r < 0)
		return r;
	f = find_field(key);
	if (!f)
		return unknown_key(&p->json, key, at);
	if (*seen & f->bit)
		return kb_json_fail(
			&p->json, at, "\"%s\" is given twice", f->name);
	*seen |= f->bit;
	return f->read(p, out);
}

static int
read_line(struct kb_line_parser *p, struct kb_line *out)
{
	struct kb_json *j = &p->json;
	unsigned seen = 0;
	int r = kb_json_expect(j, '{', "an object");

	if (r < 0)
		return r;
	if (!kb_json_accept(j, '}')) {
		do {
			r = read_field(p, out, &seen);
			if (r < 0)
				return r;
		} while (kb_json_accept(j, ','));
		r = kb_json_expect(j, '}', "a comma or the object's end");
		if (r < 0)
			return r;
	}
	if (kb_json_peek(j) >= 0)
		return kb_json_fail(j, j->at, "expected the end of the line");
	return 0;
}

int
kb_line_parse(struct kb_line_parser *p, struct kb_slice line,
	struct kb_line *out, size_t *out_column)
{
	int r;

	if (kb_line_parser_memory(p) > KEEP_MAX && line.len < KEEP_MAX)
		kb_line_parser_shrink(p);
	kb_buf_clear(&p->spare);
	kb_buf_clear(&p->headers);
	r = kb_buf_reserve(&p->spare, line.len + 1);
	if (r < 0)
		return r;
	*out = (struct kb_line){
		.record = {.offset = -1, .timestamp = -1},
		.partition = -1,
	};
	kb_json_init(&p->json, line, p->spare.data);
	r = read_line(p, out);
	if (r == -EINVAL)
		*out_column = (size_t)(p->json.fault - p->json.start) + 1;
	out->record.headers = kb_buf_slice(&p->headers);
	return r;
}
