/*
 * Text: any line is parsed or refused inside its bounds; a line that parses is
 * rendered, as long as measured, and parses to the same record again.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "format/line.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool holds)
{
	if (!holds)
		abort();
}

static bool
same(struct kb_slice a, struct kb_slice b)
{
	return a.len == b.len && !a.data == !b.data &&
	       (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static void
require_same(const struct kb_record *a, const struct kb_record *b)
{
	require(a->offset == b->offset && a->timestamp == b->timestamp);
	require(a->logappend == b->logappend || a->timestamp == -1);
	require(a->header_count == b->header_count);
	require(same(a->key, b->key) && same(a->value, b->value));
	require(a->header_count == 0 || same(a->headers, b->headers));
}

/* Renders `line` and reads the text back. */
static void
round_trip(const struct kb_line *line)
{
	struct kb_line_parser *parser = NULL;
	struct kb_line again;
	struct kb_jsonl view;
	size_t n, len, column;
	char *text;

	/* what a record of a partition cannot be, a line may leave out */
	if (line->record.offset < 0)
		return;
	kb_jsonl_init(&view, "t", 0);
	n = kb_jsonl_measure(&view, &line->record);
	text = malloc(n + KB_JSONL_SLACK);
	require(text && kb_line_parser_new(&parser) == 0);
	len = kb_jsonl_render(&view, &line->record, text);
	require(len == n && memchr(text, '\n', n) == text + n - 1);
	require(kb_line_parse(parser, kb_slice_of(text, n), &again, &column) ==
		0);
	require_same(&line->record, &again.record);
	kb_line_parser_free(parser);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kb_line_parser *parser = NULL;
	struct kb_line line;
	size_t column = 0;
	int r;

	require(kb_line_parser_new(&parser) == 0);
	r = kb_line_parse(parser, kb_slice_of(data, size), &line, &column);
	if (r == 0)
		round_trip(&line);
	else
		require(r == -EINVAL && column >= 1 && column <= size + 1);
	kb_line_parser_free(parser);
	return 0;
}
