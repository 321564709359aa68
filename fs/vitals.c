/*
 * Counters that requests add to without a lock, and what others know, asked
 * for when somebody looks.
 */
#include "fs/vitals.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/histogram.h"
#include "format/escape.h"
#include "fs/cache.h"
#include "fs/sources.h"
#include "index/index.h"

/* Lengths are multiples of it. */
#define FILL 1024

struct kb_vitals {
	char *path;
	char *uuid;
	struct kb_index *index;
	struct kb_sources *sources;
	int64_t started; /* ms, UTC */
	int64_t since;	 /* the same by the clock */
	atomic_int open;
	struct kb_histogram answered[KB_VITALS]; /* us */
};

static const char *const names[KB_VITALS] = {
	"lookup",
	"getattr",
	"getxattr",
	"opendir",
	"readdir",
	"open",
	"read",
	"create",
	"write",
	"flush",
};

int
kb_vitals_new(const char *path, const char *uuid, struct kb_index *index,
	struct kb_sources *sources, struct kb_vitals **out)
{
	struct kb_vitals *v = calloc(1, sizeof(*v));

	if (v) {
		v->path = strdup(path);
		v->uuid = strdup(uuid);
	}
	if (!v || !v->path || !v->uuid) {
		kb_vitals_free(v);
		return kb_err(-ENOMEM, "mount: out of memory");
	}
	v->index = index;
	v->sources = sources;
	v->started = kb_clock_wall_ms();
	v->since = kb_clock_ms();
	*out = v;
	return 0;
}

void
kb_vitals_free(struct kb_vitals *v)
{
	if (!v)
		return;
	free(v->path);
	free(v->uuid);
	free(v);
}

void
kb_vitals_answered(struct kb_vitals *v, enum kb_vital kind, int64_t us)
{
	kb_histogram_add(&v->answered[kind], us);
}

void
kb_vitals_opened(struct kb_vitals *v, int change)
{
	atomic_fetch_add(&v->open, change);
}

/* Resident memory, bytes; 0 when it cannot be known. */
static uint64_t
resident(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	uint64_t pages = 0;

	if (!f)
		return 0;
	if (fscanf(f, "%*u %" SCNu64, &pages) != 1)
		pages = 0;
	fclose(f);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static int
put_string(struct kb_buf *out, const char *s)
{
	size_t n = strlen(s);
	char *at;
	int r = kb_buf_reserve(out, 6 * n + KB_ESCAPE_SLACK);

	if (r < 0)
		return r;
	at = kb_escape_put((char *)out->data + out->len, (const uint8_t *)s, n);
	out->len = (size_t)(at - (char *)out->data);
	return 0;
}

static int
put_mount(struct kb_vitals *v, struct kb_buf *out)
{
	char since[KB_CLOCK_TEXT];
	uint64_t generation;
	size_t files;
	int r;

	kb_clock_format(v->started, since);
	kb_index_shape(v->index, &generation, &files);
	r = kb_buf_printf(out, "{\n  \"repository\": \"");
	if (r == 0)
		r = put_string(out, v->path);
	if (r == 0)
		r = kb_buf_printf(out,
			"\",\n  \"uuid\": \"%s\",\n  \"version\": \"%s\",\n"
			"  \"mounted\": \"%s\",\n  \"uptime_s\": %" PRId64
			",\n  \"rss\": %" PRIu64 ",\n  \"open_files\": %d,\n"
			"  \"index\": {\"generation\": %" PRIu64
			", \"files\": %zu},\n",
			v->uuid, KB_VERSION, since,
			(kb_clock_ms() - v->since) / 1000, resident(),
			atomic_load(&v->open), generation, files);
	return r;
}

static int
put_cache(struct kb_vitals *v, struct kb_buf *out)
{
	struct kb_cache_counts c;
	uint64_t asked;

	kb_sources_count(v->sources, &c);
	asked = c.hits + c.misses;
	return kb_buf_printf(out,
		"  \"cache\": {\"budget\": %zu, \"used\": %zu, \"texts\": %zu, "
		"\"hits\": %" PRIu64 ", \"misses\": %" PRIu64
		", \"hit_rate\": %.3f, \"ahead\": %" PRIu64
		", \"evictions\": %" PRIu64 "},\n",
		c.budget, c.used, c.texts, c.hits, c.misses,
		asked ? (double)c.hits / (double)asked : 0.0, c.ahead,
		c.evictions);
}

static int
put_requests(struct kb_vitals *v, struct kb_buf *out)
{
	int r = kb_buf_printf(out, "  \"requests\": {");

	for (int i = 0; r == 0 && i < KB_VITALS; i++) {
		const struct kb_histogram *h = &v->answered[i];

		r = kb_buf_printf(out,
			"%s\n    \"%s\": {\"count\": %" PRIu64
			", \"p50_us\": %" PRIu64 ", \"p99_us\": %" PRIu64 "}",
			i ? "," : "", names[i], kb_histogram_count(h),
			kb_histogram_quantile(h, 0.5),
			kb_histogram_quantile(h, 0.99));
	}
	return r < 0 ? r : kb_buf_printf(out, "\n  }\n}");
}

/* Blanks up to the next full length, then a newline. */
static int
fill_up(struct kb_buf *out, size_t from)
{
	size_t blanks = FILL - 1 - (out->len - from) % FILL;
	int r = kb_buf_reserve(out, blanks + 1);

	if (r < 0)
		return r;
	memset(out->data + out->len, ' ', blanks);
	out->len += blanks;
	return kb_buf_put(out, "\n", 1);
}

int
kb_vitals_render(struct kb_vitals *v, struct kb_buf *out)
{
	size_t from = out->len;
	int r = put_mount(v, out);

	if (r == 0)
		r = put_cache(v, out);
	if (r == 0)
		r = put_requests(v, out);
	if (r == 0)
		r = fill_up(out, from);
	return r < 0 ? kb_err(r, "@status: out of memory") : 0;
}
