/*
 * A gap says in its name what it covers and in its content why. Both give the
 * offsets: a gap whose two disagree is damaged.
 */
#include "store/gap.h"

#include <errno.h>
#include <string.h>

#include "common/err.h"
#include "store/document.h"

static const char *const reasons[] = {
	[KB_GAP_NOT_ASKED] = "not-asked",
	[KB_GAP_RETENTION] = "retention",
	[KB_GAP_TRUNCATED] = "truncated",
	[KB_GAP_DAMAGED] = "damaged",
	[KB_GAP_DELETED] = "deleted",
};

#define REASONS (sizeof(reasons) / sizeof(*reasons))

const char *
kb_gap_reason_name(enum kb_gap_reason reason)
{
	return (size_t)reason < REASONS ? reasons[reason] : "unknown";
}

int
kb_gap_publish(struct kb_store *s, const struct kb_topic_ref *t,
	int32_t partition, const struct kb_gap *gap)
{
	char name[KB_NAME_MAX];

	kb_layout_gap(name, t, partition, gap->start, gap->end);
	return kb_document_publish(s, name,
		json_pack("{s:I, s:I, s:s, s:o, s:o}", "start",
			(json_int_t)gap->start, "end", (json_int_t)gap->end,
			"reason", kb_gap_reason_name(gap->reason), "noticed",
			kb_document_of_time(gap->noticed), "detail",
			kb_document_of_text(gap->detail)));
}

static int
read_reason(const char *name, const json_t *o, enum kb_gap_reason *out)
{
	char text[32];
	int r = kb_document_text(name, o, "reason", sizeof(text), text);

	if (r < 0)
		return r;
	for (size_t i = 0; i < REASONS; i++) {
		if (strcmp(text, reasons[i]) == 0) {
			*out = (enum kb_gap_reason)i;
			return 0;
		}
	}
	return kb_err(
		-EBADMSG, "%s: damaged: unknown reason \"%s\"", name, text);
}

static int
read_fields(const char *name, const json_t *o, struct kb_gap *g)
{
	int r = kb_document_int(name, o, "start", 0, INT64_MAX, &g->start);

	if (r == 0)
		r = kb_document_int(name, o, "end", 0, INT64_MAX, &g->end);
	if (r == 0)
		r = read_reason(name, o, &g->reason);
	if (r == 0)
		r = kb_document_time(name, o, "noticed", &g->noticed);
	if (r == 0)
		r = kb_document_text(
			name, o, "detail", sizeof(g->detail), g->detail);
	return r;
}

int
kb_gap_read(struct kb_store *s, const char *name, struct kb_gap *out)
{
	const char *slash = strrchr(name, '/');
	struct kb_layout_object named;
	struct kb_gap g;
	json_t *o;
	int r;

	if (kb_layout_read_object(slash ? slash + 1 : name, &named) < 0 ||
		!named.is_gap)
		return kb_err(-EBADMSG, "%s: not the name of a gap", name);
	r = kb_document_read(s, name, &o);
	if (r < 0)
		return r;
	r = read_fields(name, o, &g);
	if (r == 0 && (g.start != named.start || g.end != named.end))
		r = kb_err(-EBADMSG,
			"%s: damaged: its offsets are not those of its name",
			name);
	if (r == 0)
		*out = g;
	json_decref(o);
	return r;
}
