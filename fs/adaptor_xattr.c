/*
 * Extended attributes.
 */
#include "fs/adaptor_ops.h"

#include <errno.h>
#include <string.h>

/* Told EOPNOTSUPP once, ls -l does not ask again for each file. */
void
kb_adaptor_getxattr(
	fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	bool foreign = strncmp(name, "security.", 9) == 0 ||
		       strncmp(name, "system.posix_acl_", 17) == 0;

	(void)ino;
	(void)size;
	fuse_reply_err(req, foreign ? EOPNOTSUPP : ENODATA);
}

void
kb_adaptor_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	(void)ino;
	if (size == 0)
		fuse_reply_xattr(req, 0);
	else
		fuse_reply_buf(req, NULL, 0);
}

void
kb_adaptor_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name,
	const char *value, size_t size, int flags)
{
	(void)name;
	(void)value;
	(void)size;
	(void)flags;
	fuse_reply_err(
		req, kb_adaptor_restores(kb_adaptor_of(req), ino) ? 0 : EROFS);
}

void
kb_adaptor_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	(void)name;
	fuse_reply_err(req,
		kb_adaptor_restores(kb_adaptor_of(req), ino) ? ENODATA : EROFS);
}
