/*
 * Dates are converted with timegm(3) and gmtime_r(3), which know all years
 * that an int64_t of milliseconds can name within the range of struct tm.
 */
#include "common/clock.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t
now_ms(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t
kb_clock_ms(void)
{
	return now_ms(CLOCK_MONOTONIC);
}

int64_t
kb_clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t
kb_clock_wall_ms(void)
{
	return now_ms(CLOCK_REALTIME);
}

/* Reads exactly n digits at *p. */
static int
digits(const char **p, int n, int *out)
{
	int v = 0;

	for (int i = 0; i < n; i++) {
		if (!isdigit((unsigned char)(*p)[i]))
			return -EINVAL;
		v = v * 10 + ((*p)[i] - '0');
	}
	*p += n;
	*out = v;
	return 0;
}

static int
parse_zone(const char **p, int64_t *out_minutes)
{
	int sign, h, m;

	*out_minutes = 0;
	if (**p == 'Z') {
		(*p)++;
		return 0;
	}
	if (**p != '+' && **p != '-')
		return 0;
	sign = **p == '+' ? 1 : -1;
	(*p)++;
	if (digits(p, 2, &h) || *(*p)++ != ':' || digits(p, 2, &m) || h > 23 ||
		m > 59)
		return -EINVAL;
	*out_minutes = sign * (h * 60 + m);
	return 0;
}

static int
parse_fraction(const char **p, int *out_ms)
{
	int scale = 100;

	*out_ms = 0;
	if (**p != '.')
		return 0;
	(*p)++;
	if (!isdigit((unsigned char)**p))
		return -EINVAL;
	for (; isdigit((unsigned char)**p); (*p)++, scale /= 10)
		*out_ms += (**p - '0') * scale;
	return 0;
}

static int
parse_daytime(const char **p, struct tm *tm, int *out_ms)
{
	*out_ms = 0;
	if (**p != 'T' && **p != ' ')
		return 0;
	(*p)++;
	if (digits(p, 2, &tm->tm_hour) || *(*p)++ != ':' ||
		digits(p, 2, &tm->tm_min))
		return -EINVAL;
	if (**p != ':')
		return 0;
	(*p)++;
	if (digits(p, 2, &tm->tm_sec))
		return -EINVAL;
	return parse_fraction(p, out_ms);
}

int
kb_clock_parse(const char *text, int64_t *out_ms)
{
	struct tm tm = {0}, back;
	int64_t minutes;
	int year, mon, ms;
	time_t t;

	if (digits(&text, 4, &year) || *text++ != '-' ||
		digits(&text, 2, &mon) || *text++ != '-' ||
		digits(&text, 2, &tm.tm_mday) ||
		parse_daytime(&text, &tm, &ms) || parse_zone(&text, &minutes) ||
		*text)
		return -EINVAL;
	tm.tm_year = year - 1900;
	tm.tm_mon = mon - 1;
	if (tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 59)
		return -EINVAL;
	back = tm;
	t = timegm(&back);
	if (back.tm_mday != tm.tm_mday || back.tm_mon != tm.tm_mon)
		return -EINVAL; /* the 31st of February */
	*out_ms = ((int64_t)t - minutes * 60) * 1000 + ms;
	return 0;
}

void
kb_clock_format(int64_t ms, char out[KB_CLOCK_TEXT])
{
	int64_t sec = ms / 1000, rest = ms % 1000;
	struct tm tm;
	time_t t;
	size_t n;

	if (rest < 0) {
		rest += 1000;
		sec--;
	}
	t = (time_t)sec;
	if (ms == -1 || !gmtime_r(&t, &tm)) {
		snprintf(out, KB_CLOCK_TEXT, "-");
		return;
	}
	n = strftime(out, KB_CLOCK_TEXT, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + n, KB_CLOCK_TEXT - n, ".%03dZ", (int)rest);
}
