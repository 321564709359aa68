/*
 * Files of the archive never change: the kernel may keep their entries,
 * attributes and pages for ever. What can change is never kept, and absent
 * names are never remembered.
 */
#include "fs/adaptor_ops.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "common/err.h"
#include "common/log.h"
#include "fs/ino.h"
#include "fs/tree.h"

#define FOR_EVER 1e9 /* seconds */
#define DIR_SECONDS 1.0
#define BLOCK_SIZE 4096

struct kb_adaptor *
kb_adaptor_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

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

bool
kb_adaptor_restores(const struct kb_adaptor *a, uint64_t ino)
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

void
kb_adaptor_entry(const struct kb_adaptor *a, const struct kb_node *n,
	struct fuse_entry_param *e)
{
	memset(e, 0, sizeof(*e));
	e->ino = n->ino;
	stat_of(a, n, &e->attr);
	e->attr_timeout = seconds_of(n);
	e->entry_timeout = n->moves ? 0 : e->attr_timeout;
}

void
kb_adaptor_reply(fuse_req_t req, int r)
{
	fuse_reply_err(req, errno_of(r));
}

void
kb_adaptor_reply_attr(fuse_req_t req, int r, const struct kb_node *n)
{
	struct stat st;

	if (r < 0) {
		kb_adaptor_reply(req, r);
		return;
	}
	stat_of(kb_adaptor_of(req), n, &st);
	fuse_reply_attr(req, &st, seconds_of(n));
}

void
kb_adaptor_reply_entry(fuse_req_t req, int r, const struct kb_node *n)
{
	struct kb_adaptor *a = kb_adaptor_of(req);
	struct fuse_entry_param e;

	if (r < 0) {
		kb_adaptor_reply(req, r);
		return;
	}
	kb_adaptor_entry(a, n, &e);
	if (fuse_reply_entry(req, &e) == -ENOENT)
		kb_adaptor_forget(a, n->ino, 1); /* interrupted */
}

void
kb_adaptor_reply_restore(fuse_req_t req, int r)
{
	if (r < 0 && r != -ENOENT)
		kb_log_warn("%s", kb_err_text());
	kb_adaptor_reply(req, r);
}
