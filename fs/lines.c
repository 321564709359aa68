/*
 * Every record is one line, and every line of a partition begins alike:
 * `{"topic":"T","partition":P,"offset":N,"tstype":"create","ts":N,...`. So a
 * record is found in a block's text by halving it, without the batch.
 */
#include "fs/lines.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "common/err.h"
#include "format/segment.h"
#include "fs/facts.h"

static int
odd_line(void)
{
	return kb_err(-EBADMSG, "text: a line does not begin as it must");
}

/* A decimal number of the line at p; false when there is none. */
static bool
read_number(const uint8_t **p, const uint8_t *end, int64_t *out)
{
	bool minus = *p < end && **p == '-';
	const uint8_t *from = *p + minus, *at = from;
	int64_t v = 0;

	for (; at < end && *at >= '0' && *at <= '9'; at++)
		if (__builtin_mul_overflow(v, 10, &v) ||
			__builtin_add_overflow(v, *at - '0', &v))
			return false;
	*p = at;
	*out = minus ? -v : v;
	return at > from;
}

static bool
offset_at(struct kb_slice text, size_t head_len, size_t line, int64_t *out,
	const uint8_t **out_rest)
{
	const uint8_t *p = text.data + line, *end = text.data + text.len;

	if ((size_t)(end - p) <= head_len)
		return false;
	p += head_len;
	if (!read_number(&p, end, out))
		return false;
	*out_rest = p;
	return true;
}

/* Start of the line that byte `at` lies in. */
static size_t
line_start(struct kb_slice text, size_t at)
{
	const uint8_t *nl = at ? memrchr(text.data, '\n', at) : NULL;

	return nl ? (size_t)(nl - text.data) + 1 : 0;
}

static size_t
line_end(struct kb_slice text, size_t at)
{
	const uint8_t *nl = memchr(text.data + at, '\n', text.len - at);

	return nl ? (size_t)(nl - text.data) + 1 : text.len;
}

/* Lines before low are below offset, lines at or after high are not. */
int
kb_lines_find(
	struct kb_slice text, size_t head_len, int64_t offset, size_t *out)
{
	size_t low = 0, high = text.len;
	const uint8_t *rest;
	int64_t found;

	while (low < high) {
		size_t line = line_start(text, low + (high - low) / 2);

		if (!offset_at(text, head_len, line, &found, &rest))
			return odd_line();
		if (found < offset)
			low = line_end(text, line);
		else
			high = line;
	}
	*out = low;
	return 0;
}

/* The time that stands at p, behind the offset; false: not such a line. */
static bool
time_at(const uint8_t *p, const uint8_t *end, int64_t *out)
{
	static const char kinds[2][32] = {
		",\"tstype\":\"create\",\"ts\":",
		",\"tstype\":\"logappend\",\"ts\":",
	};

	for (int i = 0; i < 2; i++) {
		size_t n = strlen(kinds[i]);

		if ((size_t)(end - p) > n && memcmp(p, kinds[i], n) == 0) {
			p += n;
			return read_number(&p, end, out);
		}
	}
	*out = KB_NO_TIME;
	return true;
}

int
kb_lines_survey(struct kb_slice text, size_t head_len, struct kb_facts *out)
{
	const uint8_t *end = text.data + text.len, *rest;
	struct kb_facts all = kb_facts_none();

	for (size_t at = 0; at < text.len; at = line_end(text, at)) {
		struct kb_facts one = {.records = 1};

		if (!offset_at(text, head_len, at, &one.first, &rest) ||
			!time_at(rest, end, &one.max_timestamp))
			return odd_line();
		one.last = one.first;
		one.min_timestamp = one.max_timestamp;
		kb_facts_add(&all, &one);
	}
	*out = all;
	return 0;
}
