/*
 * Names are parsed by hand, strictly: a name that is understood differently
 * from what its reader meant would show the wrong records.
 */
#include "fs/filename.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "fs/instant.h"
#include "fs/selector.h"

#define EXT ".jsonl"
#define EXT_LEN (sizeof(EXT) - 1)
#define LATEST "latest"
#define RSYNC_LEN 7 /* of ".XXXXXX" */
#define DIGITS_MAX 20

void
kb_filename_format(char out[KB_FILE_NAME_MAX], int64_t first, int64_t last)
{
	snprintf(out, KB_FILE_NAME_MAX, "%020" PRId64 "-%020" PRId64 EXT, first,
		last);
}

/* The number at *at, which then stands behind it. */
static int
read_number(const char **at, int64_t *out)
{
	const char *p = *at;
	int64_t v = 0;

	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(v, 10, &v) ||
			__builtin_add_overflow(v, *p - '0', &v))
			return -ENOENT;
	if (p == *at || p - *at > DIGITS_MAX)
		return -ENOENT;
	*at = p;
	*out = v;
	return 0;
}

/* `a-b`, `n`, `a-`, `-b`; the name goes on behind it. */
static int
read_offsets(const char **at, struct kb_selector *out)
{
	bool from_start = **at == '-';

	out->kind = KB_SELECT_OFFSETS;
	out->first = 0;
	out->last = KB_OFFSET_MAX;
	if (!from_start) {
		if (read_number(at, &out->first) < 0)
			return -ENOENT;
		if (**at != '-')
			out->last = out->first;
	}
	if (**at == '-') {
		(*at)++;
		if ((from_start || (**at >= '0' && **at <= '9')) &&
			read_number(at, &out->last) < 0)
			return -ENOENT;
	}
	return out->first <= out->last && out->last <= KB_OFFSET_MAX ? 0
								     : -ENOENT;
}

static int
read_form(const char *at, enum kb_form *out)
{
	static const char *const forms[] = {[KB_FORM_JSONL] = EXT,
		[KB_FORM_VALUES] = ".values",
		[KB_FORM_LOG] = ".log"};

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		if (strcmp(at, forms[i]) == 0) {
			*out = (enum kb_form)i;
			return 0;
		}
	}
	return -ENOENT;
}

int
kb_filename_read(const char *name, struct kb_selector *out)
{
	struct kb_selector s = kb_selector_offsets(0, KB_OFFSET_MAX);

	if (strncmp(name, LATEST, strlen(LATEST)) == 0) {
		s.kind = KB_SELECT_LATEST;
		name += strlen(LATEST);
	} else if (kb_instant_read_period(&name, &s.period) == 0) {
		s.kind = KB_SELECT_OFFSETS;
	} else if (read_offsets(&name, &s) < 0) {
		return -ENOENT;
	}
	if (read_form(name, &s.form) < 0)
		return -ENOENT;
	*out = s;
	return 0;
}

int
kb_filename_read_partition(const char *name, int32_t *out)
{
	const char *at = name;
	int64_t v;

	if (read_number(&at, &v) < 0 || *at || v > INT32_MAX)
		return -ENOENT;
	if (name[0] == '0' && name[1])
		return -ENOENT;
	*out = (int32_t)v;
	return 0;
}

static bool
ends_in_ext(const char *name, size_t len)
{
	return len > EXT_LEN && memcmp(name + len - EXT_LEN, EXT, EXT_LEN) == 0;
}

int
kb_filename_read_restored(
	const char *name, char final[KB_RESTORE_NAME_MAX], bool *out_temporary)
{
	size_t len = strlen(name);
	bool temporary = false;

	if (len >= KB_RESTORE_NAME_MAX)
		return kb_err(
			-ENAMETOOLONG, "%.40s...: the name is too long", name);
	if (name[0] == '.' && len > 1 + RSYNC_LEN &&
		name[len - RSYNC_LEN] == '.' &&
		ends_in_ext(name + 1, len - 1 - RSYNC_LEN)) {
		temporary = true;
		name++;
		len -= 1 + RSYNC_LEN;
	}
	if (!ends_in_ext(name, len))
		return kb_err(-EINVAL, "%s: files to restore are named *.jsonl",
			name);
	memcpy(final, name, len);
	final[len] = '\0';
	*out_temporary = temporary;
	return 0;
}
