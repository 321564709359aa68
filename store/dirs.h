/*
 * Directories below a root that objects lie in: made when missing, and durable
 * before anything is put into them.
 */
#ifndef KB_STORE_DIRS_H
#define KB_STORE_DIRS_H

#include <pthread.h>
#include <stddef.h>

#include "store/layout.h"

struct kb_dirs_new;

struct kb_dirs {
	int root;	      /* borrowed */
	pthread_mutex_t lock; /* guards the rest; held to make directories */
	pthread_cond_t synced;
	char **settled; /* synced here, and all above them */
	size_t settled_count, settled_cap;
	struct kb_dirs_new *waiting; /* made or found, to be synced */
	struct kb_dirs_new *syncing; /* these just now */
	int broken; /* -errno of a sync that failed; none is made after it */
};

/* root is set later, by whoever opens it. */
void
kb_dirs_init(struct kb_dirs *d);
void
kb_dirs_release(struct kb_dirs *d);

/*
 * Opens the first len bytes of name, "." when there are none. A descriptor or
 * -errno, without a sentence.
 */
int
kb_dirs_open(const struct kb_dirs *d, const char *name, size_t len);

/* fsync of the same; 0 or -errno. */
int
kb_dirs_sync(const struct kb_dirs *d, const char *name, size_t len);

/*
 * The same as kb_dirs_open(), but it is made when missing, with all above it,
 * and is durable when this returns, whoever has made it (but for one that
 * another living process makes just now and then does not sync). Any thread;
 * several at once share their fsyncs. After one that failed this fails for
 * good: what is there may not be on the disk, and nobody can tell.
 */
int
kb_dirs_make(struct kb_dirs *d, const char *name, size_t len);

#endif
