/*
 * Open files. Texts go to the kernel from where they lie in the cache.
 */
#include "fs/adaptor_ops.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "fs/ino.h"
#include "fs/restore_file.h"
#include "fs/tree.h"
#include "fs/view.h"
#include "fs/vitals.h"

struct kb_handle *
kb_adaptor_handle(const struct fuse_file_info *fi)
{
	return (struct kb_handle *)(uintptr_t)fi->fh;
}

static bool
writes(const struct fuse_file_info *fi)
{
	return (fi->flags & O_ACCMODE) != O_RDONLY || fi->flags & O_TRUNC;
}

static int
open_archive(struct kb_adaptor *a, uint64_t ino, struct fuse_file_info *fi,
	struct kb_handle *h)
{
	struct kb_node n;
	int r;

	if (writes(fi))
		return -EROFS;
	if (ino == KB_INO_STATUS)
		return kb_adaptor_open_status(a, fi, h);
	r = kb_tree_stat(a->setup.tree, ino, &n);
	if (r == 0)
		r = kb_tree_open(a->setup.tree, ino, &h->view);
	if (r < 0)
		return r;
	fi->keep_cache = n.fixed;
	fi->direct_io = !n.fixed;
	fi->noflush = true;
	return 0;
}

static int
open_restored(struct kb_adaptor *a, uint64_t ino, struct fuse_file_info *fi,
	struct kb_handle *h)
{
	fi->direct_io = true;
	return kb_restore_file_open(
		a->setup.restore, ino, writes(fi), &h->restored);
}

void
kb_adaptor_drop(struct kb_adaptor *a, struct kb_handle *h)
{
	if (atomic_fetch_sub(&h->reads, 1) > 0)
		return;
	kb_view_close(h->view);
	if (h->restored)
		kb_restore_file_release(a->setup.restore, h->restored);
	kb_buf_release(&h->status);
	free(h);
	kb_vitals_opened(a->setup.vitals, -1);
}

void
kb_adaptor_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct kb_adaptor *a = kb_adaptor_of(req);
	struct kb_handle *h = calloc(1, sizeof(*h));
	int r = -ENOMEM;

	if (h)
		r = kb_adaptor_restores(a, ino) ? open_restored(a, ino, fi, h)
						: open_archive(a, ino, fi, h);
	if (r < 0) {
		if (h)
			kb_buf_release(&h->status);
		free(h);
		if (r == -EEXIST)
			kb_adaptor_reply_restore(req, r);
		else
			kb_adaptor_reply(req, r);
		return;
	}
	fi->fh = (uintptr_t)h;
	kb_vitals_opened(a->setup.vitals, 1);
	if (fuse_reply_open(req, fi) == -ENOENT)
		kb_adaptor_drop(a, h); /* interrupted: nobody has it */
}

void
kb_adaptor_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	kb_adaptor_drop(kb_adaptor_of(req), kb_adaptor_handle(fi));
	fuse_reply_err(req, 0);
}

void
kb_adaptor_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
	struct fuse_file_info *fi)
{
	struct kb_adaptor *a = kb_adaptor_of(req);
	struct kb_handle *h = kb_adaptor_handle(fi);
	struct kb_adaptor_wait w;
	struct kb_span span;
	int r;

	(void)ino;
	if (h->status.data) {
		kb_adaptor_read_status(req, h, size, off);
		return;
	}
	if (!h->view) {
		fuse_reply_err(req, EACCES);
		return;
	}
	atomic_fetch_add(&h->reads, 1);
	kb_adaptor_wait_begin(req, &w);
	r = kb_view_read(h->view, (uint64_t)off, size, &span);
	if (kb_adaptor_wait_end(req, &w)) {
		if (r < 0)
			fuse_reply_err(
				req, r == -ENOMEM || r == -EINTR ? -r : EIO);
		else
			fuse_reply_iov(req, span.iov, span.count);
	}
	if (r == 0)
		kb_span_release(&span);
	kb_adaptor_drop(a, h);
}
