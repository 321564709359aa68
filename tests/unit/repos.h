/* Repositories made without a broker. */
#ifndef KB_TESTS_UNIT_REPOS_H
#define KB_TESTS_UNIT_REPOS_H

#include "index/index.h"
#include "store/repo.h"
#include "suite.h"

struct repos {
	struct kb_repo *repo;
	struct kb_index *index;
	struct kb_index_delta *delta;
};

/* Makes path a repository, open for more. */
void
repos_make(struct repos *r, const char *path);

/* Commits what was added, and closes. */
void
repos_close(struct repos *r);

/*
 * Publishes a segment of `count` records, each at its offset from `start` on,
 * ten a batch, timestamps 1700000000000 + offset; indexed at the next commit
 * when `indexed`.
 */
void
repos_segment(struct repos *r, const struct kb_topic_ref *t, int32_t partition,
	int64_t start, int count, bool indexed);

void
repos_gap(struct repos *r, const struct kb_topic_ref *t, int32_t partition,
	int64_t start, int64_t end);
void
repos_meta(struct repos *r, const struct kb_topic_ref *t, int32_t partitions,
	int64_t seen);
void
repos_run(struct repos *r);

/*
 * A repository with something of everything: orders/0 (gap 0-9, segments of
 * 10-109 and 110-139), orders/1 empty, a newer incarnation of orders, other/0
 * with one segment, a run.
 */
void
repos_make_sample(const char *path);

#endif
