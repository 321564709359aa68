/*
 * Everything goes to stderr: stdout is for --json. Rates are of decoded
 * payload; the percentage and ETA are of offsets, which is all that is known
 * beforehand.
 */
#include "backup/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backup/deposit.h"
#include "backup/plan.h"
#include "common/clock.h"

#define LIVE_EVERY_MS 250
#define LINE_EVERY_MS 10000

void
kb_progress_size(uint64_t bytes, char out[16])
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
	double v = (double)bytes;
	size_t u = 0;

	while (v >= 999.95 && u + 1 < sizeof(units) / sizeof(*units)) {
		v /= 1000;
		u++;
	}
	snprintf(out, 16, u ? "%.1f %s" : "%.0f %s", v, units[u]);
}

void
kb_progress_init(struct kb_progress *p, bool quiet, const struct kb_plan *plan)
{
	*p = (struct kb_progress){
		.quiet = quiet,
		.terminal = isatty(STDERR_FILENO),
		.started = kb_clock_ms(),
		.last = kb_clock_ms(),
	};
	for (size_t i = 0; i < plan->lane_count; i++)
		p->offsets += plan->lanes[i].cut > plan->lanes[i].from
			? plan->lanes[i].cut - plan->lanes[i].from
			: 0;
}

static int64_t
offsets_left(const struct kb_plan *plan)
{
	int64_t left = 0;

	for (size_t i = 0; i < plan->lane_count; i++) {
		const struct kb_lane *l = &plan->lanes[i];

		if (l->state != KB_LANE_STOPPED && l->cut > l->next)
			left += l->cut - l->next;
	}
	return left;
}

void
kb_progress_tick(struct kb_progress *p, const struct kb_plan *plan,
	const struct kb_backup_totals *t)
{
	int64_t now = kb_clock_ms(), spent = now - p->started, left;
	char fetched[16], rate[16];
	double done;

	if (p->quiet ||
		now - p->last < (p->terminal ? LIVE_EVERY_MS : LINE_EVERY_MS))
		return;
	p->last = now;
	left = offsets_left(plan);
	done = p->offsets ? 1 - (double)left / (double)p->offsets : 1;
	kb_progress_size(t->fetched, fetched);
	kb_progress_size(t->fetched * 1000 / (uint64_t)(spent ? spent : 1),
		rate);
	fprintf(stderr, "%s%5.1f %%  %s fetched  %s/s  %" PRId64
		" offsets to go  ETA %.0f s%s", p->terminal ? "\r" : "",
		done * 100, fetched, rate, left,
		done > 0 ? (double)spent / 1000 * (1 - done) / done : 0.0,
		p->terminal ? "\033[K" : "\n");
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
kb_progress_finish(struct kb_progress *p, const struct kb_backup_totals *t)
{
	double s = (double)(kb_clock_ms() - p->started) / 1000;
	char raw[16], stored[16], rate[16];

	kb_progress_clear(p);
	if (p->quiet)
		return;
	kb_progress_size(t->raw, raw);
	kb_progress_size(t->stored, stored);
	kb_progress_size((uint64_t)((double)t->raw / (s > 0.001 ? s : 0.001)),
		rate);
	fprintf(stderr, "%" PRIu64 " records, %s of payload, %s stored in "
		"%" PRIu64 " segments, %.1f s, %s/s", t->records, raw, stored,
		t->segments, s, rate);
	if (t->gaps)
		fprintf(stderr, ", %" PRIu64 " gaps", t->gaps);
	if (t->problems)
		fprintf(stderr, ", %" PRIu64 " PROBLEMS", t->problems);
	fputc('\n', stderr);
}
