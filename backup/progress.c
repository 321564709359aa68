/*
 * Everything goes to stderr: stdout is for --json. Lines tell what has been
 * written, published or not; the summary tells what is durable. Percentage and
 * ETA are of offsets, which is all that is known beforehand.
 *
 * Rates are of the time since the last line; the live line, which comes often,
 * shows them smoothed.
 */
#include "backup/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "backup/deposit.h"
#include "backup/plan.h"
#include "backup/table.h"
#include "common/clock.h"

#define LIVE_EVERY_MS 250
#define LINE_EVERY_MS 10000
#define SMOOTH 8 /* lines that a live rate is of, about */
#define LINE_MAX_BYTES 512
#define ETA_TEXT 48

/* ---- in words ---- */

/* "870 us", "1.3 ms", "2.1 s" */
static void
put_duration(uint64_t us, char out[16])
{
	if (us < 1000)
		snprintf(out, 16, "%" PRIu64 " us", us);
	else if (us < 1000000)
		snprintf(out, 16, us < 10000 ? "%.1f ms" : "%.0f ms",
			(double)us / 1e3);
	else
		snprintf(out, 16, us < 10000000 ? "%.1f s" : "%.0f s",
			(double)us / 1e6);
}

/* "42 s", "3:07", "2:03:07" */
static void
put_eta(int64_t s, char out[ETA_TEXT])
{
	if (s < 100)
		snprintf(out, ETA_TEXT, "%" PRId64 " s", s);
	else if (s < 3600)
		snprintf(out, ETA_TEXT, "%" PRId64 ":%02d", s / 60,
			(int)(s % 60));
	else
		snprintf(out, ETA_TEXT, "%" PRId64 ":%02d:%02d", s / 3600,
			(int)(s / 60 % 60), (int)(s % 60));
}

/* What is stored, in percent of the payload. */
static void
put_ratio(const struct kb_amounts *a, char out[16])
{
	if (!a->raw)
		snprintf(out, 16, "-");
	else
		snprintf(out, 16, "%.1f %%",
			(double)a->stored * 100 / (double)a->raw);
}

/* Nothing done yet: nobody knows. More than a year: nobody cares. */
static void
put_time_left(const struct kb_progress_state *s, char out[ETA_TEXT])
{
	int64_t done = s->offsets - s->left;
	double left = (double)s->spent_ms / 1000 * (double)s->left;

	if (done <= 0 || left / (double)done > 365 * 86400)
		snprintf(out, ETA_TEXT, "-");
	else
		put_eta((int64_t)(left / (double)done + 0.5), out);
}

int
kb_progress_line(const struct kb_progress_state *s, char *out, size_t size)
{
	double done = s->offsets ? 1 - (double)s->left / (double)s->offsets : 1;
	char ratio[16], eta[ETA_TEXT], slowest[300] = "";

	put_ratio(&s->sums, ratio);
	put_time_left(s, eta);
	if (s->topics > 1 && s->slowest_left > 0)
		snprintf(slowest, sizeof(slowest), " (%s: %" PRId64 ")",
			s->slowest, s->slowest_left);
	/* Down, so that 100 % means all. */
	return snprintf(out, size,
		"%5.1f %%  %" PRIu64 " records  payload %.1f MB/s  "
		"wire %.1f MB/s  stored %s  lag %" PRId64 "%s  ETA %s",
		(double)(int64_t)(done * 1000) / 10, s->sums.records,
		(double)s->rates.raw / 1e6, (double)s->rates.fetched / 1e6,
		ratio, s->left, slowest, eta);
}

static int
put_latencies(const struct kb_gauges *g, char *out, size_t size)
{
	const struct kb_histogram *const all[] = {
		&g->fetch, &g->index, &g->publish};
	char d[6][16];

	for (size_t i = 0; i < 3; i++) {
		put_duration(kb_histogram_quantile(all[i], 0.5), d[2 * i]);
		put_duration(kb_histogram_quantile(all[i], 0.99), d[2 * i + 1]);
	}
	return snprintf(out, size,
		"p50/p99: fetch %s/%s, index %s/%s, publish %s/%s\n", d[0],
		d[1], d[2], d[3], d[4], d[5]);
}

int
kb_progress_summary(
	const struct kb_deposit *o, int64_t spent_ms, char *out, size_t size)
{
	const struct kb_backup_totals *t = &o->totals;
	struct kb_amounts sums = {.raw = t->raw, .stored = t->stored};
	double s = (double)(spent_ms > 0 ? spent_ms : 1) / 1000;
	char raw[KB_TABLE_CELL], stored[KB_TABLE_CELL], rate[KB_TABLE_CELL];
	char ratio[16], trouble[80] = "";
	char latencies[LINE_MAX_BYTES] = "";
	int n = 0;

	kb_table_size(raw, t->raw);
	kb_table_size(stored, t->stored);
	kb_table_size(rate, (uint64_t)((double)t->raw / s));
	put_ratio(&sums, ratio);
	if (t->gaps)
		n = snprintf(trouble, sizeof(trouble), ", %" PRIuFAST64 " gaps",
			t->gaps);
	if (t->problems)
		snprintf(trouble + n, sizeof(trouble) - (size_t)n,
			", %" PRIuFAST64 " PROBLEMS", t->problems);
	if (kb_histogram_count(&o->gauges.fetch))
		put_latencies(&o->gauges, latencies, sizeof(latencies));
	return snprintf(out, size,
		"%" PRIuFAST64 " records, %s of payload, %s stored (%s) in "
		"%" PRIuFAST64 " segments, %.1f s, %s/s%s\n%s",
		t->records, raw, stored, ratio, t->segments, s, rate, trouble,
		latencies);
}

/* ---- measuring ---- */

void
kb_progress_init(struct kb_progress *p, bool quiet, const struct kb_plan *plan)
{
	*p = (struct kb_progress){
		.quiet = quiet,
		.terminal = isatty(STDERR_FILENO),
		.started = kb_clock_ms(),
		.last = kb_clock_ms(),
		.offsets = kb_gauges_lag(plan, NULL, NULL),
	};
}

static void
note_topic(void *ctx, const char *topic, int64_t lag)
{
	struct kb_progress_state *s = ctx;

	s->topics++;
	if (lag <= s->slowest_left)
		return;
	s->slowest = topic;
	s->slowest_left = lag;
}

/* What partitions that were given up will never bring. */
static int64_t
given_up(const struct kb_plan *plan)
{
	int64_t n = 0;

	for (size_t i = 0; i < plan->lane_count; i++) {
		const struct kb_lane *l = &plan->lanes[i];

		if (l->state == KB_LANE_STOPPED && l->cut > l->next)
			n += l->cut - l->next;
	}
	return n;
}

/* Bytes a second, of now and, smoothed, of before. */
static uint64_t
rate(uint64_t before, uint64_t bytes, int64_t ms, uint64_t smooth)
{
	uint64_t now = bytes * 1000 / (uint64_t)(ms > 0 ? ms : 1);

	return before ? (before * (smooth - 1) + now) / smooth : now;
}

static void
measure(struct kb_progress *p, const struct kb_plan *plan,
	const struct kb_deposit *o, int64_t now, struct kb_progress_state *out)
{
	const struct kb_gauges *g = &o->gauges;
	uint64_t smooth = p->terminal ? SMOOTH : 1;
	struct kb_amounts sums = {
		.records = g->records,
		.raw = g->raw,
		.fetched = o->totals.fetched,
		.stored = g->stored,
	};
	int64_t lost = given_up(plan);

	p->rates.raw = rate(
		p->rates.raw, sums.raw - p->seen.raw, now - p->last, smooth);
	p->rates.fetched = rate(p->rates.fetched,
		sums.fetched - p->seen.fetched, now - p->last, smooth);
	p->seen = sums;
	p->last = now;
	*out = (struct kb_progress_state){
		.sums = sums,
		.rates = p->rates,
		.spent_ms = now - p->started,
		.offsets = p->offsets - lost,
	};
	out->left = kb_gauges_lag(plan, note_topic, out) - lost;
}

/* ---- on the screen ---- */

/* A live line that wraps cannot be taken away again. */
static size_t
line_size(bool terminal)
{
	struct winsize w;

	if (terminal && ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 &&
		w.ws_col > 1 && w.ws_col < LINE_MAX_BYTES)
		return w.ws_col;
	return LINE_MAX_BYTES;
}

void
kb_progress_tick(struct kb_progress *p, const struct kb_plan *plan,
	const struct kb_deposit *o)
{
	int64_t now = kb_clock_ms();
	struct kb_progress_state s;
	char line[LINE_MAX_BYTES];

	if (p->quiet ||
		now - p->last < (p->terminal ? LIVE_EVERY_MS : LINE_EVERY_MS))
		return;
	measure(p, plan, o, now, &s);
	kb_progress_line(&s, line, line_size(p->terminal));
	if (p->terminal)
		fprintf(stderr, "\r%s\033[K", line);
	else
		fprintf(stderr, "%s\n", line);
	fflush(stderr);
	p->shown = p->terminal;
}

void
kb_progress_clear(struct kb_progress *p)
{
	if (!p->shown)
		return;
	fputs("\r\033[K", stderr);
	fflush(stderr);
	p->shown = false;
}

void
kb_progress_finish(struct kb_progress *p, const struct kb_deposit *o)
{
	char text[2 * LINE_MAX_BYTES];

	kb_progress_clear(p);
	if (p->quiet)
		return;
	kb_progress_summary(o, kb_clock_ms() - p->started, text, sizeof(text));
	fputs(text, stderr);
}
