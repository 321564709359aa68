/*
 * The adaptor's insides: how replies are made, and the requests that files of
 * their own answer. libfuse's contracts (fuse_lowlevel.h) hold for each.
 */
#ifndef KB_FS_ADAPTOR_OPS_H
#define KB_FS_ADAPTOR_OPS_H

#ifndef FUSE_USE_VERSION
#define FUSE_USE_VERSION 312
#endif
#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdatomic.h>

#include "common/buf.h"
#include "fs/adaptor.h"

struct kb_node;

struct kb_adaptor {
	struct kb_adaptor_setup setup;
	struct fuse_session *session;
	bool mounted;
};

/* ---- adaptor_reply.c ---- */

struct kb_adaptor *
kb_adaptor_of(fuse_req_t req);

/* Below restore/, which the other tree answers for. */
bool
kb_adaptor_restores(const struct kb_adaptor *a, uint64_t ino);

/* The entry of a node, and how long the kernel may believe it. */
void
kb_adaptor_entry(const struct kb_adaptor *a, const struct kb_node *n,
	struct fuse_entry_param *out);

/* Each answers the request: with r's error, or with what the name says. */
void
kb_adaptor_reply(fuse_req_t req, int r);
void
kb_adaptor_reply_attr(fuse_req_t req, int r, const struct kb_node *n);
void
kb_adaptor_reply_entry(fuse_req_t req, int r, const struct kb_node *n);

/* As reply; the log gets the sentence, which has no other way out. */
void
kb_adaptor_reply_restore(fuse_req_t req, int r);

/* ---- adaptor_wait.c ---- */

/* A request that may wait for storage, or for room in the cache. */
struct kb_adaptor_wait {
	pthread_mutex_t lock;
	pthread_cond_t done;
	pthread_t owner;
	bool interrupted;
	bool answered;
};

/*
 * From here on to wait_end whoever asked may lose patience: he is answered with
 * EINTR then, a moment later, and the request must not be touched any more.
 * Meanwhile kb_interrupt_seen() tells.
 */
void
kb_adaptor_wait_begin(fuse_req_t req, struct kb_adaptor_wait *w);

/* false: the request has been answered, and is gone. */
bool
kb_adaptor_wait_end(fuse_req_t req, struct kb_adaptor_wait *w);

/* ---- adaptor.c ---- */

/* Takes lookups back, in whichever tree. */
void
kb_adaptor_forget(struct kb_adaptor *a, uint64_t ino, uint64_t lookups);

/* ---- adaptor_dir.c ---- */

void
kb_adaptor_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void
kb_adaptor_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
	struct fuse_file_info *fi);
void
kb_adaptor_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
	struct fuse_file_info *fi);

/* ---- adaptor_file.c ---- */

struct kb_restore_file;
struct kb_view;

/* What an open file is: fuse_file_info's fh. */
struct kb_handle {
	struct kb_view *view; /* of the archive, or */
	struct kb_restore_file *restored;
	struct kb_buf status; /* or data NULL */
	atomic_uint reads;    /* under way; they may outlive the open file */
};

struct kb_handle *
kb_adaptor_handle(const struct fuse_file_info *fi);

/* Ends a read, or the open file; with the last of them it goes. */
void
kb_adaptor_drop(struct kb_adaptor *a, struct kb_handle *h);

void
kb_adaptor_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void
kb_adaptor_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
	struct fuse_file_info *fi);
void
kb_adaptor_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);

/* ---- adaptor_restore.c: what changes something ---- */

void
kb_adaptor_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *to, int set,
	struct fuse_file_info *fi);
void
kb_adaptor_mknod(fuse_req_t req, fuse_ino_t parent, const char *name,
	mode_t mode, dev_t dev);
void
kb_adaptor_symlink(
	fuse_req_t req, const char *to, fuse_ino_t parent, const char *name);
void
kb_adaptor_link(
	fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name);
void
kb_adaptor_mkdir(
	fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void
kb_adaptor_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void
kb_adaptor_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void
kb_adaptor_rename(fuse_req_t req, fuse_ino_t parent, const char *name,
	fuse_ino_t new_parent, const char *new_name, unsigned flags);
void
kb_adaptor_create(fuse_req_t req, fuse_ino_t parent, const char *name,
	mode_t mode, struct fuse_file_info *fi);
void
kb_adaptor_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size,
	off_t off, struct fuse_file_info *fi);
void
kb_adaptor_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void
kb_adaptor_fsync(fuse_req_t req, fuse_ino_t ino, int datasync,
	struct fuse_file_info *fi);

/* ---- adaptor_status.c: @status ---- */

#define KB_STATUS "@status"

int
kb_adaptor_stat_status(struct kb_adaptor *a, struct kb_node *out);
int
kb_adaptor_open_status(
	struct kb_adaptor *a, struct fuse_file_info *fi, struct kb_handle *h);
void
kb_adaptor_read_status(
	fuse_req_t req, const struct kb_handle *h, size_t size, off_t off);

/* ---- adaptor_xattr.c ---- */

void
kb_adaptor_getxattr(
	fuse_req_t req, fuse_ino_t ino, const char *name, size_t size);
void
kb_adaptor_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size);
void
kb_adaptor_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name,
	const char *value, size_t size, int flags);
void
kb_adaptor_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name);

#endif
