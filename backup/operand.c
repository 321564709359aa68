/* Strict: what is not understood whole is refused with the reason. */
#include "backup/operand.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "store/layout.h"

/* `orders` or `orders@1`. */
static bool
is_shown_name(const char *text)
{
	char name[250];
	size_t len = strcspn(text, "@");
	int32_t n;

	if (len >= sizeof(name))
		return false;
	memcpy(name, text, len);
	name[len] = '\0';
	if (!kb_topic_name_valid(name))
		return false;
	return !text[len] ||
	       (kb_layout_read_partition(text + len + 1, &n) == 0 && n > 0);
}

int
kb_operand_parse(const char *text, struct kb_operand *out)
{
	struct kb_operand o = {.partition = -1};
	size_t len = strcspn(text, "/");

	if (len >= sizeof(o.topic))
		return kb_err(-EINVAL, "%.40s...: topic name too long", text);
	memcpy(o.topic, text, len);
	if (!is_shown_name(o.topic))
		return kb_err(-EINVAL, "\"%s\": not a topic name", o.topic);
	if (text[len] && text[len + 1] &&
		kb_layout_read_partition(text + len + 1, &o.partition) < 0)
		return kb_err(-EINVAL, "%s: \"%s\" is not a partition number",
			text, text + len + 1);
	*out = o;
	return 0;
}

static int
take_offset(const char **p, int64_t *out)
{
	int64_t v = 0;

	if (!isdigit((unsigned char)**p))
		return -EINVAL;
	for (; isdigit((unsigned char)**p); (*p)++) {
		int digit = **p - '0';

		if (v > (INT64_MAX - digit) / 10)
			return -EINVAL;
		v = v * 10 + digit;
	}
	*out = v;
	return 0;
}

int
kb_operand_parse_range(const char *text, int64_t *out_first, int64_t *out_last)
{
	int64_t first, last = INT64_MAX;
	const char *p = text;
	int r = take_offset(&p, &first);

	if (r == 0 && *p == '-') {
		p++;
		r = take_offset(&p, &last);
	}
	if (r < 0 || *p)
		return kb_err(-EINVAL,
			"\"%s\": not FIRST or FIRST-LAST, two offsets", text);
	if (last < first)
		return kb_err(-EINVAL, "\"%s\": ends before it begins", text);
	*out_first = first;
	*out_last = last;
	return 0;
}
