/*
 * The small JSON objects of a repository, read with suspicion. Each ends with
 * its own checksum, "sha256": that of the object without this key, compact and
 * with sorted keys, as `jq -cjS 'del(.sha256)'` prints it.
 */
#ifndef KB_STORE_DOCUMENT_H
#define KB_STORE_DOCUMENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kb_store;

/* No such object is larger. */
#define KB_DOCUMENT_MAX (4 << 20)

/*
 * A blob as a JSON object; the caller gives it to json_decref(). -ENOENT;
 * -EBADMSG: damaged, not an object, or too large.
 */
int
kb_document_read(struct kb_store *s, const char *name, json_t **out);

/* The same, but the checksum is left for kb_document_check(). */
int
kb_document_load(struct kb_store *s, const char *name, json_t **out);
int
kb_document_check(const char *name, json_t *o);

/* Adds or renews the checksum. -ENOMEM. */
int
kb_document_seal(json_t *o);

/*
 * Fields. -EBADMSG with `name` and the key in the sentence: missing, of
 * another type, or out of bounds.
 */
int
kb_document_int(const char *name, const json_t *o, const char *key, int64_t min,
	int64_t max, int64_t *out);
int
kb_document_bool(const char *name, const json_t *o, const char *key, bool *out);
/* A copy of at most size - 1 bytes. */
int
kb_document_text(const char *name, const json_t *o, const char *key,
	size_t size, char *out);
/* ISO 8601, in ms. */
int
kb_document_time(
	const char *name, const json_t *o, const char *key, int64_t *out);

/* A string of ms in ISO 8601; NULL without memory. */
json_t *
kb_document_of_time(int64_t ms);

/* A string; what is not UTF-8 in it becomes '?'. NULL without memory. */
json_t *
kb_document_of_text(const char *text);

/*
 * Seals and publishes o, which is taken (NULL: -ENOMEM), one key a line. As
 * kb_blob_publish().
 */
int
kb_document_publish(struct kb_store *s, const char *name, json_t *o);

/* The highest n of `<dir>/<n>.json`; 0: none. */
int
kb_document_newest(struct kb_store *s, const char *dir, uint64_t *out_n);

/*
 * Publishes o, which is taken, as `<dir>/<n>.json`, n being the next free
 * number, also when others do the same.
 */
int
kb_document_publish_next(
	struct kb_store *s, const char *dir, json_t *o, uint64_t *out_n);

#endif
