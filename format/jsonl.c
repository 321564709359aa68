/*
 * Measuring and rendering ask the same two questions of a string of bytes:
 * what its escapes add, and whether it is UTF-8 at all. The first is counted
 * in a loop over bytes that the compiler turns into wide instructions; only
 * bytes above ASCII need the second. Everything else in a line is of a length
 * known beforehand, so:
 *
 * 1. render() and measure() walk the same fields in the same order; a field's
 *    put_x() writes exactly what its size_x() says.
 */
#include "format/jsonl.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "format/base64.h"
#include "format/escape.h"
#include "format/utf8.h"
#include "format/wide.h"

#define LOOK_STEP 128 /* so that a byte can count what is in it */
#define NUMBER_MAX 20 /* characters of INT64_MIN */

/*
 * The longest that n bytes become is 6n + 13: six for each, and the 13 of
 * {"base64":""}. A header of n bytes in all is stored in n + 2 at least and
 * becomes 6n + 28 at most, commas included.
 */
#define BOUND_BYTE 6
#define BOUND_HEADER 14
#define BOUND_FIXED 128 /* names of fields, two numbers, key, payload */

/* What a string of bytes holds. */
struct look {
	uint64_t extra; /* bytes that its escapes add */
	bool high;	/* a byte is above ASCII */
};

#define PUT(out, text) put_raw(out, text, sizeof(text) - 1)

static char *
put_raw(char *out, const void *data, size_t len)
{
	memcpy(out, data, len);
	return out + len;
}

void
kb_jsonl_init(struct kb_jsonl *v, const char *topic, int32_t partition)
{
	int n = snprintf(v->head, sizeof(v->head),
		"{\"topic\":\"%s\",\"partition\":%" PRId32 ",\"offset\":",
		topic, partition);

	v->head_len = (size_t)n;
}

/* ---- strings ---- */

/* What control characters add: \n one byte, \u00XX five. */
static uint64_t
count_control(const uint8_t *s, size_t n)
{
	uint64_t extra = 0;

	for (size_t i = 0; i < n; i++) {
		if (s[i] < 0x20)
			extra += kb_escape_letter[s[i]] == 'u' ? 5 : 1;
	}
	return extra;
}

/* Counted in bytes, a step at a time: a compiler can make that wide. */
static struct look
look_in_steps(const uint8_t *s, size_t n)
{
	struct look l = {0};
	uint8_t high = 0;

	while (n > 0) {
		size_t step = n < LOOK_STEP ? n : LOOK_STEP;
		uint8_t quoted = 0, lowest = 0xff;

		for (size_t i = 0; i < step; i++) {
			uint8_t c = s[i];

			quoted = (uint8_t)(quoted + ((c == '"') | (c == '\\')));
			lowest = c < lowest ? c : lowest;
			high |= c;
		}
		l.extra += quoted;
		if (lowest < 0x20)
			l.extra += count_control(s, step);
		s += step;
		n -= step;
	}
	l.high = high & 0x80;
	return l;
}

static struct look
look_at(const uint8_t *s, size_t n)
{
	struct kb_wide_look wide;

	if (n < KB_WIDE_MIN || !kb_wide_here())
		return look_in_steps(s, n);
	kb_wide_look_at(s, n, &wide);
	return (struct look){
		.extra = wide.quoted + (wide.control ? count_control(s, n) : 0),
		.high = wide.high,
	};
}

/* null, a string, or {"base64":"..."}. */
static uint64_t
size_bytes(struct kb_slice s)
{
	struct look l;

	if (!s.data)
		return sizeof("null") - 1;
	l = look_at(s.data, s.len);
	if (l.high && !kb_utf8_valid(s.data, s.len))
		return sizeof("{\"base64\":\"\"}") - 1 + kb_base64_size(s.len);
	return 2 + s.len + l.extra;
}

static char *
put_bytes(char *out, struct kb_slice s)
{
	struct look l;

	if (!s.data)
		return PUT(out, "null");
	l = look_at(s.data, s.len);
	if (l.high && !kb_utf8_valid(s.data, s.len)) {
		out = PUT(out, "{\"base64\":\"");
		out += kb_base64_encode(out, s.data, s.len);
		return PUT(out, "\"}");
	}
	*out++ = '"';
	out = l.extra ? kb_escape_put(out, s.data, s.len)
		      : put_raw(out, s.data, s.len);
	*out++ = '"';
	return out;
}

/* ---- numbers ---- */

static uint64_t
magnitude(int64_t v)
{
	return v < 0 ? -(uint64_t)v : (uint64_t)v;
}

static uint64_t
size_number(int64_t v)
{
	uint64_t n = 1 + (v < 0), m = magnitude(v);

	/* no number of 64 bits has more than 20 digits */
	for (uint64_t power = 10; m >= power; power *= 10) {
		n++;
		if (power > UINT64_MAX / 10)
			break;
	}
	return n;
}

static char *
put_number(char *out, int64_t v)
{
	char text[NUMBER_MAX];
	size_t at = sizeof(text);
	uint64_t m = magnitude(v);

	do {
		text[--at] = (char)('0' + m % 10);
		m /= 10;
	} while (m);
	if (v < 0)
		text[--at] = '-';
	return put_raw(out, text + at, sizeof(text) - at);
}

/* ---- headers ---- */

/* ,"headers":[name,value,...] */
static uint64_t
size_headers(const struct kb_record *r)
{
	struct kb_slice name, value;
	struct kb_headers it;
	uint64_t n = sizeof(",\"headers\":[]") - 1;
	bool first = true;

	kb_headers_init(&it, r);
	while (kb_headers_next(&it, &name, &value) == 0) {
		n += size_bytes(name) + size_bytes(value) + (first ? 1 : 2);
		first = false;
	}
	return n;
}

static char *
put_headers(char *out, const struct kb_record *r)
{
	struct kb_slice name, value;
	struct kb_headers it;
	bool first = true;

	out = PUT(out, ",\"headers\":[");
	kb_headers_init(&it, r);
	while (kb_headers_next(&it, &name, &value) == 0) {
		if (!first)
			*out++ = ',';
		first = false;
		out = put_bytes(out, name);
		*out++ = ',';
		out = put_bytes(out, value);
	}
	*out++ = ']';
	return out;
}

/* ---- lines ---- */

/* Up to the timestamp itself. */
static struct kb_slice
time_label(const struct kb_record *r)
{
	return kb_slice_str(r->logappend ? ",\"tstype\":\"logappend\",\"ts\":"
					 : ",\"tstype\":\"create\",\"ts\":");
}

uint64_t
kb_jsonl_measure(const struct kb_jsonl *v, const struct kb_record *r)
{
	uint64_t n = v->head_len + size_number(r->offset);

	if (r->timestamp != -1)
		n += time_label(r).len + size_number(r->timestamp);
	if (r->header_count)
		n += size_headers(r);
	n += sizeof(",\"key\":") - 1 + size_bytes(r->key);
	n += sizeof(",\"payload\":") - 1 + size_bytes(r->value);
	return n + sizeof("}\n") - 1;
}

uint64_t
kb_jsonl_bound(const struct kb_jsonl *v, const struct kb_record *r)
{
	uint64_t bytes = r->key.len + r->value.len;

	return v->head_len + BOUND_FIXED + BOUND_BYTE * bytes +
	       BOUND_HEADER * r->headers.len;
}

size_t
kb_jsonl_render(const struct kb_jsonl *v, const struct kb_record *r, char *out)
{
	char *at = put_raw(out, v->head, v->head_len);

	at = put_number(at, r->offset);
	if (r->timestamp != -1) {
		at = put_raw(at, time_label(r).data, time_label(r).len);
		at = put_number(at, r->timestamp);
	}
	if (r->header_count)
		at = put_headers(at, r);
	at = PUT(at, ",\"key\":");
	at = put_bytes(at, r->key);
	at = PUT(at, ",\"payload\":");
	at = put_bytes(at, r->value);
	at = PUT(at, "}\n");
	return (size_t)(at - out);
}
