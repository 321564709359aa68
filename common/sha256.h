/* SHA-256 as bytes pass (FIPS 180-4, by OpenSSL). */
#ifndef KB_COMMON_SHA256_H
#define KB_COMMON_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define KB_SHA256_SIZE 32
#define KB_SHA256_TEXT 65

struct kb_sha256; /* one thread at a time */

/* 0 or -ENOMEM. */
int
kb_sha256_new(struct kb_sha256 **out);
void
kb_sha256_free(struct kb_sha256 *h);

void
kb_sha256_add(struct kb_sha256 *h, const void *data, size_t len);

/* The digest of all that was added; h then starts afresh. */
void
kb_sha256_finish(struct kb_sha256 *h, uint8_t out[KB_SHA256_SIZE]);

/* Lower-case hexadecimal. */
void
kb_sha256_format(
	const uint8_t digest[KB_SHA256_SIZE], char out[KB_SHA256_TEXT]);

#endif
