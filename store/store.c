/*
 * The front of every store: names are checked here once, a failed writer is
 * kept failed here, listings are sorted here, so that drivers only move
 * bytes. See driver.h.
 */
#include "store/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "store/driver.h"

/* Length of the part at p when it is a good one, else 0. */
static size_t
part_length(const char *p)
{
	size_t n =
		strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			  "0123456789._-");

	if ((n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
		return 0;
	return p[n] == '/' || p[n] == '\0' ? n : 0;
}

static int
check_name(const char *name)
{
	const char *p = name;
	size_t first = part_length(name), n = first;

	if (strlen(name) >= KB_NAME_MAX)
		return kb_err(-EINVAL, "%.60s...: object name too long", name);
	if (first == strlen(KB_STORE_TEMP) &&
		strncmp(name, KB_STORE_TEMP, first) == 0)
		return kb_err(
			-EINVAL, "%s: reserved for temporary files", name);
	for (; n && p[n] == '/'; n = part_length(p))
		p += n + 1;
	if (!n)
		return kb_err(-EINVAL, "\"%s\": not an object name", name);
	return 0;
}

void
kb_store_free(struct kb_store *s)
{
	char *name;

	if (!s)
		return;
	name = s->name;
	s->driver->free(s);
	free(name);
}

const char *
kb_store_name(const struct kb_store *s)
{
	return s->name;
}

int
kb_store_create(
	struct kb_store *s, const char *name, struct kb_blob_writer **out)
{
	struct kb_blob_writer *w = NULL;
	int r = check_name(name);

	if (r < 0)
		return r;
	r = s->driver->create(s, name, &w);
	if (r < 0)
		return r;
	w->store = s;
	strcpy(w->name, name);
	w->written = 0;
	w->failed.code = 0;
	*out = w;
	return 0;
}

int
kb_blob_write(struct kb_blob_writer *w, struct kb_slice bytes)
{
	int r;

	if (w->failed.code)
		return kb_failure_raise(&w->failed);
	r = bytes.len ? w->store->driver->write(w, bytes) : 0;
	if (r < 0)
		kb_failure_take(&w->failed, r);
	else
		w->written += bytes.len;
	return r;
}

uint64_t
kb_blob_written(const struct kb_blob_writer *w)
{
	return w->written;
}

int
kb_blob_publish(struct kb_blob_writer *w)
{
	int r = w->failed.code ? kb_failure_raise(&w->failed)
			       : w->store->driver->publish(w);

	w->store->driver->discard(w);
	return r;
}

int
kb_store_settle(struct kb_store *s, const char *name)
{
	int r = check_name(name);

	return r < 0 ? r : s->driver->settle(s, name);
}

void
kb_blob_abandon(struct kb_blob_writer *w)
{
	if (w)
		w->store->driver->discard(w);
}

int
kb_store_open(struct kb_store *s, const char *name, struct kb_blob **out,
	uint64_t *out_size)
{
	struct kb_blob *b = NULL;
	uint64_t size;
	int r = check_name(name);

	if (r < 0)
		return r;
	r = s->driver->open(s, name, &b, &size);
	if (r < 0)
		return r;
	b->store = s;
	strcpy(b->name, name);
	if (out_size)
		*out_size = size;
	*out = b;
	return 0;
}

ssize_t
kb_blob_read(struct kb_blob *b, uint64_t pos, void *out, size_t len)
{
	return b->store->driver->read(b, pos, out, len);
}

void
kb_blob_close(struct kb_blob *b)
{
	if (b)
		b->store->driver->close(b);
}

int
kb_store_read_all(
	struct kb_store *s, const char *name, size_t max, struct kb_buf *out)
{
	struct kb_blob *b;
	uint64_t size;
	ssize_t n;
	int r = kb_store_open(s, name, &b, &size);

	if (r < 0)
		return r;
	if (size > max) {
		r = kb_err(-EFBIG, "%s/%s: more than %zu bytes", s->name, name,
			max);
		goto out;
	}
	r = kb_buf_reserve(out, (size_t)size);
	if (r < 0)
		goto out;
	n = size ? kb_blob_read(b, 0, out->data + out->len, (size_t)size) : 0;
	if (n < 0)
		r = (int)n;
	else
		out->len += (size_t)n;
out:
	kb_blob_close(b);
	return r;
}

int
kb_store_list(struct kb_store *s, const char *prefix,
	int (*each)(void *ctx, const char *name, bool is_dir), void *ctx)
{
	struct kb_names names = {0};
	int r = *prefix ? check_name(prefix) : 0;

	if (r < 0)
		return r;
	r = s->driver->list(s, prefix, &names);
	if (r < 0)
		goto out;
	kb_names_sort(&names);
	for (size_t i = 0; i < kb_names_count(&names) && r == 0; i++) {
		bool is_dir;
		const char *name = kb_names_get(&names, i, &is_dir);

		if (*prefix || strcmp(name, KB_STORE_TEMP) != 0)
			r = each(ctx, name, is_dir);
	}
out:
	kb_names_release(&names);
	return r;
}

int
kb_store_remove(struct kb_store *s, const char *name)
{
	int r = check_name(name);

	return r < 0 ? r : s->driver->remove(s, name);
}

int
kb_store_sweep(struct kb_store *s, size_t *out_count)
{
	size_t count = 0;
	int r = s->driver->sweep(s, true, &count);

	if (r == 0 && out_count)
		*out_count = count;
	return r;
}

int
kb_store_count_leftovers(struct kb_store *s, size_t *out_count)
{
	*out_count = 0;
	return s->driver->sweep(s, false, out_count);
}

int
kb_store_path(struct kb_store *s, const char *name, char **out)
{
	int r = check_name(name);

	return r < 0 ? r : s->driver->path(s, name, out);
}
