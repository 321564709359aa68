/*
 * A typing error must not become a silent empty success: every pattern has to
 * pick something by itself, before the exclusions are applied.
 */
#include "backup/selection.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include "common/err.h"
#include "kafka/cluster.h"

/* Kafka's UNKNOWN_TOPIC_OR_PARTITION. */
#define UNKNOWN_TOPIC 3

static bool
is_literal(const char *pattern)
{
	return !strpbrk(pattern, "*?[");
}

static bool
matches(const char *pattern, const struct kb_metadata_topic *t)
{
	if (t->error == UNKNOWN_TOPIC)
		return false;
	if (is_literal(pattern))
		return strcmp(pattern, t->name) == 0;
	return !t->internal && fnmatch(pattern, t->name, 0) == 0;
}

static int
pick_pattern(const char *pattern, const struct kb_metadata *m, bool *picked)
{
	bool any = false;

	for (size_t i = 0; i < m->topic_count; i++) {
		if (!matches(pattern, &m->topics[i]))
			continue;
		picked[i] = true;
		any = true;
	}
	if (any)
		return 0;
	if (is_literal(pattern))
		return kb_err(-ENOENT, "topic %s: does not exist", pattern);
	return kb_err(-ENOENT,
		"-t %s: matches no topic "
		"(internal topics must be named in full)",
		pattern);
}

int
kb_selection_pick(const struct kb_selection *s, const struct kb_metadata *m,
	bool *out_picked)
{
	bool any = false;

	memset(out_picked, 0, m->topic_count * sizeof(*out_picked));
	for (size_t i = 0; i < s->topic_count; i++) {
		int r = pick_pattern(s->topics[i], m, out_picked);

		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < m->topic_count; i++) {
		for (size_t k = 0; k < s->exclude_count; k++)
			if (fnmatch(s->excludes[k], m->topics[i].name, 0) == 0)
				out_picked[i] = false;
		any = any || out_picked[i];
	}
	if (!any)
		return kb_err(-ENOENT, "--exclude leaves no topic to back up");
	return 0;
}
