/*
 * A file that is made anew for each open and stays as it was then. The kernel
 * keeps nothing of it.
 */
#include "fs/adaptor_ops.h"

#include <errno.h>

#include "common/clock.h"
#include "fs/ino.h"
#include "fs/tree.h"
#include "fs/vitals.h"

int
kb_adaptor_stat_status(struct kb_adaptor *a, struct kb_node *out)
{
	struct kb_buf text = {0};
	int r = kb_vitals_render(a->setup.vitals, &text);

	*out = (struct kb_node){.ino = KB_INO_STATUS,
		.mode = KB_FILE_MODE,
		.nlink = 1,
		.size = text.len,
		.mtime = kb_clock_wall_ms()};
	kb_buf_release(&text);
	return r;
}

int
kb_adaptor_open_status(
	struct kb_adaptor *a, struct fuse_file_info *fi, struct kb_handle *h)
{
	fi->direct_io = true;
	fi->noflush = true;
	return kb_vitals_render(a->setup.vitals, &h->status);
}

void
kb_adaptor_read_status(
	fuse_req_t req, const struct kb_handle *h, size_t size, off_t off)
{
	size_t from = (size_t)off < h->status.len ? (size_t)off : h->status.len;
	size_t len = h->status.len - from;

	fuse_reply_buf(req, (const char *)h->status.data + from,
		len < size ? len : size);
}
