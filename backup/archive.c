/*
 * An index may not be asked from inside one of its own listings, so topics
 * and partitions, which are few, are gathered; segments never are.
 */
#include "backup/archive.h"

#include <errno.h>
#include <inttypes.h>

#include "common/buf.h"
#include "common/err.h"
#include "store/repo.h"
#include "store/store.h"

int
kb_archive_open(const char *path, struct kb_archive *out)
{
	struct kb_archive a = {0};
	int r = kb_repo_open(path, &a.repo);

	if (r == 0)
		r = kb_index_open(a.repo, &a.index);
	if (r == 0)
		r = kb_index_require(a.index);
	if (r < 0)
		kb_archive_close(&a);
	else
		*out = a;
	return r;
}

void
kb_archive_close(struct kb_archive *a)
{
	kb_index_close(a->index);
	kb_repo_close(a->repo);
	*a = (struct kb_archive){0};
}

int
kb_archive_topic(
	struct kb_archive *a, const char *shown, struct kb_index_topic *out)
{
	int r = kb_index_topic(a->index, shown, out);

	if (r == -ENOENT)
		return kb_err(r,
			"%s: no such topic in %s; `kbak ls` lists them", shown,
			kb_store_name(a->repo->store));
	return r;
}

int
kb_archive_partition(struct kb_archive *a, const struct kb_index_topic *topic,
	int32_t partition, struct kb_index_partition *out)
{
	struct kb_topic_ref t = kb_archive_ref(topic);
	int r = kb_index_partition(a->index, &t, partition, out);

	if (r == -ENOENT)
		return kb_err(r, "%s/%" PRId32 ": no such partition",
			topic->shown, partition);
	return r;
}

static int
keep_topic(void *ctx, const struct kb_index_topic *t)
{
	return kb_buf_put(ctx, t, sizeof(*t));
}

int
kb_archive_topics(
	struct kb_archive *a, struct kb_index_topic **out, size_t *out_count)
{
	struct kb_buf b = {0};
	int r = kb_index_topics(a->index, keep_topic, &b);

	if (r < 0) {
		kb_buf_release(&b);
		return r;
	}
	*out = (struct kb_index_topic *)(void *)b.data;
	*out_count = b.len / sizeof(**out);
	return 0;
}

static int
keep_partition(void *ctx, const struct kb_index_partition *p)
{
	return kb_buf_put(ctx, p, sizeof(*p));
}

int
kb_archive_partitions(struct kb_archive *a, const struct kb_topic_ref *t,
	struct kb_index_partition **out, size_t *out_count)
{
	struct kb_buf b = {0};
	int r = kb_index_partitions(a->index, t, keep_partition, &b);

	if (r < 0) {
		kb_buf_release(&b);
		return r;
	}
	*out = (struct kb_index_partition *)(void *)b.data;
	*out_count = b.len / sizeof(**out);
	return 0;
}
