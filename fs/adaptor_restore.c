/*
 * What changes something: only below restore/. Every wait for the network can
 * be interrupted.
 */
#include "fs/adaptor_ops.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "common/cancel.h"
#include "common/err.h"
#include "fs/restore_file.h"
#include "fs/restore_tree.h"
#include "fs/tree.h"
#include "fs/vitals.h"

void
kb_adaptor_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *to, int set,
	struct fuse_file_info *fi)
{
	struct kb_adaptor *a = kb_adaptor_of(req);
	struct kb_restore_change c = {
		.set_mode = set & FUSE_SET_ATTR_MODE,
		.set_mtime =
			set & (FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_MTIME_NOW),
		.set_size = set & FUSE_SET_ATTR_SIZE,
		.mode = to->st_mode,
		.mtime = (int64_t)to->st_mtim.tv_sec * 1000 +
			 to->st_mtim.tv_nsec / 1000000,
		.size = (uint64_t)to->st_size,
	};
	struct kb_node n;
	int r = -EROFS;

	(void)fi;
	if (kb_adaptor_restores(a, ino))
		r = kb_restore_tree_change(a->setup.restore, ino, &c, &n);
	kb_adaptor_reply_attr(req, r, &n);
}

/* A request that may wait, until FUSE_INTERRUPT. */
static void
on_interrupt(fuse_req_t req, void *data)
{
	(void)req;
	kb_cancel_fire(data, 1);
}

static int
wait_begin(fuse_req_t req, struct kb_cancel *c)
{
	int r = kb_cancel_init(c);

	if (r == 0)
		fuse_req_interrupt_func(req, on_interrupt, c);
	return r;
}

static void
wait_end(fuse_req_t req, struct kb_cancel *c)
{
	fuse_req_interrupt_func(req, NULL, NULL);
	kb_cancel_release(c);
}

void
kb_adaptor_mkdir(
	fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	struct kb_adaptor *a = kb_adaptor_of(req);
	struct kb_cancel c;
	struct kb_node n;
	int r;

	if (!kb_adaptor_restores(a, parent)) {
		fuse_reply_err(req, EROFS);
		return;
	}
	r = wait_begin(req, &c);
	if (r == 0) {
		r = kb_restore_tree_mkdir(
			a->setup.restore, parent, name, mode, &c, &n);
		wait_end(req, &c);
	}
	if (r < 0)
		kb_adaptor_reply_restore(req, r);
	else
		kb_adaptor_reply_entry(req, 0, &n);
}

void
kb_adaptor_create(fuse_req_t req, fuse_ino_t parent, const char *name,
	mode_t mode, struct fuse_file_info *fi)
{
	struct kb_adaptor *a = kb_adaptor_of(req);
	struct kb_handle *h = calloc(1, sizeof(*h));
	struct fuse_entry_param e;
	struct kb_node n;
	int r = -EROFS;

	if (!h)
		r = kb_err(-ENOMEM, "restore: out of memory");
	else if (kb_adaptor_restores(a, parent))
		r = kb_restore_file_create(
			a->setup.restore, parent, name, mode, &n, &h->restored);
	if (r < 0) {
		free(h);
		if (kb_adaptor_restores(a, parent))
			kb_adaptor_reply_restore(req, r);
		else
			kb_adaptor_reply(req, r);
		return;
	}
	fi->direct_io = true;
	fi->fh = (uintptr_t)h;
	kb_vitals_opened(a->setup.vitals, 1);
	kb_adaptor_entry(a, &n, &e);
	if (fuse_reply_create(req, &e, fi) == -ENOENT) {
		kb_adaptor_drop(a, h);
		kb_adaptor_forget(a, n.ino, 1);
	}
}

void
kb_adaptor_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size,
	off_t off, struct fuse_file_info *fi)
{
	const struct kb_handle *h = kb_adaptor_handle(fi);
	struct kb_cancel c;
	size_t taken = 0;
	int r;

	(void)ino;
	if (!h->restored) {
		fuse_reply_err(req, EROFS);
		return;
	}
	r = wait_begin(req, &c);
	if (r == 0) {
		r = kb_restore_file_write(h->restored, (uint64_t)off,
			kb_slice_of(data, size), &c, &taken);
		wait_end(req, &c);
	}
	if (r < 0)
		kb_adaptor_reply(req, r);
	else
		fuse_reply_write(req, taken);
}

void
kb_adaptor_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	const struct kb_handle *h = kb_adaptor_handle(fi);
	struct kb_cancel c;
	int r = 0;

	(void)ino;
	if (h->restored)
		r = wait_begin(req, &c);
	if (h->restored && r == 0) {
		r = kb_restore_file_flush(h->restored, &c);
		wait_end(req, &c);
	}
	kb_adaptor_reply(req, r);
}

void
kb_adaptor_fsync(
	fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	(void)datasync;
	kb_adaptor_flush(req, ino, fi);
}

void
kb_adaptor_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct kb_adaptor *a = kb_adaptor_of(req);

	kb_adaptor_reply(req,
		kb_adaptor_restores(a, parent)
			? kb_restore_tree_unlink(a->setup.restore, parent, name)
			: -EROFS);
}

void
kb_adaptor_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct kb_adaptor *a = kb_adaptor_of(req);

	kb_adaptor_reply(req,
		kb_adaptor_restores(a, parent)
			? kb_restore_tree_rmdir(a->setup.restore, parent, name)
			: -EROFS);
}

void
kb_adaptor_rename(fuse_req_t req, fuse_ino_t parent, const char *name,
	fuse_ino_t new_parent, const char *new_name, unsigned flags)
{
	struct kb_adaptor *a = kb_adaptor_of(req);

	/* Never EXDEV: mv(1) would then copy, which restores. */
	if (!kb_adaptor_restores(a, parent) ||
		!kb_adaptor_restores(a, new_parent))
		fuse_reply_err(req, EROFS);
	else if (flags & ~1u) /* all but RENAME_NOREPLACE */
		fuse_reply_err(req, EINVAL);
	else
		kb_adaptor_reply_restore(
			req, kb_restore_tree_rename(a->setup.restore, parent,
				     name, new_parent, new_name));
}

void
kb_adaptor_mknod(fuse_req_t req, fuse_ino_t parent, const char *name,
	mode_t mode, dev_t dev)
{
	(void)name;
	(void)mode;
	(void)dev;
	fuse_reply_err(req, kb_adaptor_restores(kb_adaptor_of(req), parent)
				    ? EPERM
				    : EROFS);
}

void
kb_adaptor_symlink(
	fuse_req_t req, const char *to, fuse_ino_t parent, const char *name)
{
	(void)to;
	kb_adaptor_mknod(req, parent, name, 0, 0);
}

void
kb_adaptor_link(
	fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
	(void)ino;
	kb_adaptor_mknod(req, parent, name, 0, 0);
}
