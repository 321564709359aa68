/*
 * The xerial framing: a magic of 8 bytes, two int32 versions, then blocks of
 * raw snappy, each behind an int32 length. Java's reader takes another magic
 * in the place of a length as the start of a concatenated stream, and so do
 * we; as a length it would be negative. No raw snappy begins like the magic:
 * its third byte would be a copy before there is anything to copy.
 */
#include "format/snappy.h"

#include <errno.h>
#include <snappy-c.h>

#include "common/cursor.h"
#include "common/err.h"

/*
 * The densest element is a copy of 64 bytes in three: 21.4 bytes for one.
 */
#define EXPANSION_MAX 22

/* Behind the magic: the version, and the oldest that can read it. */
#define VERSIONS 8

static const uint8_t magic[8] = {0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0};

static int
decode_raw(struct kb_slice in, size_t max, struct kb_buf *out)
{
	const char *data = (const char *)in.data;
	size_t len;
	int r;

	if (!in.len || snappy_uncompressed_length(data, in.len, &len))
		return kb_err(-EBADMSG, "snappy: damaged length");
	if (len > max - out->len)
		return kb_err(-EBADMSG,
			"snappy: decodes to %zu bytes, more than %zu", len,
			max - out->len);
	if (len / EXPANSION_MAX > in.len)
		return kb_err(-EBADMSG,
			"snappy: %zu bytes cannot decode to %zu", in.len, len);
	r = kb_buf_reserve(out, len);
	if (r < 0)
		return r;
	if (snappy_uncompress(data, in.len, (char *)out->data + out->len, &len))
		return kb_err(-EBADMSG, "snappy: damaged");
	out->len += len;
	return 0;
}

static bool
at_magic(const struct kb_cursor *c)
{
	return kb_cursor_left(c) >= sizeof(magic) &&
	       !memcmp(c->at, magic, sizeof(magic));
}

static int
decode_xerial(struct kb_slice in, size_t max, struct kb_buf *out)
{
	struct kb_cursor c = kb_cursor_of(in);
	struct kb_slice block;
	int r;

	while (!c.bad && kb_cursor_left(&c)) {
		if (at_magic(&c)) {
			kb_cursor_take(&c, sizeof(magic) + VERSIONS);
			continue;
		}
		block = kb_cursor_bytes(&c, kb_cursor_i32(&c));
		if (!block.data)
			c.bad = true;
		else if ((r = decode_raw(block, max, out)) < 0)
			return r;
	}
	if (c.bad)
		return kb_err(-EBADMSG, "snappy: damaged xerial framing");
	return 0;
}

int
kb_snappy_decode(struct kb_slice in, size_t max, struct kb_buf *out)
{
	struct kb_cursor c = kb_cursor_of(in);

	max += out->len;
	return at_magic(&c) ? decode_xerial(in, max, out)
			    : decode_raw(in, max, out);
}
