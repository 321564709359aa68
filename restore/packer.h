/*
 * Records into batches that a broker takes: base offset 0, no gaps,
 * CreateTime, zstd. A batch that turns out too large is halved.
 */
#ifndef KB_RESTORE_PACKER_H
#define KB_RESTORE_PACKER_H

#include <stddef.h>
#include <stdint.h>

struct kb_packer;
struct kb_record;

/* limit: raw bytes of a batch; a larger record goes alone. */
int
kb_packer_new(size_t limit, struct kb_packer **out);
void
kb_packer_free(struct kb_packer *p);

/*
 * Adds a copy of r, whatever its offset. 1: it does not fit, or sealed batches
 * are still there: seal and take those first. -EMSGSIZE: no batch can hold
 * it. -ENOMEM.
 */
int
kb_packer_add(struct kb_packer *p, const struct kb_record *r);

/* Closes the batch that is being filled; nothing when there is none. */
int
kb_packer_seal(struct kb_packer *p);

/* A sealed batch; its header may be written to. */
struct kb_parcel {
	uint8_t *batch;
	size_t len;
	int32_t count;
};

/* 0: the oldest sealed batch, there until done or halved. 1: none. */
int
kb_packer_peek(struct kb_packer *p, struct kb_parcel *out);

/* Forgets the oldest sealed batch: it has arrived. */
void
kb_packer_done(struct kb_packer *p);

/*
 * Makes two of the oldest sealed batch, and batches of the limit that shows
 * henceforth. 1: it is a single record. -EBADMSG, -ENOMEM.
 */
int
kb_packer_halve(struct kb_packer *p);

/* Records taken and not done yet. */
uint64_t
kb_packer_records(const struct kb_packer *p);

/* Bytes of memory held. Without records, kb_packer_shrink() gives all back. */
size_t
kb_packer_memory(const struct kb_packer *p);
void
kb_packer_shrink(struct kb_packer *p);

#endif
