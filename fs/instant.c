/*
 * The shape of a time is checked here, more strictly than where people type
 * one: what is left over may be the rest of a name. Its value is the business
 * of common/clock.h.
 */
#include "fs/instant.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "common/clock.h"
#include "format/period.h"

#define TEXT_MAX 32
#define FRACTION_MAX 3

/* As in form, where a 0 stands for any digit. */
static bool
skip(const char **p, const char *form)
{
	const char *at = *p;

	for (; *form; form++, at++)
		if (*form == '0' ? !isdigit((unsigned char)*at) : *at != *form)
			return false;
	*p = at;
	return true;
}

/* `.250`; the dots of a range are none. */
static void
skip_fraction(const char **p)
{
	if (**p != '.' || !isdigit((unsigned char)(*p)[1]))
		return;
	(*p)++;
	for (int i = 0; i < FRACTION_MAX && isdigit((unsigned char)**p); i++)
		(*p)++;
}

int
kb_instant_read(const char **at, int64_t *out)
{
	char text[TEXT_MAX];
	const char *p = *at;
	size_t n;

	if (!skip(&p, "0000-00-00"))
		return -ENOENT;
	if (skip(&p, "T00:00") && skip(&p, ":00"))
		skip_fraction(&p);
	if (*p == 'Z')
		p++;
	n = (size_t)(p - *at);
	memcpy(text, *at, n);
	text[n] = '\0';
	if (kb_clock_parse(text, out) < 0)
		return -ENOENT;
	*at = p;
	return 0;
}

int
kb_instant_read_period(const char **at, struct kb_period *out)
{
	int64_t from = INT64_MIN, until = INT64_MIN;
	const char *p = *at;
	bool begins = kb_instant_read(&p, &from) == 0, ends;

	if (!skip(&p, ".."))
		return -ENOENT;
	ends = kb_instant_read(&p, &until) == 0;
	if ((!begins && !ends) || (ends && from >= until))
		return -ENOENT;
	*out = (struct kb_period){from, ends ? until - 1 : INT64_MAX, false};
	*at = p;
	return 0;
}

int
kb_instant_read_view(const char *name, int64_t *out)
{
	return *name++ == '@' && kb_instant_read(&name, out) == 0 && !*name
		       ? 0
		       : -ENOENT;
}
