/*
 * The only file that knows libfuse's sessions and requests. Everything below
 * restore/ has inode numbers of its own (fs/ino.h), so each operation asks one
 * of two trees. Texts go to the kernel from where they lie in the cache.
 *
 * Files of the archive never change: the kernel may keep their entries,
 * attributes and pages for ever. What can change is never kept, and absent
 * names are never remembered. Every wait for the network can be interrupted.
 */
#include "fs/adaptor.h"

#define FUSE_USE_VERSION 312
#include <errno.h>
#include <fuse_lowlevel.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "common/cancel.h"
#include "common/err.h"
#include "common/log.h"
#include "fs/ino.h"
#include "fs/restore_tree.h"
#include "fs/tree.h"
#include "fs/view.h"

#define FOR_EVER 1e9 /* seconds */
#define DIR_SECONDS 1.0
#define BLOCK_SIZE 4096
#define THREADS_MAX 128
#define THREADS_IDLE 8

struct kb_adaptor {
	struct kb_adaptor_setup setup;
	struct fuse_session *session;
	bool mounted;
};

static struct kb_adaptor *
adaptor_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

/* ---- replies ---- */

/* The errno that a tool shows for an error of ours. */
static int
errno_of(int r)
{
	switch (r) {
	case -EBADMSG:
	case -EPROTONOSUPPORT:
		return EIO;
	default:
		return -r;
	}
}

static bool
is_ours(const struct kb_adaptor *a, uint64_t ino)
{
	return a->setup.restore && kb_ino_is_restore(ino);
}

static void
stat_of(const struct kb_adaptor *a, const struct kb_node *n, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_ino = n->ino;
	st->st_mode =
		(n->dir ? S_IFDIR : S_IFREG) | (n->mode & ~a->setup.umask);
	st->st_nlink = n->nlink;
	st->st_uid = a->setup.uid;
	st->st_gid = a->setup.gid;
	st->st_size = (off_t)n->size;
	st->st_blocks = (blkcnt_t)((n->size + 511) / 512);
	st->st_blksize = BLOCK_SIZE;
	st->st_mtim.tv_sec = n->mtime / 1000;
	st->st_mtim.tv_nsec = n->mtime % 1000 * 1000000;
	if (st->st_mtim.tv_nsec < 0) {
		st->st_mtim.tv_sec--;
		st->st_mtim.tv_nsec += 1000000000;
	}
	st->st_atim = st->st_ctim = st->st_mtim;
}

static double
seconds_of(const struct kb_node *n)
{
	if (n->fixed)
		return FOR_EVER;
	return n->dir && !kb_ino_is_restore(n->ino) ? DIR_SECONDS : 0;
}

static void
entry_of(const struct kb_adaptor *a, const struct kb_node *n,
	struct fuse_entry_param *e)
{
	memset(e, 0, sizeof(*e));
	e->ino = n->ino;
	stat_of(a, n, &e->attr);
	e->attr_timeout = e->entry_timeout = seconds_of(n);
}

static void
reply_attr(fuse_req_t req, int r, const struct kb_node *n)
{
	struct stat st;

	if (r < 0) {
		fuse_reply_err(req, errno_of(r));
		return;
	}
	stat_of(adaptor_of(req), n, &st);
	fuse_reply_attr(req, &st, seconds_of(n));
}

static void
reply_entry(fuse_req_t req, int r, const struct kb_node *n)
{
	struct fuse_entry_param e;

	if (r < 0) {
		fuse_reply_err(req, errno_of(r));
		return;
	}
	entry_of(adaptor_of(req), n, &e);
	fuse_reply_entry(req, &e);
}

/* Below restore/ there is no other channel for the sentence than the log. */
static void
reply_restore(fuse_req_t req, int r)
{
	if (r < 0 && r != -ENOENT)
		kb_log_warn("%s", kb_err_text());
	fuse_reply_err(req, errno_of(r));
}

/* ---- both trees ---- */

static void
op_init(void *ctx, struct fuse_conn_info *conn)
{
	struct kb_adaptor *a = ctx;

	conn->want &=
		~(unsigned)(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE |
			    FUSE_CAP_SPLICE_MOVE | FUSE_CAP_AUTO_INVAL_DATA);
	conn->max_background = 64;
	if (a->setup.ready)
		a->setup.ready(a->setup.ctx);
}

static void
op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct kb_adaptor *a = adaptor_of(req);
	struct kb_node n;
	int r;

	if (is_ours(a, parent)) {
		r = kb_restore_tree_lookup(a->setup.restore, parent, name, &n);
	} else if (a->setup.restore && parent == KB_INO_ROOT &&
		   strcmp(name, "restore") == 0) {
		r = kb_restore_tree_stat(a->setup.restore, KB_INO_RESTORE, &n);
	} else {
		kb_tree_refresh(a->setup.tree);
		r = kb_tree_lookup(a->setup.tree, parent, name, &n);
	}
	reply_entry(req, r, &n);
}

static void
forget(struct kb_adaptor *a, uint64_t ino, uint64_t lookups)
{
	if (!is_ours(a, ino))
		kb_tree_forget(a->setup.tree, ino, lookups);
	else if (ino != KB_INO_RESTORE)
		kb_restore_tree_forget(a->setup.restore, ino, lookups);
}

static void
op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t lookups)
{
	forget(adaptor_of(req), ino, lookups);
	fuse_reply_none(req);
}

static void
op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	for (size_t i = 0; i < count; i++)
		forget(adaptor_of(req), forgets[i].ino, forgets[i].nlookup);
	fuse_reply_none(req);
}

static void
op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct kb_adaptor *a = adaptor_of(req);
	struct kb_node n;
	int r;

	(void)fi;
	r = is_ours(a, ino) ? kb_restore_tree_stat(a->setup.restore, ino, &n)
			    : kb_tree_stat(a->setup.tree, ino, &n);
	reply_attr(req, r, &n);
}

static void
op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *to, int set,
	struct fuse_file_info *fi)
{
	struct kb_adaptor *a = adaptor_of(req);
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
	if (is_ours(a, ino))
		r = kb_restore_tree_change(a->setup.restore, ino, &c, &n);
	reply_attr(req, r, &n);
}

/* ---- directories ---- */

/* A READDIR reply as it fills up. */
struct page {
	fuse_req_t req;
	bool plus;
	char *data;
	size_t len;
	size_t size;
};

static int
fill_page(void *ctx, const char *name, const struct kb_node *n, uint64_t cookie)
{
	struct page *p = ctx;
	struct fuse_entry_param e;
	size_t len, left = p->size - p->len;

	entry_of(adaptor_of(p->req), n, &e);
	if (p->plus) {
		/* Only what needs no counting is handed over as looked up. */
		if (n->ino & KB_INO_VIEW || name[0] == '.')
			e.ino = 0;
		len = fuse_add_direntry_plus(p->req, p->data + p->len, left,
			name, &e, (off_t)cookie);
	} else {
		len = fuse_add_direntry(p->req, p->data + p->len, left, name,
			&e.attr, (off_t)cookie);
	}
	if (len > left)
		return 1;
	p->len += len;
	return 0;
}

static void
list(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, bool plus)
{
	struct kb_adaptor *a = adaptor_of(req);
	struct page p = {.req = req, .plus = plus, .size = size};
	int r;

	p.data = malloc(size);
	if (!p.data) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	r = is_ours(a, ino) ? kb_restore_tree_list(a->setup.restore, ino,
				      (uint64_t)off, fill_page, &p)
			    : kb_tree_list(a->setup.tree, ino, (uint64_t)off,
				      plus, fill_page, &p);
	if (r < 0 && p.len == 0)
		fuse_reply_err(req, errno_of(r));
	else
		fuse_reply_buf(req, p.data, p.len);
	free(p.data);
}

static void
op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	kb_tree_refresh(adaptor_of(req)->setup.tree);
	fuse_reply_open(req, fi);
}

static void
op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
	struct fuse_file_info *fi)
{
	(void)fi;
	list(req, ino, size, off, false);
}

static void
op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
	struct fuse_file_info *fi)
{
	(void)fi;
	list(req, ino, size, off, true);
}

/* ---- files of the archive ---- */

/* What an open file is. */
struct handle {
	struct kb_view *view; /* of the archive, or */
	struct kb_restore_file *restored;
};

static struct handle *
handle_of(const struct fuse_file_info *fi)
{
	return (struct handle *)(uintptr_t)fi->fh;
}

static bool
writes(const struct fuse_file_info *fi)
{
	return (fi->flags & O_ACCMODE) != O_RDONLY || fi->flags & O_TRUNC;
}

static int
open_archive(struct kb_adaptor *a, uint64_t ino, struct fuse_file_info *fi,
	struct handle *h)
{
	struct kb_node n;
	int r;

	if (writes(fi))
		return -EROFS;
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
	struct handle *h)
{
	fi->direct_io = true;
	return kb_restore_tree_open(
		a->setup.restore, ino, writes(fi), &h->restored);
}

static void
release(struct kb_adaptor *a, struct handle *h)
{
	kb_view_close(h->view);
	if (h->restored)
		kb_restore_file_release(a->setup.restore, h->restored);
	free(h);
}

static void
op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct kb_adaptor *a = adaptor_of(req);
	struct handle *h = calloc(1, sizeof(*h));
	int r = -ENOMEM;

	if (h)
		r = is_ours(a, ino) ? open_restored(a, ino, fi, h)
				    : open_archive(a, ino, fi, h);
	if (r < 0) {
		free(h);
		if (r == -EEXIST)
			reply_restore(req, r);
		else
			fuse_reply_err(req, errno_of(r));
		return;
	}
	fi->fh = (uintptr_t)h;
	if (fuse_reply_open(req, fi) == -ENOENT)
		release(a, h); /* interrupted: nobody has it */
}

static void
op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	release(adaptor_of(req), handle_of(fi));
	fuse_reply_err(req, 0);
}

static void
op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
	struct fuse_file_info *fi)
{
	const struct handle *h = handle_of(fi);
	struct kb_span span;
	int r;

	(void)ino;
	if (!h->view) {
		fuse_reply_err(req, EACCES);
		return;
	}
	r = kb_view_read(h->view, (uint64_t)off, size, &span);
	if (r < 0) {
		fuse_reply_err(req, r == -ENOMEM ? ENOMEM : EIO);
		return;
	}
	fuse_reply_iov(req, span.iov, span.count);
	kb_span_release(&span);
}

/* ---- restoring ---- */

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

static void
op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	struct kb_adaptor *a = adaptor_of(req);
	struct kb_cancel c;
	struct kb_node n;
	int r;

	if (!is_ours(a, parent)) {
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
		reply_restore(req, r);
	else
		reply_entry(req, 0, &n);
}

static void
op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
	struct fuse_file_info *fi)
{
	struct kb_adaptor *a = adaptor_of(req);
	struct handle *h = calloc(1, sizeof(*h));
	struct fuse_entry_param e;
	struct kb_node n;
	int r = -EROFS;

	if (!h)
		r = kb_err(-ENOMEM, "restore: out of memory");
	else if (is_ours(a, parent))
		r = kb_restore_tree_create(
			a->setup.restore, parent, name, mode, &n, &h->restored);
	if (r < 0) {
		free(h);
		if (is_ours(a, parent))
			reply_restore(req, r);
		else
			fuse_reply_err(req, errno_of(r));
		return;
	}
	fi->direct_io = true;
	fi->fh = (uintptr_t)h;
	entry_of(a, &n, &e);
	if (fuse_reply_create(req, &e, fi) == -ENOENT) {
		release(a, h);
		forget(a, n.ino, 1);
	}
}

static void
op_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size,
	off_t off, struct fuse_file_info *fi)
{
	const struct handle *h = handle_of(fi);
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
		fuse_reply_err(req, errno_of(r));
	else
		fuse_reply_write(req, taken);
}

static void
op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	const struct handle *h = handle_of(fi);
	struct kb_cancel c;
	int r = 0;

	(void)ino;
	if (h->restored)
		r = wait_begin(req, &c);
	if (h->restored && r == 0) {
		r = kb_restore_file_flush(h->restored, &c);
		wait_end(req, &c);
	}
	fuse_reply_err(req, errno_of(r));
}

static void
op_fsync(
	fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	(void)datasync;
	op_flush(req, ino, fi);
}

static void
op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct kb_adaptor *a = adaptor_of(req);

	fuse_reply_err(req, is_ours(a, parent)
				    ? errno_of(kb_restore_tree_unlink(
					      a->setup.restore, parent, name))
				    : EROFS);
}

static void
op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct kb_adaptor *a = adaptor_of(req);

	fuse_reply_err(req, is_ours(a, parent)
				    ? errno_of(kb_restore_tree_rmdir(
					      a->setup.restore, parent, name))
				    : EROFS);
}

static void
op_rename(fuse_req_t req, fuse_ino_t parent, const char *name,
	fuse_ino_t new_parent, const char *new_name, unsigned flags)
{
	struct kb_adaptor *a = adaptor_of(req);

	/* Never EXDEV: mv(1) would then copy, which restores. */
	if (!is_ours(a, parent) || !is_ours(a, new_parent))
		fuse_reply_err(req, EROFS);
	else if (flags & ~1u) /* all but RENAME_NOREPLACE */
		fuse_reply_err(req, EINVAL);
	else
		reply_restore(req, kb_restore_tree_rename(a->setup.restore,
					   parent, name, new_parent, new_name));
}

static void
op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
	dev_t dev)
{
	(void)name;
	(void)mode;
	(void)dev;
	fuse_reply_err(req, is_ours(adaptor_of(req), parent) ? EPERM : EROFS);
}

static void
op_symlink(fuse_req_t req, const char *to, fuse_ino_t parent, const char *name)
{
	(void)to;
	op_mknod(req, parent, name, 0, 0);
}

static void
op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
	(void)ino;
	op_mknod(req, parent, name, 0, 0);
}

/* ---- the rest ---- */

static void
op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct statvfs st = {.f_bsize = BLOCK_SIZE,
		.f_frsize = BLOCK_SIZE,
		.f_namemax = 255};

	(void)ino;
	fuse_reply_statfs(req, &st);
}

/* Told EOPNOTSUPP once, ls -l does not ask again for each file. */
static void
op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	bool foreign = strncmp(name, "security.", 9) == 0 ||
		       strncmp(name, "system.posix_acl_", 17) == 0;

	(void)ino;
	(void)size;
	fuse_reply_err(req, foreign ? EOPNOTSUPP : ENODATA);
}

static void
op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	(void)ino;
	if (size == 0)
		fuse_reply_xattr(req, 0);
	else
		fuse_reply_buf(req, NULL, 0);
}

static void
op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value,
	size_t size, int flags)
{
	(void)name;
	(void)value;
	(void)size;
	(void)flags;
	fuse_reply_err(req, is_ours(adaptor_of(req), ino) ? 0 : EROFS);
}

static void
op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	(void)name;
	fuse_reply_err(req, is_ours(adaptor_of(req), ino) ? ENODATA : EROFS);
}

/* copy_file_range is left out: the kernel then reads and writes. */
static const struct fuse_lowlevel_ops ops = {
	.init = op_init,
	.lookup = op_lookup,
	.forget = op_forget,
	.forget_multi = op_forget_multi,
	.getattr = op_getattr,
	.setattr = op_setattr,
	.mknod = op_mknod,
	.mkdir = op_mkdir,
	.unlink = op_unlink,
	.rmdir = op_rmdir,
	.symlink = op_symlink,
	.link = op_link,
	.rename = op_rename,
	.create = op_create,
	.open = op_open,
	.read = op_read,
	.write = op_write,
	.flush = op_flush,
	.fsync = op_fsync,
	.release = op_release,
	.opendir = op_opendir,
	.readdir = op_readdir,
	.readdirplus = op_readdirplus,
	.statfs = op_statfs,
	.getxattr = op_getxattr,
	.listxattr = op_listxattr,
	.setxattr = op_setxattr,
	.removexattr = op_removexattr,
};

/* ---- the session ---- */

int
kb_adaptor_mount(const struct kb_adaptor_setup *setup, const char *mountpoint,
	struct kb_adaptor **out)
{
	struct kb_adaptor *a = calloc(1, sizeof(*a));
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	int r = 0;

	if (!a)
		return kb_err(-ENOMEM, "mount: out of memory");
	a->setup = *setup;
	if (fuse_opt_add_arg(&args, "kbakfs") < 0 ||
		fuse_opt_add_arg(&args, "-o") < 0 ||
		fuse_opt_add_arg(&args, setup->options) < 0)
		r = kb_err(-ENOMEM, "mount: out of memory");
	if (r == 0)
		a->session = fuse_session_new(&args, &ops, sizeof(ops), a);
	fuse_opt_free_args(&args);
	a->setup.options = NULL;
	if (r == 0 && a->session)
		a->mounted = fuse_session_mount(a->session, mountpoint) == 0;
	if (r == 0 && !a->mounted)
		r = kb_err(-EIO, "%s: cannot be mounted", mountpoint);
	if (r < 0) {
		kb_adaptor_close(a);
		return r;
	}
	*out = a;
	return 0;
}

int
kb_adaptor_serve(struct kb_adaptor *a)
{
	struct fuse_loop_config *c = fuse_loop_cfg_create();
	int r;

	if (!c)
		return kb_err(-ENOMEM, "mount: out of memory");
	fuse_loop_cfg_set_max_threads(c, THREADS_MAX);
	fuse_loop_cfg_set_idle_threads(c, THREADS_IDLE);
	r = fuse_session_loop_mt(a->session, c);
	fuse_loop_cfg_destroy(c);
	return r < 0 ? kb_err(r, "mount: %s", strerror(-r)) : 0;
}

void
kb_adaptor_stop(struct kb_adaptor *a)
{
	fuse_session_exit(a->session);
}

void
kb_adaptor_close(struct kb_adaptor *a)
{
	if (!a)
		return;
	if (a->mounted)
		fuse_session_unmount(a->session);
	if (a->session)
		fuse_session_destroy(a->session);
	free(a);
}
