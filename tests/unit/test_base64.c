#include "format/base64.h"

#include <string.h>

#include "suite.h"

static const struct {
	const char *bytes;
	const char *text;
} vectors[] = {
	/* RFC 4648, section 10 */
	{"", ""},
	{"f", "Zg=="},
	{"fo", "Zm8="},
	{"foo", "Zm9v"},
	{"foob", "Zm9vYg=="},
	{"fooba", "Zm9vYmE="},
	{"foobar", "Zm9vYmFy"},
	{"\xfb\xff\xfe", "+//+"},
};

START_TEST(base64__encodes_the_vectors_of_the_rfc)
{
	char out[64];

	for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
		size_t n = strlen(vectors[i].bytes);
		size_t len = kb_base64_encode(
			out, (const uint8_t *)vectors[i].bytes, n);

		ck_assert_uint_eq(len, kb_base64_size(n));
		ck_assert_uint_eq(len, strlen(vectors[i].text));
		ck_assert_mem_eq(out, vectors[i].text, len);
	}
}
END_TEST

START_TEST(base64__decodes_them_back_in_place)
{
	uint8_t text[64];
	size_t len;

	for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
		size_t n = strlen(vectors[i].text);

		memcpy(text, vectors[i].text, n);
		ck_ok(kb_base64_decode(text, text, n, &len));
		ck_assert_uint_eq(len, strlen(vectors[i].bytes));
		ck_assert_mem_eq(text, vectors[i].bytes, len);
	}
}
END_TEST

START_TEST(base64__tells_where_it_is_wrong)
{
	static const struct {
		const char *text;
		size_t at;
	} bad[] = {
		{"Z", 1},
		{"Zm9vY", 5},
		{"Zm9vYg", 6},
		{"Zm9*", 3},
		{"Zm-v", 2},
		{"Zg==Zg==", 2}, /* padding in the middle */
		{"Z===", 1},
		{"====", 0},
		{"Zh==", 1}, /* bits that no byte uses */
		{"Zm9=", 2},
		{"Zm 9", 2},
	};
	uint8_t out[16];
	size_t at;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		int r = kb_base64_decode(out, (const uint8_t *)bad[i].text,
			strlen(bad[i].text), &at);

		ck_assert_msg(r == 1, "%s", bad[i].text);
		ck_assert_msg(at == bad[i].at, "%s: %zu", bad[i].text, at);
	}
}
END_TEST

KB_SUITE("base64", base64__encodes_the_vectors_of_the_rfc,
	base64__decodes_them_back_in_place, base64__tells_where_it_is_wrong)
