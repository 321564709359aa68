#include "format/escape.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "random.h"
#include "suite.h"

#define MOST 200

/* What JSON asks for, a byte at a time. */
static size_t
expected(char *out, const uint8_t *s, size_t n)
{
	char *at = out;

	for (size_t i = 0; i < n; i++) {
		const char *two = memchr("\b\t\n\f\r\"\\", s[i], 7);

		if (two)
			at += sprintf(at, "\\%c",
				"btnfr\"\\"[strchr("\b\t\n\f\r\"\\", s[i]) -
					    "\b\t\n\f\r\"\\"]);
		else if (s[i] < 0x20)
			at += sprintf(at, "\\u%04X", s[i]);
		else
			*at++ = (char)s[i];
	}
	return (size_t)(at - out);
}

/* Both ways write it, and nothing behind the slack. */
static void
escapes(const uint8_t *s, size_t n)
{
	static char want[6 * MOST + 1], got[6 * MOST + KB_ESCAPE_SLACK + 1];
	char *(*const ways[])(char *, const uint8_t *, size_t) = {
		kb_escape_put, kb_escape_put_plain};
	size_t len = expected(want, s, n);

	for (size_t w = 0; w < 2; w++) {
		got[len + KB_ESCAPE_SLACK] = 'E';
		ck_assert_ptr_eq(ways[w](got, s, n), got + len);
		ck_assert_mem_eq(got, want, len);
		ck_assert_int_eq(got[len + KB_ESCAPE_SLACK], 'E');
	}
}

START_TEST(escape__knows_every_byte_at_every_place)
{
	uint8_t s[40];

	for (unsigned c = 0; c < 256; c++) {
		for (size_t i = 0; i < sizeof(s); i++) {
			memset(s, 'x', sizeof(s));
			s[i] = (uint8_t)c;
			escapes(s, sizeof(s));
			escapes(s + i, 1);
			escapes(s, i + 1);
		}
	}
}
END_TEST

START_TEST(escape__puts_a_backslash_wherever_quotes_stand)
{
	uint8_t s[32];

	for (unsigned mask = 0; mask < 1 << 16; mask++) {
		for (unsigned i = 0; i < 16; i++) {
			s[i] = mask >> i & 1 ? '"' : (uint8_t)('a' + i);
			s[i + 16] = mask >> i & 1 ? '\n' : (uint8_t)('A' + i);
		}
		escapes(s, sizeof(s));
	}
}
END_TEST

START_TEST(escape__writes_any_bytes)
{
	struct random r = {1};
	uint8_t s[MOST];

	for (int i = 0; i < 200000; i++) {
		size_t n = random_below(&r, sizeof(s) + 1);

		random_fill(&r, s, n);
		for (size_t k = 0; i % 2 && k < n; k++)
			s[k] |= 0x20; /* few control characters */
		escapes(s, n);
	}
}
END_TEST

/* What lies before and behind the bytes cannot be read. */
START_TEST(escape__reads_only_what_it_is_given)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *map = mmap(NULL, 3 * page, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t *first = map + page, *end = map + 2 * page;

	ck_assert_ptr_ne(map, MAP_FAILED);
	memset(map, '"', 3 * page);
	ck_assert_int_eq(mprotect(map, page, PROT_NONE), 0);
	ck_assert_int_eq(mprotect(end, page, PROT_NONE), 0);
	for (size_t n = 0; n <= MOST; n++) {
		escapes(end - n, n);
		escapes(first, n);
	}
	munmap(map, 3 * page);
}
END_TEST

KB_SUITE("escape", escape__knows_every_byte_at_every_place,
	escape__puts_a_backslash_wherever_quotes_stand,
	escape__writes_any_bytes, escape__reads_only_what_it_is_given)
