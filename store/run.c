/* One object a finished run, numbered in the order of publication. */
#include "store/run.h"

#include <inttypes.h>
#include <stdio.h>

#include "store/document.h"
#include "store/layout.h"

int
kb_run_publish(struct kb_store *s, const struct kb_run *run, uint64_t *out_n)
{
	return kb_document_publish_next(s, "runs",
		json_pack("{s:o, s:o, s:b, s:I, s:I, s:I}", "started",
			kb_document_of_time(run->started), "ended",
			kb_document_of_time(run->ended), "complete",
			run->complete, "records", (json_int_t)run->records,
			"bytes", (json_int_t)run->bytes, "problems",
			(json_int_t)run->problems),
		out_n);
}

static int
read_count(const char *name, const json_t *o, const char *key, uint64_t *out)
{
	int64_t n;
	int r = kb_document_int(name, o, key, 0, INT64_MAX, &n);

	if (r == 0)
		*out = (uint64_t)n;
	return r;
}

static int
read_fields(const char *name, const json_t *o, struct kb_run *run)
{
	int r = kb_document_time(name, o, "started", &run->started);

	if (r == 0)
		r = kb_document_time(name, o, "ended", &run->ended);
	if (r == 0)
		r = kb_document_bool(name, o, "complete", &run->complete);
	if (r == 0)
		r = read_count(name, o, "records", &run->records);
	if (r == 0)
		r = read_count(name, o, "bytes", &run->bytes);
	if (r == 0)
		r = read_count(name, o, "problems", &run->problems);
	return r;
}

int
kb_run_read(struct kb_store *s, uint64_t n, struct kb_run *out)
{
	char name[KB_NAME_MAX];
	struct kb_run run;
	json_t *o;
	int r;

	snprintf(name, sizeof(name), "runs/%" PRIu64 ".json", n);
	r = kb_document_read(s, name, &o);
	if (r < 0)
		return r;
	r = read_fields(name, o, &run);
	if (r == 0)
		*out = run;
	json_decref(o);
	return r;
}
