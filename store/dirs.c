/*
 * A directory must be durable in the one above it before an object in it is
 * called published. With thousands of partitions that would be most of all
 * fsyncs, one after the other, so:
 *
 * 1. A directory is called settled when it has been synced here, and all above
 *    it. A new entry has it synced again. One that was there before may be of
 *    somebody who was killed before his fsync: the directory above must be
 *    settled, once in the life of a process, since then it was there.
 *    Nothing is remembered before its fsync has returned 0.
 * 2. Threads that make directories at the same time wait for one who syncs for
 *    all: each directory once, after all that the group makes in it is there.
 *    Who comes while a group is synced is of the next one.
 * 3. A thread that finds a directory which another has made and not yet
 *    synced waits for it, too.
 *
 * Where somebody removes directories meanwhile, the next mkdir fails: then all
 * is forgotten and made again.
 */
#include "store/dirs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A directory that is new or was found, and the thread that waits for its
 * syncs. */
struct kb_dirs_new {
	struct kb_dirs_new *next;
	const char *name;
	size_t len;
	size_t known; /* so much of it was durable before */
	bool done;
	int result;
};

void
kb_dirs_init(struct kb_dirs *d)
{
	*d = (struct kb_dirs){.root = -1};
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->synced, NULL);
}

static void
forget(struct kb_dirs *d)
{
	while (d->settled_count)
		free(d->settled[--d->settled_count]);
}

void
kb_dirs_release(struct kb_dirs *d)
{
	forget(d);
	free(d->settled);
	pthread_cond_destroy(&d->synced);
	pthread_mutex_destroy(&d->lock);
}

int
kb_dirs_open(const struct kb_dirs *d, const char *name, size_t len)
{
	char dir[KB_NAME_MAX];
	int fd;

	memcpy(dir, len ? name : ".", len ? len : 1);
	dir[len ? len : 1] = '\0';
	fd = openat(d->root, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int
kb_dirs_sync(const struct kb_dirs *d, const char *name, size_t len)
{
	int fd = kb_dirs_open(d, name, len), r;

	if (fd < 0)
		return fd;
	r = fsync(fd) < 0 ? -errno : 0;
	close(fd);
	return r;
}

/* ---- paths ---- */

/* The first len bytes of name are `path`, or lead to it. */
static bool
leads_to(const char *name, size_t len, const char *path, size_t path_len)
{
	return len <= path_len && memcmp(name, path, len) == 0 &&
	       (len == path_len || !len || path[len] == '/');
}

/* Its neighbours were asked about just before, so the newest come first. */
static bool
is_settled(const struct kb_dirs *d, const char *name, size_t len)
{
	for (size_t i = d->settled_count; i; i--)
		if (leads_to(name, len, d->settled[i - 1],
			    strlen(d->settled[i - 1])))
			return true;
	return false;
}

/* The length of what is above; name has len > 0 bytes. */
static size_t
above(const char *name, size_t len)
{
	const char *slash = memrchr(name, '/', len);

	return slash ? (size_t)(slash - name) : 0;
}

/* name[0..at) is a directory of the path; how long is the next one's name? */
static size_t
next_part(const char *name, size_t at, size_t len)
{
	size_t from = at ? at + 1 : 0;
	const char *slash = memchr(name + from, '/', len - from);

	return slash ? (size_t)(slash - name) : len;
}

/* ---- syncing ---- */

/* Is an entry of the directory name[0..len) new with n? */
static bool
adds_to(const struct kb_dirs_new *n, const char *name, size_t len)
{
	return len < n->len && leads_to(name, len, n->name, n->len) &&
	       next_part(n->name, len, n->len) > n->known;
}

/* Syncs what n's path leads through, but not what others before it have. */
static int
sync_one(const struct kb_dirs *d, const struct kb_dirs_new *group,
	const struct kb_dirs_new *n)
{
	const struct kb_dirs_new *before;
	int r = 0;

	for (size_t len = 0; r == 0 && len < n->len;) {
		if (adds_to(n, n->name, len)) {
			before = group;
			while (before != n && !adds_to(before, n->name, len))
				before = before->next;
			if (before == n)
				r = kb_dirs_sync(d, n->name, len);
		}
		len = next_part(n->name, len, n->len);
	}
	return r;
}

static int
sync_group(const struct kb_dirs *d, const struct kb_dirs_new *group)
{
	int r = 0;

	for (const struct kb_dirs_new *n = group; n && r == 0; n = n->next)
		r = sync_one(d, group, n);
	return r;
}

/* Without the memory for that it will be synced again. */
static void
remember(struct kb_dirs *d, const char *name, size_t len)
{
	size_t cap = d->settled_cap ? d->settled_cap * 2 : 16;
	char **more, *copy;

	if (is_settled(d, name, len))
		return;
	if (d->settled_count == d->settled_cap) {
		more = reallocarray(d->settled, cap, sizeof(*more));
		if (!more)
			return;
		d->settled = more;
		d->settled_cap = cap;
	}
	copy = strndup(name, len);
	if (copy)
		d->settled[d->settled_count++] = copy;
}

/*
 * With the lock held, which is let go meanwhile. Behind a group that failed
 * nothing is tried: its directories may be above these.
 */
static void
sync_waiting(struct kb_dirs *d)
{
	struct kb_dirs_new *n, *next, *group = d->waiting;
	int r = d->broken;

	d->syncing = group;
	d->waiting = NULL;
	if (!r) {
		pthread_mutex_unlock(&d->lock);
		r = sync_group(d, group);
		pthread_mutex_lock(&d->lock);
	}
	d->syncing = NULL;
	if (r < 0)
		d->broken = r;
	for (n = group; n; n = next) {
		next = n->next;
		if (r == 0)
			remember(d, n->name, above(n->name, n->len));
		n->result = r;
		n->done = true;
	}
	pthread_cond_broadcast(&d->synced);
}

/* With the lock held. 0: name[0..len) and all above it are durable. */
static int
wait_synced(struct kb_dirs *d, const char *name, size_t len)
{
	struct kb_dirs_new n = {.name = name, .len = len, .next = d->waiting};

	while (n.known < above(name, len) &&
		is_settled(d, name, next_part(name, n.known, len)))
		n.known = next_part(name, n.known, len);
	d->waiting = &n;
	while (!n.done) {
		if (d->syncing)
			pthread_cond_wait(&d->synced, &d->lock);
		else
			sync_waiting(d);
	}
	return n.result;
}

/* Has somebody made it who has not seen it synced? */
static bool
is_awaited(const struct kb_dirs *d, const char *name, size_t len)
{
	const struct kb_dirs_new *n;

	for (n = d->waiting; n; n = n->next)
		if (leads_to(name, len, n->name, n->len))
			return true;
	for (n = d->syncing; n; n = n->next)
		if (leads_to(name, len, n->name, n->len))
			return true;
	return false;
}

/* ---- making ---- */

/* What another process has just made counts as made here. */
static int
make_path(const struct kb_dirs *d, const char *name, size_t len)
{
	char dir[KB_NAME_MAX];

	for (size_t i = 0; i < len;) {
		i = next_part(name, i, len);
		if (is_settled(d, name, i))
			continue;
		memcpy(dir, name, i);
		dir[i] = '\0';
		if (mkdirat(d->root, dir, 0777) < 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}

/*
 * With the lock held: a descriptor or -errno. What was made nevertheless has
 * nobody who waits for it: forgotten, it will be synced when it is found.
 */
static int
open_or_make(struct kb_dirs *d, const char *name, size_t len, bool *out_new)
{
	int fd = kb_dirs_open(d, name, len), r;

	for (int tries = 0; fd == -ENOENT && tries < 2; tries++) {
		r = make_path(d, name, len);
		fd = r < 0 ? r : kb_dirs_open(d, name, len);
		if (fd < 0) /* or somebody has removed what was there */
			forget(d);
		*out_new = true;
	}
	return fd;
}

/* With the lock held. Is something to be synced for what is there? */
static bool
is_doubtful(const struct kb_dirs *d, const char *name, size_t len)
{
	return len && (is_awaited(d, name, len) ||
			      !is_settled(d, name, above(name, len)));
}

int
kb_dirs_make(struct kb_dirs *d, const char *name, size_t len)
{
	bool new = false;
	int fd, r = 0;

	pthread_mutex_lock(&d->lock);
	fd = d->broken ? d->broken : open_or_make(d, name, len, &new);
	if (fd >= 0 && (new || is_doubtful(d, name, len)))
		r = wait_synced(d, name, len);
	pthread_mutex_unlock(&d->lock);
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}
