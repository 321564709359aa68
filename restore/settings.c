/*
 * A table of patterns says what is left out, another what is put in its place.
 * The way back is not a table but the difference of two lists of settings, so
 * it is right whatever was chosen.
 */
#include "restore/settings.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/err.h"
#include "kafka/admin.h"
#include "store/meta.h"

/* What deletes old records, refuses or alters them, or slows them down. */
static const char *const left_out[] = {
	"retention.*",
	"message.timestamp.*",
	"*.throttled.replicas",
};

#define FOREVER "9223372036854775807"

static const struct kb_admin_setting put_in[][5] = {
	[KB_LIMITS_BEFORE_AFTER] =
		{
			{"retention.ms", "-1"},
			{"retention.bytes", "-1"},
			{"message.timestamp.type", "CreateTime"},
			{"message.timestamp.before.max.ms", FOREVER},
			{"message.timestamp.after.max.ms", FOREVER},
		},
	[KB_LIMITS_DIFFERENCE] =
		{
			{"retention.ms", "-1"},
			{"retention.bytes", "-1"},
			{"message.timestamp.type", "CreateTime"},
			{"message.timestamp.difference.max.ms", FOREVER},
		},
};

#define PUT_IN_MAX (sizeof(put_in[0]) / sizeof(put_in[0][0]))

void
kb_settings_release(struct kb_settings *s)
{
	free(s->items);
	*s = (struct kb_settings){0};
}

static bool
is_kept(const struct kb_meta_setting *s, int32_t replication)
{
	const size_t count = sizeof(left_out) / sizeof(*left_out);
	int32_t most = replication < 0 ? 1 : replication;

	for (size_t i = 0; i < count; i++) {
		if (fnmatch(left_out[i], s->name, 0) == 0)
			return false;
	}
	return strcmp(s->name, "min.insync.replicas") != 0 ||
	       strtol(s->value, NULL, 10) <= most;
}

static void
add(struct kb_settings *s, const char *name, const char *value)
{
	s->items[s->count++] = (struct kb_admin_setting){name, value};
}

int
kb_settings_choose(const struct kb_meta *meta, int32_t replication, bool exact,
	enum kb_settings_limits limits, struct kb_settings *out)
{
	size_t known = meta ? meta->setting_count : 0;

	*out = (struct kb_settings){0};
	out->items = calloc(known + PUT_IN_MAX, sizeof(*out->items));
	if (!out->items)
		return kb_err(-ENOMEM, "out of memory");
	for (size_t i = 0; i < known; i++) {
		const struct kb_meta_setting *s = &meta->settings[i];

		if (exact || is_kept(s, replication))
			add(out, s->name, s->value);
	}
	for (size_t i = 0; !exact && i < PUT_IN_MAX; i++) {
		const struct kb_admin_setting *s = &put_in[limits][i];

		if (s->name)
			add(out, s->name, s->value);
	}
	return 0;
}

/* ---- the way back ---- */

/* Appends text inside single quotes of a shell. */
static int
put_quoted(struct kb_buf *out, const char *text)
{
	int r = 0;

	for (; *text && r == 0; text++) {
		if (*text == '\'')
			r = kb_buf_put(out, "'\\''", 4);
		else
			r = kb_buf_put(out, text, 1);
	}
	return r;
}

/* Begins an option at its first item; then one comma between items. */
static int
put_item(struct kb_buf *out, const char *option, size_t *items)
{
	if ((*items)++)
		return kb_buf_put(out, ",", 1);
	return kb_buf_printf(out, " %s '", option);
}

/* name=value, or name=[a,b] for a list. */
static int
put_setting(struct kb_buf *out, const struct kb_meta_setting *s)
{
	bool list = strchr(s->value, ',') != NULL;
	int r = put_quoted(out, s->name);

	if (r == 0)
		r = kb_buf_printf(out, "=%s", list ? "[" : "");
	if (r == 0)
		r = put_quoted(out, s->value);
	if (r == 0 && list)
		r = kb_buf_put(out, "]", 1);
	return r;
}

static int
put_originals(const struct kb_meta *meta, const struct kb_settings *chosen,
	struct kb_buf *out)
{
	size_t items = 0;
	int r = 0;

	for (size_t i = 0; meta && i < meta->setting_count && r == 0; i++) {
		const struct kb_meta_setting *s = &meta->settings[i];
		bool same = false;

		for (size_t k = 0; k < chosen->count && !same; k++)
			same = strcmp(chosen->items[k].name, s->name) == 0 &&
			       strcmp(chosen->items[k].value, s->value) == 0;
		if (same)
			continue;
		r = put_item(out, "--add-config", &items);
		if (r == 0)
			r = put_setting(out, s);
	}
	return r == 0 && items ? kb_buf_put(out, "'", 1) : r;
}

static int
put_deletions(const struct kb_meta *meta, const struct kb_settings *chosen,
	struct kb_buf *out)
{
	size_t items = 0;
	int r = 0;

	for (size_t k = 0; k < chosen->count && r == 0; k++) {
		const char *name = chosen->items[k].name;
		bool known = false;

		for (size_t i = 0; meta && i < meta->setting_count && !known;
			i++)
			known = strcmp(meta->settings[i].name, name) == 0;
		if (known)
			continue;
		r = put_item(out, "--delete-config", &items);
		if (r == 0)
			r = put_quoted(out, name);
	}
	return r == 0 && items ? kb_buf_put(out, "'", 1) : r;
}

int
kb_settings_undo(const struct kb_meta *meta, const struct kb_settings *chosen,
	struct kb_buf *out)
{
	int r = put_originals(meta, chosen, out);

	return r < 0 ? r : put_deletions(meta, chosen, out);
}
