/*
 * A partition may hold a million segments: names lie in one buffer, 30 bytes
 * each and not an allocation each, and the sort moves positions only.
 */
#include "store/names.h"

#include <stdlib.h>
#include <string.h>

void
kb_names_release(struct kb_names *n)
{
	kb_buf_release(&n->text);
	kb_buf_release(&n->index);
}

int
kb_names_add(struct kb_names *n, const char *name, size_t len, bool is_dir)
{
	size_t at = n->text.len;
	int r = kb_buf_reserve(&n->text, len + 2);

	if (r < 0)
		return r;
	r = kb_buf_put(&n->index, &at, sizeof(at));
	if (r < 0)
		return r;
	n->text.data[at] = is_dir ? 'd' : 'f';
	memcpy(n->text.data + at + 1, name, len);
	n->text.data[at + 1 + len] = '\0';
	n->text.len += len + 2;
	return 0;
}

size_t
kb_names_count(const struct kb_names *n)
{
	return n->index.len / sizeof(size_t);
}

static size_t *
positions(const struct kb_names *n)
{
	return (size_t *)(void *)n->index.data;
}

const char *
kb_names_get(const struct kb_names *n, size_t i, bool *out_is_dir)
{
	const char *p = (const char *)n->text.data + positions(n)[i];

	if (out_is_dir)
		*out_is_dir = *p == 'd';
	return p + 1;
}

static int
compare(const void *a, const void *b, void *text)
{
	const char *p = (const char *)text + *(const size_t *)a;
	const char *q = (const char *)text + *(const size_t *)b;

	return strcmp(p + 1, q + 1);
}

void
kb_names_sort(struct kb_names *n)
{
	size_t count = kb_names_count(n), kept = 0, *at = positions(n);

	if (!count)
		return;
	qsort_r(at, count, sizeof(*at), compare, n->text.data);
	for (size_t i = 0; i < count; i++) {
		if (kept && compare(&at[kept - 1], &at[i], n->text.data) == 0)
			continue;
		at[kept++] = at[i];
	}
	n->index.len = kept * sizeof(*at);
}
