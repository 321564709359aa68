/*
 * One thread. Its watches are on the repository, on index/ and on each
 * generation in it, as far as they are there. What a wake-up was about is not
 * looked at: every time the watches are set anew, which does nothing where
 * there is one, and then the index is looked at. So a directory that is made,
 * replaced or removed needs no care, and a change between the two is told by
 * the watch that was set before the look.
 *
 * inotify(7) tells of what this kernel does, not of what other machines do to
 * a shared file system; those are looked at by the clock.
 */
#include "fs/watch.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/cancel.h"
#include "common/err.h"
#include "common/log.h"
#include "store/store.h"

#define POLL_MS 1000
#define PAUSE_MS 20 /* between two looks: commits may come in a row */

#define CHANGES                                                                \
	(IN_CREATE | IN_DELETE | IN_MOVE | IN_DELETE_SELF | IN_MOVE_SELF |     \
		IN_ONLYDIR)

struct kb_watch {
	struct kb_store *store;
	kb_watch_look_fn *look;
	void *ctx;
	struct kb_cancel cancel;
	pthread_t thread;
	char *root;	 /* of the store, absolute; NULL without files */
	_Atomic(int) fd; /* inotify; -1: by the clock */
};

/* Is the directory on a file system that other machines may write to? */
static bool
is_shared(const char *path)
{
	static const uint32_t shared[] = {
		0x6969,	    /* NFS */
		0x517b,	    /* SMB */
		0xff534d42, /* CIFS */
		0xfe534d42, /* SMB 2 */
		0x65735546, /* FUSE, virtiofs */
		0x01021997, /* 9P */
		0x00c36400, /* Ceph */
		0x0bd00bd0, /* Lustre */
		0x01161970, /* GFS2 */
		0x7461636f, /* OCFS2 */
		0x5346414f, /* AFS */
		0x73757245, /* Coda */
		0x47504653, /* GPFS */
	};
	struct statfs st;

	if (statfs(path, &st) < 0)
		return true;
	for (size_t i = 0; i < sizeof(shared) / sizeof(*shared); i++)
		if ((uint32_t)st.f_type == shared[i])
			return true;
	return false;
}

/* From now on by the clock. */
static void
give_up(struct kb_watch *w)
{
	close(w->fd);
	w->fd = -1;
}

/* A directory below the root: "", or "/" and a name. */
static void
watch_dir(struct kb_watch *w, const char *name)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s%s", w->root, name);

	if (n < 0 || (size_t)n >= sizeof(path))
		errno = ENAMETOOLONG;
	else if (inotify_add_watch(w->fd, path, CHANGES) >= 0 ||
		 errno == ENOENT || errno == ENOTDIR)
		return;
	kb_log_warn("%s: cannot be watched: %s; looking every second for what "
		    "is new (sysctl fs.inotify.max_user_watches)",
		path, strerror(errno));
	give_up(w);
}

static int
watch_generation(void *ctx, const char *name, bool is_dir)
{
	struct kb_watch *w = ctx;
	char dir[300];

	snprintf(dir, sizeof(dir), "/index/%s", name);
	if (is_dir && w->fd >= 0)
		watch_dir(w, dir);
	return 0;
}

static void
set_watches(struct kb_watch *w)
{
	if (w->fd >= 0)
		watch_dir(w, "");
	if (w->fd >= 0)
		watch_dir(w, "/index");
	if (w->fd >= 0 &&
		kb_store_list(w->store, "index", watch_generation, w) < 0)
		kb_log_debug("%s", kb_err_text());
}

/* Until something has changed, or might have. False: the end. */
static bool
wait_for_change(struct kb_watch *w)
{
	struct pollfd fds[] = {
		{.fd = kb_cancel_fd(&w->cancel), .events = POLLIN},
		{.fd = w->fd, .events = POLLIN},
	};
	char events[4096];
	int n;

	if (kb_cancel_sleep(&w->cancel, PAUSE_MS) < 0)
		return false;
	do
		n = poll(fds, 2, w->fd < 0 ? POLL_MS - PAUSE_MS : -1);
	while (n < 0 && errno == EINTR);
	while (w->fd >= 0 && read(w->fd, events, sizeof(events)) > 0)
		;
	return !kb_cancel_fired(&w->cancel);
}

static void *
run(void *arg)
{
	struct kb_watch *w = arg;

	do {
		set_watches(w);
		w->look(w->ctx);
	} while (wait_for_change(w));
	return NULL;
}

static void
open_inotify(struct kb_watch *w)
{
	char *path = NULL;

	w->fd = -1;
	if (kb_store_path(w->store, "index", &path) == -EOPNOTSUPP)
		return;
	free(path);
	w->root = realpath(kb_store_name(w->store), NULL);
	if (!w->root || is_shared(w->root))
		return;
	w->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (w->fd < 0)
		kb_log_warn("inotify: %s; looking every second for what is new "
			    "(sysctl fs.inotify.max_user_instances)",
			strerror(errno));
}

static void
release(struct kb_watch *w)
{
	if (w->fd >= 0)
		close(w->fd);
	kb_cancel_release(&w->cancel);
	free(w->root);
	free(w);
}

int
kb_watch_start(struct kb_store *s, kb_watch_look_fn *look, void *ctx,
	struct kb_watch **out)
{
	struct kb_watch *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return kb_err(-ENOMEM, "mount: out of memory");
	w->store = s;
	w->look = look;
	w->ctx = ctx;
	r = kb_cancel_init(&w->cancel);
	if (r < 0) {
		free(w);
		return kb_err(r, "eventfd: %s", strerror(-r));
	}
	open_inotify(w);
	r = pthread_create(&w->thread, NULL, run, w);
	if (r) {
		release(w);
		return kb_err(-r, "thread: %s", strerror(r));
	}
	*out = w;
	return 0;
}

void
kb_watch_stop(struct kb_watch *w)
{
	if (!w)
		return;
	kb_cancel_fire(&w->cancel, 1);
	pthread_join(w->thread, NULL);
	release(w);
}

bool
kb_watch_by_clock(const struct kb_watch *w)
{
	return atomic_load(&w->fd) < 0;
}
