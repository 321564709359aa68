/*
 * sqlite itself has no checksums: a flipped digit in a row goes unnoticed. The
 * seal is looked at by whoever verifies, not at every opening: that would read
 * the whole file.
 */
#include "index/seal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "store/store.h"

#define CHUNK (256 << 10)

static const char magic[8] = "kbakseal";

void
kb_seal_make(struct kb_sha256 *h, uint8_t out[KB_SEAL_SIZE])
{
	memcpy(out, magic, sizeof(magic));
	kb_sha256_finish(h, out + sizeof(magic));
}

/* Adds bytes 0..end of b to h. */
static int
add_all(struct kb_sha256 *h, struct kb_blob *b, uint64_t end, uint8_t *chunk)
{
	for (uint64_t pos = 0; pos < end;) {
		size_t want = end - pos < CHUNK ? (size_t)(end - pos) : CHUNK;
		ssize_t n = kb_blob_read(b, pos, chunk, want);

		if (n < 0)
			return (int)n;
		if (n == 0)
			return kb_err(-EBADMSG, "shorter than when opened");
		kb_sha256_add(h, chunk, (size_t)n);
		pos += (uint64_t)n;
	}
	return 0;
}

static int
check(struct kb_blob *b, uint64_t size, const char *name, uint8_t *chunk)
{
	uint8_t is[KB_SEAL_SIZE], should[KB_SEAL_SIZE];
	struct kb_sha256 *h;
	ssize_t n;
	int r;

	if (size < KB_SEAL_SIZE)
		return kb_err(
			-EBADMSG, "%s: cut off: run `kbak reindex`", name);
	n = kb_blob_read(b, size - KB_SEAL_SIZE, is, KB_SEAL_SIZE);
	if (n < 0)
		return (int)n;
	r = kb_sha256_new(&h);
	if (r < 0)
		return r;
	r = add_all(h, b, size - KB_SEAL_SIZE, chunk);
	kb_seal_make(h, should);
	kb_sha256_free(h);
	if (r < 0)
		return r;
	if (n != KB_SEAL_SIZE || memcmp(is, should, KB_SEAL_SIZE) != 0)
		return kb_err(-EBADMSG,
			"%s: damaged: its checksum is not that of its content: "
			"run `kbak reindex`",
			name);
	return 0;
}

int
kb_seal_check(struct kb_store *s, const char *name)
{
	uint8_t *chunk = malloc(CHUNK);
	struct kb_blob *b;
	uint64_t size;
	int r;

	if (!chunk)
		return kb_err(-ENOMEM, "%s: out of memory", name);
	r = kb_store_open(s, name, &b, &size);
	if (r == 0) {
		r = check(b, size, name, chunk);
		kb_blob_close(b);
	}
	free(chunk);
	return r;
}
