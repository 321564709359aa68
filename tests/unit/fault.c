/* Every call is counted, then failed or handed to the store below. */
#include "fault.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "store/driver.h"

struct fault {
	struct kb_store base;
	struct kb_store *inner;
	struct kb_fault *plan;
};

struct fault_writer {
	struct kb_blob_writer base;
	struct kb_blob_writer *inner; /* NULL once published */
};

struct fault_blob {
	struct kb_blob base;
	struct kb_blob *inner;
};

static struct fault *
of(struct kb_store *s)
{
	return (struct fault *)s;
}

static int
pass(struct kb_store *s, enum kb_fault_call call, const char *name)
{
	struct kb_fault *p = of(s)->plan;
	int n = atomic_fetch_add(&p->seen[call], 1) + 1;

	if (n != p->fail_at[call])
		return 0;
	return kb_err(p->code[call], "%s: told to fail: %s", name,
		strerror(-p->code[call]));
}

static void
fault_free(struct kb_store *s)
{
	kb_store_free(of(s)->inner);
	free(s);
}

static int
fault_create(struct kb_store *s, const char *name, struct kb_blob_writer **out)
{
	int r = pass(s, KB_FAULT_CREATE, name);
	struct fault_writer *w;

	if (r < 0)
		return r;
	w = calloc(1, sizeof(*w));
	if (!w)
		return kb_err(-ENOMEM, "out of memory");
	r = kb_store_create(of(s)->inner, name, &w->inner);
	if (r < 0)
		free(w);
	else
		*out = &w->base;
	return r;
}

static int
fault_write(struct kb_blob_writer *base, struct kb_slice bytes)
{
	int r = pass(base->store, KB_FAULT_WRITE, base->name);

	if (r < 0)
		return r;
	return kb_blob_write(((struct fault_writer *)base)->inner, bytes);
}

static int
fault_publish(struct kb_blob_writer *base)
{
	struct fault_writer *w = (struct fault_writer *)base;
	int r = pass(base->store, KB_FAULT_PUBLISH, base->name);

	if (r < 0)
		return r;
	r = kb_blob_publish(w->inner);
	w->inner = NULL;
	return r;
}

static void
fault_discard(struct kb_blob_writer *base)
{
	kb_blob_abandon(((struct fault_writer *)base)->inner);
	free(base);
}

static int
fault_settle(struct kb_store *s, const char *name)
{
	int r = pass(s, KB_FAULT_SETTLE, name);

	return r < 0 ? r : kb_store_settle(of(s)->inner, name);
}

static int
fault_open(struct kb_store *s, const char *name, struct kb_blob **out,
	uint64_t *out_size)
{
	int r = pass(s, KB_FAULT_OPEN, name);
	struct fault_blob *b;

	if (r < 0)
		return r;
	b = calloc(1, sizeof(*b));
	if (!b)
		return kb_err(-ENOMEM, "out of memory");
	r = kb_store_open(of(s)->inner, name, &b->inner, out_size);
	if (r < 0)
		free(b);
	else
		*out = &b->base;
	return r;
}

static ssize_t
fault_read(struct kb_blob *base, uint64_t pos, void *out, size_t len)
{
	int r = pass(base->store, KB_FAULT_READ, base->name);

	if (r < 0)
		return r;
	return kb_blob_read(((struct fault_blob *)base)->inner, pos, out, len);
}

static void
fault_close(struct kb_blob *base)
{
	kb_blob_close(((struct fault_blob *)base)->inner);
	free(base);
}

static int
add_name(void *ctx, const char *name, bool is_dir)
{
	return kb_names_add(ctx, name, strlen(name), is_dir);
}

static int
fault_list(struct kb_store *s, const char *prefix, struct kb_names *out)
{
	int r = pass(s, KB_FAULT_LIST, prefix);

	if (r < 0)
		return r;
	return kb_store_list(of(s)->inner, prefix, add_name, out);
}

static int
fault_remove(struct kb_store *s, const char *name)
{
	int r = pass(s, KB_FAULT_REMOVE, name);

	return r < 0 ? r : kb_store_remove(of(s)->inner, name);
}

static int
fault_sweep(struct kb_store *s, bool remove, size_t *out_count)
{
	return remove ? kb_store_sweep(of(s)->inner, out_count)
		      : kb_store_count_leftovers(of(s)->inner, out_count);
}

static int
fault_path(struct kb_store *s, const char *name, char **out)
{
	return kb_store_path(of(s)->inner, name, out);
}

static const struct kb_store_driver fault_driver = {
	.free = fault_free,
	.create = fault_create,
	.write = fault_write,
	.publish = fault_publish,
	.discard = fault_discard,
	.settle = fault_settle,
	.open = fault_open,
	.read = fault_read,
	.close = fault_close,
	.list = fault_list,
	.remove = fault_remove,
	.sweep = fault_sweep,
	.path = fault_path,
};

int
kb_fault_new(
	struct kb_store *inner, struct kb_fault *plan, struct kb_store **out)
{
	struct fault *f = calloc(1, sizeof(*f));

	if (f)
		f->base.name = strdup("fault");
	if (!f || !f->base.name)
		return kb_err(-ENOMEM, "out of memory");
	f->base.driver = &fault_driver;
	f->inner = inner;
	f->plan = plan;
	*out = &f->base;
	return 0;
}
