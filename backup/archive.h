/* A repository opened for reading: its objects and its index. */
#ifndef KB_BACKUP_ARCHIVE_H
#define KB_BACKUP_ARCHIVE_H

#include <stddef.h>

#include "index/index.h"

struct kb_archive {
	struct kb_repo *repo;
	struct kb_index *index;
};

/* -ESTALE: there is data but no index. And as kb_repo_open(). */
int
kb_archive_open(const char *path, struct kb_archive *out);
void
kb_archive_close(struct kb_archive *a);

/* A topic by its shown name; -ENOENT with the words that help. */
int
kb_archive_topic(
	struct kb_archive *a, const char *shown, struct kb_index_topic *out);

/* Likewise a partition of topic. */
int
kb_archive_partition(struct kb_archive *a, const struct kb_index_topic *topic,
	int32_t partition, struct kb_index_partition *out);

/* All topics, or all partitions of one, malloc'd; the caller frees. */
int
kb_archive_topics(
	struct kb_archive *a, struct kb_index_topic **out, size_t *out_count);
int
kb_archive_partitions(struct kb_archive *a, const struct kb_topic_ref *t,
	struct kb_index_partition **out, size_t *out_count);

/* Borrows t. */
static inline struct kb_topic_ref
kb_archive_ref(const struct kb_index_topic *t)
{
	return (struct kb_topic_ref){t->name, t->id};
}

#endif
