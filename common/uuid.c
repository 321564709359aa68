/* RFC 4648 section 5, for 16 bytes only: 21 digits of 6 bits and one of 2. */
#include "common/uuid.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

static const char alphabet[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void
kb_uuid_format(const struct kb_uuid *id, char out[KB_UUID_TEXT])
{
	uint32_t acc = 0;
	int bits = 0, n = 0;

	for (int i = 0; i < 16; i++) {
		acc = acc << 8 | id->b[i];
		for (bits += 8; bits >= 6; bits -= 6)
			out[n++] = alphabet[acc >> (bits - 6) & 63];
	}
	out[n++] = alphabet[acc << (6 - bits) & 63];
	out[n] = '\0';
}

int
kb_uuid_parse(const char *text, struct kb_uuid *out)
{
	struct kb_uuid id;
	uint32_t acc = 0;
	int bits = 0, n = 0;

	if (strlen(text) != KB_UUID_TEXT - 1)
		return -EINVAL;
	for (const char *p = text; *p; p++) {
		const char *digit = strchr(alphabet, *p);

		if (!digit)
			return -EINVAL;
		acc = acc << 6 | (uint32_t)(digit - alphabet);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			id.b[n++] = (uint8_t)(acc >> bits);
		}
	}
	if (acc & ((1u << bits) - 1))
		return -EINVAL; /* another spelling of the same id */
	*out = id;
	return 0;
}

void
kb_uuid_random(struct kb_uuid *out)
{
	size_t n = 0;

	while (n < sizeof(out->b)) {
		ssize_t r = getrandom(out->b + n, sizeof(out->b) - n, 0);

		if (r > 0)
			n += (size_t)r;
	}
	out->b[6] = (uint8_t)((out->b[6] & 0x0f) | 0x40);
	out->b[8] = (uint8_t)((out->b[8] & 0x3f) | 0x80);
}
