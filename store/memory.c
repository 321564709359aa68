/*
 * Blobs in memory: one table ordered by name under one lock. A blob's bytes
 * live as long as its name or an open handle holds them.
 */
#include "store/store.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "store/driver.h"

struct bytes {
	atomic_int holders;
	struct kb_buf buf;
};

struct entry {
	char *name;
	struct bytes *bytes;
};

struct memory {
	struct kb_store base;
	pthread_mutex_t lock;  /* guards all below */
	struct entry *entries; /* by name */
	size_t count, cap;
};

struct memory_writer {
	struct kb_blob_writer base;
	struct bytes *bytes;
};

struct memory_blob {
	struct kb_blob base;
	struct bytes *bytes;
};

static void
drop(struct bytes *b)
{
	if (!b || atomic_fetch_sub(&b->holders, 1) != 1)
		return;
	kb_buf_release(&b->buf);
	free(b);
}

/* Where name is, or would be put. Lock held. */
static size_t
position(const struct memory *m, const char *name)
{
	size_t low = 0, high = m->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strcmp(m->entries[mid].name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct entry *
find(const struct memory *m, const char *name)
{
	size_t i = position(m, name);

	if (i == m->count || strcmp(m->entries[i].name, name) != 0)
		return NULL;
	return &m->entries[i];
}

static int
no_blob(const char *name)
{
	return kb_err(-ENOENT, "memory/%s: no such object", name);
}

static void
memory_free(struct kb_store *s)
{
	struct memory *m = (struct memory *)s;

	for (size_t i = 0; i < m->count; i++) {
		free(m->entries[i].name);
		drop(m->entries[i].bytes);
	}
	free(m->entries);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

static int
memory_create(struct kb_store *s, const char *name, struct kb_blob_writer **out)
{
	struct memory_writer *w = calloc(1, sizeof(*w));

	(void)s;
	if (w)
		w->bytes = calloc(1, sizeof(*w->bytes));
	if (!w || !w->bytes) {
		free(w);
		return kb_err(-ENOMEM, "memory/%s: out of memory", name);
	}
	atomic_init(&w->bytes->holders, 1);
	*out = &w->base;
	return 0;
}

static int
memory_write(struct kb_blob_writer *base, struct kb_slice bytes)
{
	struct memory_writer *w = (struct memory_writer *)base;

	return kb_buf_put(&w->bytes->buf, bytes.data, bytes.len);
}

/* As a file system has it: a name is a blob or a directory. Lock held. */
static int
check_free(const struct memory *m, const char *name)
{
	size_t len = strlen(name);
	char part[KB_NAME_MAX];

	for (size_t i = 0; i < m->count; i++) {
		const char *other = m->entries[i].name;

		if (strncmp(other, name, len) == 0 &&
			(other[len] == '\0' || other[len] == '/'))
			return kb_err(
				-EEXIST, "memory/%s: already published", name);
	}
	for (const char *p = strchr(name, '/'); p; p = strchr(p + 1, '/')) {
		memcpy(part, name, (size_t)(p - name));
		part[p - name] = '\0';
		if (find(m, part))
			return kb_err(-ENOTDIR, "memory/%s: %s is an object",
				name, part);
	}
	return 0;
}

/* Lock held. */
static int
insert(struct memory *m, const char *name, struct bytes *bytes)
{
	size_t at = position(m, name);
	char *copy;

	if (m->count == m->cap) {
		size_t cap = m->cap ? m->cap * 2 : 16;
		void *grown = realloc(m->entries, cap * sizeof(*m->entries));

		if (!grown)
			return kb_err(-ENOMEM, "memory: out of memory");
		m->entries = grown;
		m->cap = cap;
	}
	copy = strdup(name);
	if (!copy)
		return kb_err(-ENOMEM, "memory: out of memory");
	memmove(&m->entries[at + 1], &m->entries[at],
		(m->count - at) * sizeof(*m->entries));
	m->entries[at] = (struct entry){copy, bytes};
	m->count++;
	return 0;
}

static int
memory_publish(struct kb_blob_writer *base)
{
	struct memory_writer *w = (struct memory_writer *)base;
	struct memory *m = (struct memory *)base->store;
	int r;

	pthread_mutex_lock(&m->lock);
	r = check_free(m, base->name);
	if (r == 0)
		r = insert(m, base->name, w->bytes);
	if (r == 0)
		w->bytes = NULL;
	pthread_mutex_unlock(&m->lock);
	return r;
}

static void
memory_discard(struct kb_blob_writer *base)
{
	drop(((struct memory_writer *)base)->bytes);
	free(base);
}

static int
memory_settle(struct kb_store *s, const char *name)
{
	struct memory *m = (struct memory *)s;
	bool there;

	pthread_mutex_lock(&m->lock);
	there = find(m, name) != NULL;
	pthread_mutex_unlock(&m->lock);
	return there ? 0 : no_blob(name);
}

static int
memory_open(struct kb_store *s, const char *name, struct kb_blob **out,
	uint64_t *out_size)
{
	struct memory *m = (struct memory *)s;
	struct memory_blob *b = calloc(1, sizeof(*b));
	struct entry *e;

	if (!b)
		return kb_err(-ENOMEM, "memory/%s: out of memory", name);
	pthread_mutex_lock(&m->lock);
	e = find(m, name);
	if (e) {
		b->bytes = e->bytes;
		atomic_fetch_add(&b->bytes->holders, 1);
	}
	pthread_mutex_unlock(&m->lock);
	if (!b->bytes) {
		free(b);
		return no_blob(name);
	}
	*out_size = b->bytes->buf.len;
	*out = &b->base;
	return 0;
}

static ssize_t
memory_read(struct kb_blob *base, uint64_t pos, void *out, size_t len)
{
	const struct kb_buf *buf = &((struct memory_blob *)base)->bytes->buf;

	if (pos >= buf->len || !len)
		return 0;
	if (len > buf->len - pos)
		len = (size_t)(buf->len - pos);
	memcpy(out, buf->data + pos, len);
	return (ssize_t)len;
}

static void
memory_close(struct kb_blob *base)
{
	drop(((struct memory_blob *)base)->bytes);
	free(base);
}

static int
memory_list(struct kb_store *s, const char *prefix, struct kb_names *out)
{
	struct memory *m = (struct memory *)s;
	size_t len = strlen(prefix);
	int r = 0;

	pthread_mutex_lock(&m->lock);
	for (size_t i = 0; i < m->count && r == 0; i++) {
		const char *name = m->entries[i].name;
		size_t part;

		if (len && (strncmp(name, prefix, len) || name[len] != '/'))
			continue;
		name += len ? len + 1 : 0;
		part = strcspn(name, "/");
		r = kb_names_add(out, name, part, name[part] == '/');
	}
	pthread_mutex_unlock(&m->lock);
	return r;
}

static int
memory_remove(struct kb_store *s, const char *name)
{
	struct memory *m = (struct memory *)s;
	struct entry gone = {0}, *e;

	pthread_mutex_lock(&m->lock);
	e = find(m, name);
	if (e) {
		gone = *e;
		m->count--;
		memmove(e, e + 1,
			(size_t)(m->entries + m->count - e) * sizeof(*e));
	}
	pthread_mutex_unlock(&m->lock);
	if (!gone.name)
		return no_blob(name);
	free(gone.name);
	drop(gone.bytes);
	return 0;
}

static int
memory_sweep(struct kb_store *s, bool remove, size_t *out_count)
{
	(void)s;
	(void)remove;
	*out_count = 0;
	return 0;
}

static int
memory_path(struct kb_store *s, const char *name, char **out)
{
	(void)s;
	(void)out;
	return kb_err(-EOPNOTSUPP, "memory/%s: not a file", name);
}

static const struct kb_store_driver memory_driver = {
	.free = memory_free,
	.create = memory_create,
	.write = memory_write,
	.publish = memory_publish,
	.discard = memory_discard,
	.settle = memory_settle,
	.open = memory_open,
	.read = memory_read,
	.close = memory_close,
	.list = memory_list,
	.remove = memory_remove,
	.sweep = memory_sweep,
	.path = memory_path,
};

int
kb_store_new_memory(struct kb_store **out)
{
	struct memory *m = calloc(1, sizeof(*m));

	if (m)
		m->base.name = strdup("memory");
	if (!m || !m->base.name) {
		free(m);
		return kb_err(-ENOMEM, "memory: out of memory");
	}
	m->base.driver = &memory_driver;
	pthread_mutex_init(&m->lock, NULL);
	*out = &m->base;
	return 0;
}
