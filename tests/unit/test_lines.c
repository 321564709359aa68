#include "fs/lines.h"

#include <errno.h>
#include <stdio.h>

#include "format/segment.h"
#include "fs/facts.h"
#include "suite.h"

static struct kb_jsonl view;
static struct kb_buf text;
static size_t starts[64];

/* A line per offset: 3, 6, 9, ...; every fourth without a time. */
static void
make(int count)
{
	kb_buf_clear(&text);
	kb_jsonl_init(&view, "orders", 3);
	for (int i = 0; i < count; i++) {
		struct kb_record r = {.offset = 3 * (i + 1),
			.timestamp = i % 4 == 3 ? -1 : 1000 - i,
			.logappend = i % 2,
			.value = kb_slice_str("a \"value\"\nof lines")};

		starts[i] = text.len;
		ck_ok(kb_buf_reserve(
			&text, kb_jsonl_measure(&view, &r) + KB_JSONL_SLACK));
		text.len += kb_jsonl_render(
			&view, &r, (char *)text.data + text.len);
	}
	starts[count] = text.len;
}

START_TEST(lines__finds_each_offset_and_the_places_between)
{
	size_t at;

	for (int count = 0; count < 20; count++) {
		make(count);
		for (int o = 0; o < 3 * count + 5; o++) {
			int line = o ? (o - 1) / 3 : 0;

			ck_ok(kb_lines_find(
				kb_buf_slice(&text), view.head_len, o, &at));
			ck_assert_uint_eq(
				at, starts[line < count ? line : count]);
		}
	}
	kb_buf_release(&text);
}
END_TEST

START_TEST(lines__survey_counts_and_widens)
{
	struct kb_slice undated;
	struct kb_facts f;

	make(20);
	ck_ok(kb_lines_survey(kb_buf_slice(&text), view.head_len, &f));
	ck_assert_uint_eq(f.records, 20);
	ck_assert_int_eq(f.first, 3);
	ck_assert_int_eq(f.last, 60);
	ck_assert_int_eq(f.min_timestamp, 1000 - 18);
	ck_assert_int_eq(f.max_timestamp, 1000);
	undated = kb_slice_of(text.data + starts[3], starts[4] - starts[3]);
	ck_ok(kb_lines_survey(undated, view.head_len, &f));
	ck_assert_uint_eq(f.records, 1);
	ck_assert_int_eq(f.first, 12);
	ck_assert_int_eq(f.max_timestamp, KB_NO_TIME);
	ck_ok(kb_lines_survey((struct kb_slice){0}, view.head_len, &f));
	ck_assert_uint_eq(f.records, 0);
	ck_assert_int_eq(f.first, -1);
	kb_buf_release(&text);
}
END_TEST

START_TEST(lines__refuses_other_text)
{
	struct kb_slice other = kb_slice_str("{}\nnot a line of ours\n");
	struct kb_facts f;
	size_t at;

	kb_jsonl_init(&view, "orders", 3);
	ck_assert_int_eq(kb_lines_find(other, view.head_len, 1, &at), -EBADMSG);
	ck_assert_int_eq(kb_lines_survey(other, view.head_len, &f), -EBADMSG);
}
END_TEST

KB_SUITE("lines", lines__finds_each_offset_and_the_places_between,
	lines__survey_counts_and_widens, lines__refuses_other_text)
