/*
 * A string without escapes is borrowed from the text; one with escapes is
 * written to the spare room. An escape is never shorter than what it stands
 * for, so:
 *
 * 1. The spare room used never exceeds the text read.
 */
#include "format/json.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "common/err.h"
#include "format/special.h"
#include "format/utf8.h"

void
kb_json_init(struct kb_json *j, struct kb_slice text, uint8_t *spare)
{
	*j = (struct kb_json){
		.start = text.data,
		.at = text.data,
		.end = text.data + text.len,
		.fault = text.data,
		.spare = spare,
	};
}

int
kb_json_fail(struct kb_json *j, const uint8_t *at, const char *fmt, ...)
{
	char sentence[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(sentence, sizeof(sentence), fmt, ap);
	va_end(ap);
	j->fault = at;
	return kb_err(-EINVAL, "%s", sentence);
}

int
kb_json_peek(struct kb_json *j)
{
	while (j->at < j->end && (*j->at == ' ' || *j->at == '\t' ||
					 *j->at == '\n' || *j->at == '\r'))
		j->at++;
	return j->at < j->end ? *j->at : -1;
}

bool
kb_json_accept(struct kb_json *j, char c)
{
	if (kb_json_peek(j) != c)
		return false;
	j->at++;
	return true;
}

int
kb_json_expect(struct kb_json *j, char c, const char *what)
{
	if (kb_json_accept(j, c))
		return 0;
	return kb_json_fail(j, j->at, "expected %s", what);
}

/* ---- strings ---- */

static bool
is_plain(uint8_t c)
{
	return c != '"' && c != '\\' && c >= 0x20;
}

/* Past the bytes that stand for themselves. */
static const uint8_t *
skip_plain(const uint8_t *at, const uint8_t *end)
{
	while (end - at >= KB_SPECIAL_STEP) {
		size_t plain = kb_special_find(at);

		at += plain;
		if (plain < KB_SPECIAL_STEP)
			return at;
	}
	while (at < end && is_plain(*at))
		at++;
	return at;
}

/* The same, copying them; by invariant 1 eight bytes never are too many. */
static void
copy_plain(struct kb_json *j)
{
	while (j->end - j->at >= KB_SPECIAL_STEP) {
		size_t plain = kb_special_find(j->at);

		memcpy(j->spare, j->at, KB_SPECIAL_STEP);
		j->at += plain;
		j->spare += plain;
		if (plain < KB_SPECIAL_STEP)
			return;
	}
	while (j->at < j->end && is_plain(*j->at))
		*j->spare++ = *j->at++;
}

/* The four digits after \u, or -1. */
static int32_t
hex4(const uint8_t *at, const uint8_t *end)
{
	int32_t v = 0;

	if (end - at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int c = at[i];

		if (c >= '0' && c <= '9')
			c -= '0';
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			c = (c | 0x20) - 'a' + 10;
		else
			return -1;
		v = v << 4 | c;
	}
	return v;
}

/* \uXXXX, or two of them for what lies above U+FFFF. */
static int
unescape_code(struct kb_json *j)
{
	const uint8_t *from = j->at;
	int32_t c = hex4(from + 2, j->end), low = -1;

	if (c < 0)
		return kb_json_fail(j, from, "expected four digits after \\u");
	j->at += 6;
	if (c >= 0xd800 && c < 0xdc00 && j->end - j->at >= 2 &&
		j->at[0] == '\\' && j->at[1] == 'u')
		low = hex4(j->at + 2, j->end);
	if (low >= 0xdc00 && low < 0xe000) {
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
		j->at += 6;
	}
	if (c >= 0xd800 && c < 0xe000)
		return kb_json_fail(j, from,
			"expected a pair of surrogates, found one alone");
	j->spare += kb_utf8_write(j->spare, (uint32_t)c);
	return 0;
}

/* Takes one escape, at a backslash. */
static int
unescape(struct kb_json *j)
{
	static const char plain[128] = {
		['b'] = '\b',
		['t'] = '\t',
		['n'] = '\n',
		['f'] = '\f',
		['r'] = '\r',
		['"'] = '"',
		['\\'] = '\\',
		['/'] = '/',
	};
	uint8_t c = j->end - j->at > 1 ? j->at[1] : 0;

	if (c == 'u')
		return unescape_code(j);
	if (c >= sizeof(plain) || !plain[c])
		return kb_json_fail(j, j->at, "unknown escape");
	*j->spare++ = (uint8_t)plain[c];
	j->at += 2;
	return 0;
}

/* Goes on with a string that began at `from`, up to its closing quote. */
static int
unescape_string(struct kb_json *j, const uint8_t *from, struct kb_slice *out)
{
	uint8_t *text = j->spare;
	int r;

	j->at = from;
	for (;;) {
		copy_plain(j);
		if (j->at == j->end)
			return kb_json_fail(j, j->at,
				"expected the string's closing quote");
		if (*j->at == '"')
			break;
		if (*j->at != '\\')
			return kb_json_fail(j, j->at,
				"expected an escape, found a bare control "
				"character");
		r = unescape(j);
		if (r < 0)
			return r;
	}
	j->at++;
	*out = kb_slice_of(text, (size_t)(j->spare - text));
	return 0;
}

int
kb_json_string(struct kb_json *j, struct kb_slice *out)
{
	int r = kb_json_expect(j, '"', "a string");
	const uint8_t *from = j->at;

	if (r < 0)
		return r;
	j->at = skip_plain(from, j->end);
	if (j->at == j->end || *j->at != '"')
		return unescape_string(j, from, out);
	*out = kb_slice_of(from, (size_t)(j->at - from));
	j->at++;
	return 0;
}

/* ---- others ---- */

static bool
is_digit(const struct kb_json *j)
{
	return j->at < j->end && *j->at >= '0' && *j->at <= '9';
}

int
kb_json_number(struct kb_json *j, int64_t *out)
{
	bool negative = kb_json_accept(j, '-');
	const uint8_t *from = j->at - negative;
	uint64_t most = (uint64_t)INT64_MAX + negative, v = 0;

	if (!is_digit(j))
		return kb_json_fail(j, from, "expected a whole number");
	do {
		uint64_t d = (uint64_t)*j->at - '0';

		if (v > (most - d) / 10)
			return kb_json_fail(j, from,
				"expected a number of at most 64 bits");
		v = v * 10 + d;
		j->at++;
	} while (v != 0 && is_digit(j));
	/* a fraction, an exponent, or more digits after a leading zero */
	if (is_digit(j) ||
		(j->at < j->end && (*j->at == '.' || (*j->at | 0x20) == 'e')))
		return kb_json_fail(j, from, "expected a whole number");
	*out = (int64_t)(negative ? -v : v);
	return 0;
}

int
kb_json_null(struct kb_json *j)
{
	if (kb_json_peek(j) != 'n' || j->end - j->at < 4 ||
		memcmp(j->at, "null", 4) != 0)
		return kb_json_fail(j, j->at, "expected null");
	j->at += 4;
	return 0;
}
