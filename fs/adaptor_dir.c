/*
 * Listings. What needs no counting as a lookup, or is ready to be counted, is
 * handed over with its attributes; the other entries are names alone.
 */
#include "fs/adaptor_ops.h"

#include <errno.h>
#include <stdlib.h>

#include "fs/ino.h"
#include "fs/restore_tree.h"
#include "fs/tree.h"

/* A READDIR reply as it fills up. */
struct page {
	fuse_req_t req;
	bool plus;
	char *data;
	size_t len;
	size_t size;
	uint64_t counted; /* lookups of files of the past, */
	uint64_t ino;	  /* all in the folder of this one */
};

static int
fill_page(void *ctx, const char *name, const struct kb_node *n, uint64_t cookie)
{
	struct page *p = ctx;
	struct fuse_entry_param e;
	size_t len, left = p->size - p->len;

	kb_adaptor_entry(kb_adaptor_of(p->req), n, &e);
	if (p->plus) {
		if ((n->ino & KB_INO_VIEW && !n->ready) || name[0] == '.')
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
	if (p->plus && n->ready) {
		kb_tree_count(kb_adaptor_of(p->req)->setup.tree, n->ino);
		p->counted++;
		p->ino = n->ino;
	}
	return 0;
}

static void
list(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, bool plus)
{
	struct kb_adaptor *a = kb_adaptor_of(req);
	struct page p = {.req = req, .plus = plus, .size = size};
	int r;

	p.data = malloc(size);
	if (!p.data) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	r = kb_adaptor_restores(a, ino)
		    ? kb_restore_tree_list(a->setup.restore, ino, (uint64_t)off,
			      fill_page, &p)
		    : kb_tree_list(a->setup.tree, ino, (uint64_t)off, plus,
			      fill_page, &p);
	if (r < 0 && p.len == 0)
		kb_adaptor_reply(req, r);
	else if (fuse_reply_buf(req, p.data, p.len) < 0 && p.counted)
		kb_tree_forget(a->setup.tree, p.ino, p.counted);
	free(p.data);
}

void
kb_adaptor_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	fuse_reply_open(req, fi);
}

void
kb_adaptor_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
	struct fuse_file_info *fi)
{
	(void)fi;
	list(req, ino, size, off, false);
}

void
kb_adaptor_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
	struct fuse_file_info *fi)
{
	(void)fi;
	list(req, ino, size, off, true);
}
