/*
 * EVP fails only without memory or without the algorithm; both show at the
 * first initialisation, so that adding and finishing cannot fail.
 */
#include "common/sha256.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/err.h"

struct kb_sha256 {
	EVP_MD_CTX *ctx;
};

int
kb_sha256_new(struct kb_sha256 **out)
{
	struct kb_sha256 *h = calloc(1, sizeof(*h));

	if (h)
		h->ctx = EVP_MD_CTX_new();
	if (!h || !h->ctx || !EVP_DigestInit_ex(h->ctx, EVP_sha256(), NULL)) {
		kb_sha256_free(h);
		return kb_err(-ENOMEM, "out of memory for SHA-256");
	}
	*out = h;
	return 0;
}

void
kb_sha256_free(struct kb_sha256 *h)
{
	if (!h)
		return;
	EVP_MD_CTX_free(h->ctx);
	free(h);
}

void
kb_sha256_add(struct kb_sha256 *h, const void *data, size_t len)
{
	EVP_DigestUpdate(h->ctx, data, len);
}

void
kb_sha256_finish(struct kb_sha256 *h, uint8_t out[KB_SHA256_SIZE])
{
	EVP_DigestFinal_ex(h->ctx, out, NULL);
	EVP_DigestInit_ex(h->ctx, EVP_sha256(), NULL);
}

void
kb_sha256_format(const uint8_t digest[KB_SHA256_SIZE], char out[KB_SHA256_TEXT])
{
	for (int i = 0; i < KB_SHA256_SIZE; i++)
		snprintf(out + i * 2, 3, "%02x", digest[i]);
}
