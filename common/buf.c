/* Growth doubles, so appending is linear in the bytes appended. */
#include "common/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/bytes.h"
#include "common/err.h"

void
kb_buf_release(struct kb_buf *buf)
{
	free(buf->data);
	*buf = (struct kb_buf){0};
}

int
kb_buf_reserve(struct kb_buf *buf, size_t more)
{
	size_t cap = buf->cap ? buf->cap : 256;
	uint8_t *data;

	if (more <= buf->cap - buf->len)
		return 0;
	if (more > SIZE_MAX / 4 - buf->len)
		return kb_err(-ENOMEM, "out of memory: %zu bytes more", more);
	while (cap - buf->len < more)
		cap *= 2;
	data = realloc(buf->data, cap);
	if (!data)
		return kb_err(-ENOMEM, "out of memory: %zu bytes", cap);
	buf->data = data;
	buf->cap = cap;
	return 0;
}

int
kb_buf_put(struct kb_buf *buf, const void *data, size_t len)
{
	int r = kb_buf_reserve(buf, len);

	if (r < 0)
		return r;
	if (len)
		memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	return 0;
}

int
kb_buf_printf(struct kb_buf *buf, const char *fmt, ...)
{
	va_list ap;
	int n, r;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return kb_err(-EINVAL, "cannot format text");
	r = kb_buf_reserve(buf, (size_t)n + 1);
	if (r < 0)
		return r;
	va_start(ap, fmt);
	vsnprintf((char *)buf->data + buf->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	buf->len += (size_t)n;
	return 0;
}

int
kb_buf_put_i8(struct kb_buf *buf, int8_t v)
{
	return kb_buf_put(buf, &v, 1);
}

int
kb_buf_put_i16(struct kb_buf *buf, int16_t v)
{
	uint8_t b[2];

	kb_store_be16(b, (uint16_t)v);
	return kb_buf_put(buf, b, sizeof(b));
}

int
kb_buf_put_i32(struct kb_buf *buf, int32_t v)
{
	uint8_t b[4];

	kb_store_be32(b, (uint32_t)v);
	return kb_buf_put(buf, b, sizeof(b));
}

int
kb_buf_put_i64(struct kb_buf *buf, int64_t v)
{
	uint8_t b[8];

	kb_store_be64(b, (uint64_t)v);
	return kb_buf_put(buf, b, sizeof(b));
}

int
kb_buf_put_uvarint(struct kb_buf *buf, uint64_t v)
{
	uint8_t b[KB_VARINT_MAX];

	return kb_buf_put(buf, b, kb_uvarint_write(b, v));
}

int
kb_buf_put_varint(struct kb_buf *buf, int64_t v)
{
	uint8_t b[KB_VARINT_MAX];

	return kb_buf_put(buf, b, kb_uvarint_write(b, kb_zigzag(v)));
}
