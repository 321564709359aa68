/* Kafka's 16-byte ids, printed as Kafka prints them. */
#ifndef KB_COMMON_UUID_H
#define KB_COMMON_UUID_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* base64url without padding, and the final zero. */
#define KB_UUID_TEXT 23

/* All zero: the broker has no topic ids (before 2.8, KIP-516). */
struct kb_uuid {
	uint8_t b[16];
};

void
kb_uuid_format(const struct kb_uuid *id, char out[KB_UUID_TEXT]);

/* text is 22 characters of base64url. -EINVAL, silently, otherwise. */
int
kb_uuid_parse(const char *text, struct kb_uuid *out);

/* A random (version 4) id. */
void
kb_uuid_random(struct kb_uuid *out);

static inline bool
kb_uuid_equal(const struct kb_uuid *a, const struct kb_uuid *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

static inline bool
kb_uuid_is_zero(const struct kb_uuid *a)
{
	return kb_uuid_equal(a, &(struct kb_uuid){{0}});
}

#endif
