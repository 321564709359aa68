/*
 * Reading a name back is strict: what does not come out as the writer would
 * have written it means nothing, so no two names mean the same object.
 */
#include "store/layout.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Digits of an offset in a name: the width of Kafka's own. */
#define OFFSET_DIGITS 20

bool
kb_topic_name_valid(const char *name)
{
	size_t n = strspn(name,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789._-");

	return n > 0 && n <= 249 && !name[n] && strcmp(name, ".") != 0 &&
	       strcmp(name, "..") != 0;
}

void
kb_layout_segment(char out[KB_NAME_MAX], const struct kb_topic_ref *t,
	int32_t partition, int64_t start)
{
	char id[KB_UUID_TEXT];

	kb_uuid_format(&t->id, id);
	snprintf(out, KB_NAME_MAX, "data/%s/%s/%" PRId32 "/%020" PRId64 ".log",
		t->name, id, partition, start);
}

void
kb_layout_gap(char out[KB_NAME_MAX], const struct kb_topic_ref *t,
	int32_t partition, int64_t start, int64_t end)
{
	char id[KB_UUID_TEXT];

	kb_uuid_format(&t->id, id);
	snprintf(out, KB_NAME_MAX,
		"data/%s/%s/%" PRId32 "/%020" PRId64 "-%020" PRId64 ".gap",
		t->name, id, partition, start, end);
}

void
kb_layout_partition(
	char out[KB_NAME_MAX], const struct kb_topic_ref *t, int32_t partition)
{
	char id[KB_UUID_TEXT];

	kb_uuid_format(&t->id, id);
	snprintf(out, KB_NAME_MAX, "data/%s/%s/%" PRId32, t->name, id,
		partition);
}

void
kb_layout_meta_dir(char out[KB_NAME_MAX], const struct kb_topic_ref *t)
{
	char id[KB_UUID_TEXT];

	kb_uuid_format(&t->id, id);
	snprintf(out, KB_NAME_MAX, "meta/%s/%s", t->name, id);
}

void
kb_layout_meta(char out[KB_NAME_MAX], const struct kb_topic_ref *t, uint64_t n)
{
	char id[KB_UUID_TEXT];

	kb_uuid_format(&t->id, id);
	snprintf(out, KB_NAME_MAX, "meta/%s/%s/%" PRIu64 ".json", t->name, id,
		n);
}

/* Takes a decimal number <= max from *p; false when there is none. */
static bool
take_number(const char **p, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (!isdigit((unsigned char)**p))
		return false;
	for (; isdigit((unsigned char)**p); (*p)++) {
		uint64_t digit = (uint64_t)(**p - '0');

		if (v > (max - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	*out = v;
	return true;
}

/* As it is written: no leading zero. */
static bool
take_plain(const char **p, uint64_t max, uint64_t *out)
{
	const char *from = *p;

	return take_number(p, max, out) && (*from != '0' || *p == from + 1);
}

static bool
take_offset(const char **p, int64_t *out)
{
	const char *from = *p;
	uint64_t v;

	if (!take_number(p, INT64_MAX, &v) || *p - from != OFFSET_DIGITS)
		return false;
	*out = (int64_t)v;
	return true;
}

int
kb_layout_read_object(const char *base, struct kb_layout_object *out)
{
	struct kb_layout_object o = {0};

	if (!take_offset(&base, &o.start))
		return -EINVAL;
	if (*base == '-') {
		base++;
		o.is_gap = true;
		if (!take_offset(&base, &o.end) || o.end <= o.start)
			return -EINVAL;
	}
	if (strcmp(base, o.is_gap ? ".gap" : ".log") != 0)
		return -EINVAL;
	*out = o;
	return 0;
}

int
kb_layout_read_meta(const char *base, uint64_t *out_n)
{
	uint64_t n;

	if (!take_plain(&base, INT64_MAX, &n) || !n ||
		strcmp(base, ".json") != 0)
		return -EINVAL;
	*out_n = n;
	return 0;
}

int
kb_layout_read_partition(const char *base, int32_t *out)
{
	uint64_t n;

	if (!take_plain(&base, INT32_MAX, &n) || *base)
		return -EINVAL;
	*out = (int32_t)n;
	return 0;
}
