/*
 * Attributes of the archive are made when asked for (fs/attrs.c); below
 * restore/ there are none, and what tools set there is accepted and forgotten.
 */
#include "fs/adaptor_ops.h"

#include <errno.h>
#include <string.h>

#include "common/buf.h"
#include "fs/attrs.h"

/* size 0 asks for the length alone. */
static void
reply_bytes(fuse_req_t req, const void *bytes, size_t len, size_t size)
{
	if (size == 0)
		fuse_reply_xattr(req, len);
	else if (len > size)
		fuse_reply_err(req, ERANGE);
	else
		fuse_reply_buf(req, bytes, len);
}

static int
gather(fuse_req_t req, fuse_ino_t ino, unsigned wanted, struct kb_attrs *out)
{
	struct kb_adaptor *a = kb_adaptor_of(req);

	*out = (struct kb_attrs){0};
	return kb_adaptor_restores(a, ino) || !wanted
		       ? 0
		       : kb_attrs_gather(a->setup.tree, ino, wanted, out);
}

/* Told EOPNOTSUPP once, ls -l does not ask again for each file. */
void
kb_adaptor_getxattr(
	fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	unsigned wanted = kb_attrs_named(name);
	char value[KB_ATTR_MAX];
	struct kb_attrs attrs;
	int r;

	if (strncmp(name, "security.", 9) == 0 ||
		strncmp(name, "system.posix_acl_", 17) == 0) {
		fuse_reply_err(req, EOPNOTSUPP);
		return;
	}
	r = gather(req, ino, wanted, &attrs);
	if (r < 0)
		kb_adaptor_reply(req, r);
	else if (!attrs.has)
		fuse_reply_err(req, ENODATA);
	else
		reply_bytes(req, value,
			kb_attrs_value(&attrs,
				(enum kb_attr)__builtin_ctz(wanted), value),
			size);
}

void
kb_adaptor_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	struct kb_buf names = {0};
	struct kb_attrs attrs;
	int r = gather(req, ino, KB_ATTRS_ALL, &attrs);

	if (r == 0)
		r = kb_attrs_list(&attrs, &names);
	if (r < 0)
		kb_adaptor_reply(req, r);
	else
		reply_bytes(req, names.data, names.len, size);
	kb_buf_release(&names);
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
