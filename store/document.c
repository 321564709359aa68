/*
 * Everything read is taken for hostile: sizes are bounded before memory is
 * used, duplicate keys are refused, every number is compared with what it may
 * be. Unknown keys are passed over: a writer that needs a reader to know one
 * names a feature in the descriptor.
 */
#include "store/document.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/sha256.h"
#include "store/layout.h"
#include "store/store.h"

#define CHECKSUM "sha256"

int
kb_document_load(struct kb_store *s, const char *name, json_t **out)
{
	struct kb_buf b = {0};
	json_error_t e;
	json_t *o;
	int r = kb_store_read_all(s, name, KB_DOCUMENT_MAX, &b);

	if (r == -EFBIG)
		r = kb_err(-EBADMSG, "%s/%s: too large to be what it should be",
			kb_store_name(s), name);
	if (r < 0)
		goto out;
	if (!b.len || b.data[b.len - 1] != '\n') {
		r = kb_err(-EBADMSG, "%s/%s: damaged: cut off",
			kb_store_name(s), name);
		goto out;
	}
	o = json_loadb((const char *)b.data, b.len, JSON_REJECT_DUPLICATES, &e);
	if (!o) {
		r = kb_err(-EBADMSG, "%s/%s: damaged: line %d, column %d: %s",
			kb_store_name(s), name, e.line, e.column, e.text);
	} else if (!json_is_object(o)) {
		r = kb_err(-EBADMSG, "%s/%s: damaged: not a JSON object",
			kb_store_name(s), name);
		json_decref(o);
	} else {
		*out = o;
	}
out:
	kb_buf_release(&b);
	return r;
}

static int
digest(const char *text, size_t len, void *hash)
{
	kb_sha256_add(hash, text, len);
	return 0;
}

/* Of what o holds beside the checksum. 0 or -1. */
static int
checksum(json_t *o, char out[KB_SHA256_TEXT])
{
	uint8_t sum[KB_SHA256_SIZE];
	struct kb_sha256 *hash;
	json_t *rest = json_copy(o);
	int r = -1;

	if (!rest || kb_sha256_new(&hash) < 0) {
		json_decref(rest);
		return -1;
	}
	json_object_del(rest, CHECKSUM);
	r = json_dump_callback(
		rest, digest, hash, JSON_COMPACT | JSON_SORT_KEYS);
	kb_sha256_finish(hash, sum);
	kb_sha256_format(sum, out);
	kb_sha256_free(hash);
	json_decref(rest);
	return r;
}

int
kb_document_check(const char *name, json_t *o)
{
	char is[KB_SHA256_TEXT], should[KB_SHA256_TEXT];
	int r = kb_document_text(name, o, CHECKSUM, sizeof(should), should);

	if (r < 0)
		return r;
	if (checksum(o, is) < 0)
		return kb_err(-ENOMEM, "%s: out of memory", name);
	if (strcmp(is, should) != 0)
		return kb_err(-EBADMSG,
			"%s: damaged: its checksum is %.12s..., its content "
			"gives %.12s...",
			name, should, is);
	return 0;
}

int
kb_document_seal(json_t *o)
{
	char sum[KB_SHA256_TEXT];

	if (checksum(o, sum) < 0 ||
		json_object_set_new(o, CHECKSUM, json_string(sum)) < 0)
		return kb_err(-ENOMEM, "out of memory");
	return 0;
}

int
kb_document_read(struct kb_store *s, const char *name, json_t **out)
{
	json_t *o;
	int r = kb_document_load(s, name, &o);

	if (r < 0)
		return r;
	r = kb_document_check(name, o);
	if (r < 0)
		json_decref(o);
	else
		*out = o;
	return r;
}

static int
bad(const char *name, const char *key, const char *reason)
{
	return kb_err(-EBADMSG, "%s: damaged: \"%s\" %s", name, key, reason);
}

int
kb_document_int(const char *name, const json_t *o, const char *key, int64_t min,
	int64_t max, int64_t *out)
{
	const json_t *v = json_object_get(o, key);
	json_int_t n;

	if (!json_is_integer(v))
		return bad(name, key, "is not there or not a whole number");
	n = json_integer_value(v);
	if (n < min || n > max)
		return bad(name, key, "is out of range");
	*out = n;
	return 0;
}

int
kb_document_bool(const char *name, const json_t *o, const char *key, bool *out)
{
	const json_t *v = json_object_get(o, key);

	if (!json_is_boolean(v))
		return bad(name, key, "is neither true nor false");
	*out = json_is_true(v);
	return 0;
}

int
kb_document_text(const char *name, const json_t *o, const char *key,
	size_t size, char *out)
{
	const json_t *v = json_object_get(o, key);

	if (!json_is_string(v))
		return bad(name, key, "is not there or not a string");
	if (json_string_length(v) >= size)
		return bad(name, key, "is too long");
	memcpy(out, json_string_value(v), json_string_length(v) + 1);
	return 0;
}

int
kb_document_time(
	const char *name, const json_t *o, const char *key, int64_t *out)
{
	char text[KB_CLOCK_TEXT];
	int r = kb_document_text(name, o, key, sizeof(text), text);

	if (r < 0)
		return r;
	if (strcmp(text, "-") == 0) {
		*out = -1;
		return 0;
	}
	return kb_clock_parse(text, out) < 0 ? bad(name, key, "is no time") : 0;
}

json_t *
kb_document_of_time(int64_t ms)
{
	char text[KB_CLOCK_TEXT];

	kb_clock_format(ms, text);
	return json_string(text);
}

json_t *
kb_document_of_text(const char *text)
{
	json_t *o = json_string(text);
	char *copy;

	if (o)
		return o;
	copy = strdup(text);
	if (!copy)
		return NULL;
	for (char *p = copy; *p; p++) {
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	}
	o = json_string(copy);
	free(copy);
	return o;
}

static int
append(const char *text, size_t len, void *out)
{
	return kb_buf_put(out, text, len);
}

/* o is borrowed. */
static int
publish(struct kb_store *s, const char *name, json_t *o)
{
	struct kb_blob_writer *w;
	struct kb_buf b = {0};
	int r;

	if (kb_document_seal(o) < 0 ||
		json_dump_callback(o, append, &b, JSON_INDENT(1)) < 0 ||
		kb_buf_put(&b, "\n", 1) < 0)
		r = kb_err(-ENOMEM, "%s: out of memory", name);
	else
		r = kb_store_create(s, name, &w);
	if (r == 0) {
		kb_blob_write(w, kb_buf_slice(&b));
		r = kb_blob_publish(w); /* says what the write said */
	}
	kb_buf_release(&b);
	return r;
}

int
kb_document_publish(struct kb_store *s, const char *name, json_t *o)
{
	int r = o ? publish(s, name, o)
		  : kb_err(-ENOMEM, "%s: out of memory", name);

	json_decref(o);
	return r;
}

static int
see_number(void *ctx, const char *name, bool is_dir)
{
	uint64_t *newest = ctx, n;

	if (!is_dir && kb_layout_read_meta(name, &n) == 0 && n > *newest)
		*newest = n;
	return 0;
}

int
kb_document_newest(struct kb_store *s, const char *dir, uint64_t *out_n)
{
	uint64_t newest = 0;
	int r = kb_store_list(s, dir, see_number, &newest);

	if (r == 0)
		*out_n = newest;
	return r;
}

int
kb_document_publish_next(
	struct kb_store *s, const char *dir, json_t *o, uint64_t *out_n)
{
	char name[KB_NAME_MAX];
	uint64_t n = 0;
	int r = kb_document_newest(s, dir, &n);

	if (!o)
		r = kb_err(-ENOMEM, "%s: out of memory", dir);
	while (r == 0) {
		snprintf(name, sizeof(name), "%s/%" PRIu64 ".json", dir, ++n);
		r = publish(s, name, o);
		if (r == 0)
			*out_n = n;
		if (r != -EEXIST)
			break;
		r = 0;
	}
	json_decref(o);
	return r;
}
