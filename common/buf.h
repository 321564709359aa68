/* Bytes: a buffer that owns, a slice that borrows. */
#ifndef KB_COMMON_BUF_H
#define KB_COMMON_BUF_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Borrowed bytes. data NULL means "null", which is not "empty". */
struct kb_slice {
	const uint8_t *data;
	size_t len;
};

/* Owned bytes; {0} is a valid empty buffer. */
struct kb_buf {
	uint8_t *data;
	size_t len;
	size_t cap;
};

/* Frees the bytes; the buffer is empty and usable again. */
void
kb_buf_release(struct kb_buf *buf);

/* Makes room for `more` bytes beyond len. 0 or -ENOMEM. */
int
kb_buf_reserve(struct kb_buf *buf, size_t more);

/* Appends. 0 or -ENOMEM, then nothing was appended. */
int
kb_buf_put(struct kb_buf *buf, const void *data, size_t len);

/* Appends text in printf's format, without the final zero. */
int
kb_buf_printf(struct kb_buf *buf, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Big-endian integers, as Kafka has them on the wire. 0 or -ENOMEM. */
int
kb_buf_put_i8(struct kb_buf *buf, int8_t v);
int
kb_buf_put_i16(struct kb_buf *buf, int16_t v);
int
kb_buf_put_i32(struct kb_buf *buf, int32_t v);
int
kb_buf_put_i64(struct kb_buf *buf, int64_t v);

/* Unsigned LEB128 (KIP-482). */
int
kb_buf_put_uvarint(struct kb_buf *buf, uint64_t v);

/* Zig-zag LEB128, up to 64 bits (KIP-98). */
int
kb_buf_put_varint(struct kb_buf *buf, int64_t v);

/* Keeps the memory, forgets the content. */
static inline void
kb_buf_clear(struct kb_buf *buf)
{
	buf->len = 0;
}

/* Borrowed until the buffer next changes. */
static inline struct kb_slice
kb_buf_slice(const struct kb_buf *buf)
{
	return (struct kb_slice){buf->data, buf->len};
}

static inline struct kb_slice
kb_slice_of(const void *data, size_t len)
{
	return (struct kb_slice){data, len};
}

static inline struct kb_slice
kb_slice_str(const char *s)
{
	return (struct kb_slice){(const uint8_t *)s, strlen(s)};
}

#endif
