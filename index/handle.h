/* The inside of struct kb_index, for the files that answer for it. */
#ifndef KB_INDEX_HANDLE_H
#define KB_INDEX_HANDLE_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "index/index.h"
#include "index/layer.h"
#include "index/merge.h"

struct kb_draft;

struct kb_index {
	struct kb_repo *repo;	  /* borrowed */
	pthread_mutex_t change;	  /* held while files are opened and closed */
	pthread_mutex_t lock;	  /* taken after it; guards all below */
	uint64_t generation;	  /* 0: empty */
	struct kb_layer **layers; /* the oldest first */
	size_t count;
};

/*
 * Opens what is newest in place of what is open; nothing changes on an error.
 * 0: it was the same. 1: it was not. `change` is held, the lock is not: whoever
 * asks the index meanwhile does not wait for files.
 */
int
kb_handle_reload(struct kb_index *x);

/* kb_index_segments(); the lock is held. */
int
kb_handle_segments(struct kb_index *x, const struct kb_topic_ref *t,
	int32_t partition, int64_t from, kb_index_segment_fn *each, void *ctx);

/* Partitions that the newest meta counts; 0 without one. The lock is held. */
int
kb_handle_counted(
	struct kb_index *x, const struct kb_topic_ref *t, int32_t *out);

/* kb_index_commit() of a draft, which is then finished. No lock is held. */
int
kb_handle_commit(struct kb_index *x, struct kb_draft *d);

/* -EBADMSG: that row (`what`: segment, gap, ...) makes no sense. */
int
kb_handle_damaged(const struct kb_merge_head *h, const char *what);

#endif
