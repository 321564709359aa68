/* A whole repository made without a broker: objects and index. */
#ifndef KB_TESTS_UNIT_SPECIMEN_H
#define KB_TESTS_UNIT_SPECIMEN_H

#include <stddef.h>
#include <stdint.h>

#include "index/index.h"
#include "store/repo.h"

struct specimen {
	char *dir;
	struct kb_repo *repo;
	struct kb_index *index;
};

/* A segment to add. Record i has offset start + i * step. */
struct specimen_segment {
	const char *topic; /* its id is made from its name */
	int32_t partition;
	int64_t start;
	int64_t step; /* 0: 1 */
	int records;
	int batch;    /* records a batch; 0: all in one */
	size_t value; /* bytes of each value; noise, so zstd keeps them */
	int64_t (*time)(int64_t offset); /* NULL: specimen_time() */
	int64_t newline; /* offset whose value ends in one; 0: none does */
};

#define SPECIMEN_TIME INT64_C(1700000000000)

/* Time of the record at that offset. */
static inline int64_t
specimen_time(int64_t offset)
{
	return SPECIMEN_TIME + offset * 1000;
}

/* Makes a repository at dir, which is copied. 0 or -errno, all of these. */
int
specimen_open(struct specimen *a, const char *dir);
void
specimen_close(struct specimen *a);

struct kb_topic_ref
specimen_topic(const char *name);

/* Commits that the topic has so many partitions, as seen at that time. */
int
specimen_meta(struct specimen *a, const struct kb_topic_ref *t, int64_t seen,
	int32_t partitions);

/* Publishes a segment and adds it to d; *out_end is where the next starts. */
int
specimen_add(struct specimen *a, struct kb_index_delta *d,
	const struct specimen_segment *s, int64_t *out_end);

/* The same, committed at once. */
int
specimen_put(
	struct specimen *a, const struct specimen_segment *s, int64_t *out_end);

/* Appends the text of the records that specimen_add() made for s. */
int
specimen_text(const struct specimen_segment *s, struct kb_buf *out);

/* Appends their values, a newline behind each. */
int
specimen_values(const struct specimen_segment *s, struct kb_buf *out);

#endif
