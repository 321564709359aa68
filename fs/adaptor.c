/*
 * The files adaptor*.c alone know libfuse: unpack a request, call, reply. This
 * one has the session, and the requests that ask for names and attributes.
 * Everything below restore/ has inode numbers of its own (fs/ino.h), so each
 * operation asks one of two trees.
 */
#include "fs/adaptor_ops.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "fs/ino.h"
#include "fs/interrupt.h"
#include "fs/restore_tree.h"
#include "fs/tree.h"
#include "fs/vitals.h"

#define BLOCK_SIZE 4096

/*
 * A request that waits for storage keeps a thread and, when the kernel reads
 * ahead, one of its places for those. So there are more of both than readers
 * that may be expected to wait at once: nobody else shall wait with them.
 */
#define BACKGROUND_MAX 512
#define CONGESTED 384
#define THREADS_MAX 1024
#define THREADS_IDLE 8

static void
op_init(void *ctx, struct fuse_conn_info *conn)
{
	struct kb_adaptor *a = ctx;

	/*
	 * Without asynchronous O_DIRECT the kernel tells when its reader was
	 * killed. Sizes with every list of names: left to the kernel's guess,
	 * du, tar, rsync and cp -r, which list a directory before they ask for
	 * the first size, ask for each file alone. 17 times as long, measured.
	 */
	conn->want &=
		~(unsigned)(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE |
			    FUSE_CAP_SPLICE_MOVE | FUSE_CAP_AUTO_INVAL_DATA |
			    FUSE_CAP_ASYNC_DIO | FUSE_CAP_READDIRPLUS_AUTO);
	conn->max_background = BACKGROUND_MAX;
	conn->congestion_threshold = CONGESTED;
	if (a->setup.ready)
		a->setup.ready(a->setup.ctx);
}

/* Of a range it may have to decode a block. */
static void
lookup_archive(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct kb_adaptor *a = kb_adaptor_of(req);
	struct kb_adaptor_wait w;
	struct kb_node n;
	int r;

	kb_adaptor_wait_begin(req, &w);
	r = kb_tree_lookup(a->setup.tree, parent, name, &n);
	if (kb_adaptor_wait_end(req, &w))
		kb_adaptor_reply_entry(req, r, &n);
	else if (r == 0)
		kb_adaptor_forget(a, n.ino, 1);
}

static void
op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct kb_adaptor *a = kb_adaptor_of(req);
	struct kb_node n;
	int r;

	if (kb_adaptor_restores(a, parent)) {
		r = kb_restore_tree_lookup(a->setup.restore, parent, name, &n);
	} else if (a->setup.restore && parent == KB_INO_ROOT &&
		   strcmp(name, "restore") == 0) {
		r = kb_restore_tree_stat(a->setup.restore, KB_INO_RESTORE, &n);
	} else if (parent == KB_INO_ROOT && strcmp(name, KB_STATUS) == 0) {
		r = kb_adaptor_stat_status(a, &n);
	} else {
		lookup_archive(req, parent, name);
		return;
	}
	kb_adaptor_reply_entry(req, r, &n);
}

void
kb_adaptor_forget(struct kb_adaptor *a, uint64_t ino, uint64_t lookups)
{
	if (!kb_adaptor_restores(a, ino))
		kb_tree_forget(a->setup.tree, ino, lookups);
	else if (ino != KB_INO_RESTORE)
		kb_restore_tree_forget(a->setup.restore, ino, lookups);
}

static void
op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t lookups)
{
	kb_adaptor_forget(kb_adaptor_of(req), ino, lookups);
	fuse_reply_none(req);
}

static void
op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	for (size_t i = 0; i < count; i++)
		kb_adaptor_forget(
			kb_adaptor_of(req), forgets[i].ino, forgets[i].nlookup);
	fuse_reply_none(req);
}

static void
op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct kb_adaptor *a = kb_adaptor_of(req);
	struct kb_node n;
	int r;

	(void)fi;
	if (kb_adaptor_restores(a, ino))
		r = kb_restore_tree_stat(a->setup.restore, ino, &n);
	else if (ino == KB_INO_STATUS)
		r = kb_adaptor_stat_status(a, &n);
	else
		r = kb_tree_stat(a->setup.tree, ino, &n);
	kb_adaptor_reply_attr(req, r, &n);
}

static void
op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct statvfs st = {.f_bsize = BLOCK_SIZE,
		.f_frsize = BLOCK_SIZE,
		.f_namemax = 255};

	(void)ino;
	fuse_reply_statfs(req, &st);
}

/* ---- how long each takes ---- */

static bool
is_interrupted(void *ctx)
{
	return fuse_req_interrupted(ctx);
}

/*
 * Defines timed_<name>, which has `answer` do the work, for `@status`; while it
 * does, what takes long can be interrupted.
 */
#define TIMED(name, kind, answer, params, args)                                \
	static void timed_##name params                                        \
	{                                                                      \
		struct kb_vitals *v = kb_adaptor_of(req)->setup.vitals;        \
		int64_t from = kb_clock_us();                                  \
                                                                               \
		kb_interrupt_watch(is_interrupted, req);                       \
		answer args;                                                   \
		kb_interrupt_watch(NULL, NULL);                                \
		kb_vitals_answered(v, kind, kb_clock_us() - from);             \
	}

TIMED(lookup, KB_VITAL_LOOKUP, op_lookup,
	(fuse_req_t req, fuse_ino_t parent, const char *name),
	(req, parent, name))
TIMED(getattr, KB_VITAL_GETATTR, op_getattr,
	(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi),
	(req, ino, fi))
TIMED(getxattr, KB_VITAL_GETXATTR, kb_adaptor_getxattr,
	(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size),
	(req, ino, name, size))
TIMED(listxattr, KB_VITAL_GETXATTR, kb_adaptor_listxattr,
	(fuse_req_t req, fuse_ino_t ino, size_t size), (req, ino, size))
TIMED(opendir, KB_VITAL_OPENDIR, kb_adaptor_opendir,
	(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi),
	(req, ino, fi))
TIMED(readdir, KB_VITAL_READDIR, kb_adaptor_readdir,
	(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		struct fuse_file_info *fi),
	(req, ino, size, off, fi))
TIMED(readdirplus, KB_VITAL_READDIR, kb_adaptor_readdirplus,
	(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		struct fuse_file_info *fi),
	(req, ino, size, off, fi))
TIMED(open, KB_VITAL_OPEN, kb_adaptor_open,
	(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi),
	(req, ino, fi))
TIMED(read, KB_VITAL_READ, kb_adaptor_read,
	(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		struct fuse_file_info *fi),
	(req, ino, size, off, fi))
TIMED(create, KB_VITAL_CREATE, kb_adaptor_create,
	(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
		struct fuse_file_info *fi),
	(req, parent, name, mode, fi))
TIMED(write, KB_VITAL_WRITE, kb_adaptor_write,
	(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size,
		off_t off, struct fuse_file_info *fi),
	(req, ino, data, size, off, fi))
TIMED(flush, KB_VITAL_FLUSH, kb_adaptor_flush,
	(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi),
	(req, ino, fi))

/* copy_file_range is left out: the kernel then reads and writes. */
static const struct fuse_lowlevel_ops ops = {
	.init = op_init,
	.lookup = timed_lookup,
	.forget = op_forget,
	.forget_multi = op_forget_multi,
	.getattr = timed_getattr,
	.setattr = kb_adaptor_setattr,
	.mknod = kb_adaptor_mknod,
	.mkdir = kb_adaptor_mkdir,
	.unlink = kb_adaptor_unlink,
	.rmdir = kb_adaptor_rmdir,
	.symlink = kb_adaptor_symlink,
	.link = kb_adaptor_link,
	.rename = kb_adaptor_rename,
	.create = timed_create,
	.open = timed_open,
	.read = timed_read,
	.write = timed_write,
	.flush = timed_flush,
	.fsync = kb_adaptor_fsync,
	.release = kb_adaptor_release,
	.opendir = timed_opendir,
	.readdir = timed_readdir,
	.readdirplus = timed_readdirplus,
	.statfs = op_statfs,
	.getxattr = timed_getxattr,
	.listxattr = timed_listxattr,
	.setxattr = kb_adaptor_setxattr,
	.removexattr = kb_adaptor_removexattr,
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

static int
add_name(void *ctx, const char *name, const struct kb_node *n, uint64_t cookie)
{
	(void)cookie;
	if (name[0] == '.' || n->ino == KB_INO_RESTORE)
		return 0;
	return kb_buf_put(ctx, name, strlen(name) + 1);
}

void
kb_adaptor_renew(struct kb_adaptor *a)
{
	struct kb_buf names = {0};

	if (kb_tree_list(
		    a->setup.tree, KB_INO_ROOT, 0, false, add_name, &names) < 0)
		kb_log_warn("%s", kb_err_text());
	for (size_t i = 0; i < names.len;) {
		const char *name = (const char *)names.data + i;
		size_t len = strlen(name);

		fuse_lowlevel_notify_inval_entry(
			a->session, KB_INO_ROOT, name, len);
		i += len + 1;
	}
	kb_buf_release(&names);
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
