#include "format/utf8.h"

#include <string.h>

#include "suite.h"

static bool
valid(const char *s)
{
	return kb_utf8_valid((const uint8_t *)s, strlen(s));
}

START_TEST(utf8__accepts_the_first_and_last_of_each_length)
{
	ck_assert(kb_utf8_valid(NULL, 0));
	ck_assert(valid("\x01\x7f"));
	ck_assert(valid("\xc2\x80\xdf\xbf"));
	ck_assert(valid("\xe0\xa0\x80\xef\xbf\xbf"));
	ck_assert(valid("\xed\x9f\xbf\xee\x80\x80"));
	ck_assert(valid("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"));
	ck_assert(valid("eight ASCII bytes, then \xe2\x82\xac, then more"));
}
END_TEST

START_TEST(utf8__refuses_overlong_forms)
{
	ck_assert(!valid("\xc0\x80"));
	ck_assert(!valid("\xc1\xbf"));
	ck_assert(!valid("\xe0\x9f\xbf"));
	ck_assert(!valid("\xf0\x8f\xbf\xbf"));
}
END_TEST

START_TEST(utf8__refuses_surrogates_and_what_lies_above)
{
	ck_assert(!valid("\xed\xa0\x80"));
	ck_assert(!valid("\xed\xbf\xbf"));
	ck_assert(!valid("\xf4\x90\x80\x80"));
	ck_assert(!valid("\xf5\x80\x80\x80"));
	ck_assert(!valid("\xff"));
}
END_TEST

START_TEST(utf8__refuses_pieces)
{
	ck_assert(!valid("\x80"));
	ck_assert(!valid("\xc2"));
	ck_assert(!valid("\xc2 "));
	ck_assert(!valid("\xe2\x82"));
	ck_assert(!valid("\xe2\x82 "));
	ck_assert(!valid("\xf0\x90\x80"));
	ck_assert(!valid("\xf0\x90\x80 "));
	ck_assert(!valid("long enough for words \x80 and more of them"));
}
END_TEST

START_TEST(utf8__writes_what_it_accepts_for_every_code_point)
{
	uint8_t b[4];

	for (uint32_t c = 0; c <= 0x10ffff; c++) {
		if (c == 0xd800)
			c = 0xe000;
		if (!kb_utf8_valid(b, kb_utf8_write(b, c)))
			ck_abort_msg("U+%04X", c);
	}
	ck_assert_uint_eq(kb_utf8_write(b, 0x20ac), 3);
	ck_assert_mem_eq(b, "\xe2\x82\xac", 3);
}
END_TEST

/* Long enough for a first, a whole and a last step of any width. */
START_TEST(utf8__judges_every_place_alike)
{
	static const char *const good[] = {"\xc2\x80", "\xe2\x82\xac",
		"\xed\x9f\xbf", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf"};
	static const char *const bad[] = {"\x80", "\xff", "\xc0\x80", "\xc2 ",
		"\xe2\x82 ", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
		"\xf4\x90\x80\x80", "\xc2\x80\x80"};
	uint8_t text[300];

	for (size_t at = 0; at + 4 < sizeof(text); at++) {
		for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
			size_t len = strlen(good[i]);

			memset(text, 'a', sizeof(text));
			memcpy(text + at, good[i], len);
			ck_assert(kb_utf8_valid(text, sizeof(text)));
			ck_assert(kb_utf8_valid(text, at + len));
			ck_assert(!kb_utf8_valid(text, at + len - 1));
		}
		for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
			memset(text, 'a', sizeof(text));
			memcpy(text + at, bad[i], strlen(bad[i]));
			ck_assert(!kb_utf8_valid(text, sizeof(text)));
			ck_assert(!kb_utf8_valid(text, at + strlen(bad[i])));
		}
	}
}
END_TEST

KB_SUITE("utf8", utf8__accepts_the_first_and_last_of_each_length,
	utf8__refuses_overlong_forms,
	utf8__refuses_surrogates_and_what_lies_above, utf8__refuses_pieces,
	utf8__judges_every_place_alike,
	utf8__writes_what_it_accepts_for_every_code_point)
