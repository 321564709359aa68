/* Three bytes are four characters; the last group may be shorter. */
#include "format/base64.h"

static const char alphabet[64] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "abcdefghijklmnopqrstuvwxyz"
				 "0123456789+/";

static void
encode_group(char out[4], uint32_t v)
{
	out[0] = alphabet[v >> 18];
	out[1] = alphabet[v >> 12 & 63];
	out[2] = alphabet[v >> 6 & 63];
	out[3] = alphabet[v & 63];
}

size_t
kb_base64_encode(char *out, const uint8_t *data, size_t n)
{
	char *to = out;
	size_t i;

	for (i = 0; n - i >= 3; i += 3, to += 4) {
		encode_group(to, (uint32_t)data[i] << 16 |
					 (uint32_t)data[i + 1] << 8 |
					 data[i + 2]);
	}
	if (n - i == 2) {
		encode_group(to,
			(uint32_t)data[i] << 16 | (uint32_t)data[i + 1] << 8);
		to[3] = '=';
		to += 4;
	} else if (n - i == 1) {
		encode_group(to, (uint32_t)data[i] << 16);
		to[2] = '=';
		to[3] = '=';
		to += 4;
	}
	return (size_t)(to - out);
}

/* The value of a character, or -1. */
static int
digit(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Decodes len characters (2 to 4) into len - 1 bytes. The bad one, or len. */
static size_t
decode_group(uint8_t *out, const uint8_t *text, size_t len)
{
	uint32_t v = 0;

	for (size_t i = 0; i < len; i++) {
		int d = digit(text[i]);

		if (d < 0)
			return i;
		v |= (uint32_t)d << (18 - 6 * i);
	}
	/* bits that no byte uses are zero */
	if ((v & (0xffffffu >> (8 * (len - 1)))) != 0)
		return len - 1;
	for (size_t i = 0; i + 1 < len; i++)
		out[i] = (uint8_t)(v >> (16 - 8 * i));
	return len;
}

int
kb_base64_decode(uint8_t *out, const uint8_t *text, size_t n, size_t *out_len)
{
	uint8_t *to = out;
	size_t len = 4, good;

	for (size_t i = 0; i < n; i += 4) {
		if (n - i < 4) {
			*out_len = n;
			return 1;
		}
		if (n - i == 4 && text[i + 3] == '=')
			len = text[i + 2] == '=' ? 2 : 3;
		good = decode_group(to, text + i, len);
		if (good < len) {
			*out_len = i + good;
			return 1;
		}
		to += len - 1;
	}
	*out_len = (size_t)(to - out);
	return 0;
}
