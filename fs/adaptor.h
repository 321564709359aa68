/* The trees as libfuse wants them: unpack a request, call, reply. */
#ifndef KB_FS_ADAPTOR_H
#define KB_FS_ADAPTOR_H

#include <stdbool.h>
#include <sys/types.h>

struct kb_adaptor;
struct kb_restore_tree;
struct kb_tree;
struct kb_vitals;

struct kb_adaptor_setup {
	struct kb_tree *tree;
	struct kb_restore_tree *restore; /* NULL: there is no restore/ */
	struct kb_vitals *vitals;
	uid_t uid; /* who everything belongs to */
	gid_t gid;
	mode_t umask;
	const char *options;	  /* libfuse's, commas between */
	void (*ready)(void *ctx); /* the kernel has been greeted */
	void *ctx;
};

/*
 * Mounts at mountpoint (absolute). What fails has been said by libfuse on
 * stderr; -EIO then. Borrows all that setup names but options.
 */
int
kb_adaptor_mount(const struct kb_adaptor_setup *setup, const char *mountpoint,
	struct kb_adaptor **out);

/*
 * Serves until the mount is gone: taken away by umount(8), or detached and its
 * last file closed. Requests run on several threads. 0 or -errno.
 */
int
kb_adaptor_serve(struct kb_adaptor *a);

/*
 * Has the kernel forget every name and page of the archive; open files are not
 * touched. From a thread that holds no lock and serves no request: the kernel
 * may wait for requests that it has under way.
 */
void
kb_adaptor_renew(struct kb_adaptor *a);

/* Ends serving soon, come what may. Any thread. */
void
kb_adaptor_stop(struct kb_adaptor *a);

/* Unmounts what is left of it, and frees a (NULL is fine). */
void
kb_adaptor_close(struct kb_adaptor *a);

#endif
