/*
 * Rows wait until their columns' widths are known, but never more than
 * ROWS_KEPT of them: a repository of a million segments is listed in the same
 * memory as one of ten, and a column may then widen once in a while.
 */
#include "backup/table.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"

#define ROWS_KEPT 1000

int
kb_table_init(struct kb_table *t, FILE *to, const char *align,
	const char *const *titles)
{
	*t = (struct kb_table){.to = to, .columns = strlen(align)};
	memcpy(t->align, align, t->columns);
	return kb_table_add(t, titles);
}

static void
print_row(const struct kb_table *t, const char **cell)
{
	for (size_t i = 0; i < t->columns; i++) {
		size_t len = strlen(*cell);
		int pad = (int)(t->width[i] - len);

		fprintf(t->to, "%s", i ? "  " : "");
		if (t->align[i] == 'r')
			fprintf(t->to, "%*s%s", pad, "", *cell);
		else if (i + 1 < t->columns)
			fprintf(t->to, "%s%*s", *cell, pad, "");
		else
			fprintf(t->to, "%s", *cell);
		*cell += len + 1;
	}
	fputc('\n', t->to);
}

static void
print(struct kb_table *t)
{
	const char *cell = (const char *)t->cells.data;

	for (; t->rows; t->rows--)
		print_row(t, &cell);
	kb_buf_clear(&t->cells);
}

int
kb_table_add(struct kb_table *t, const char *const *cells)
{
	for (size_t i = 0; i < t->columns; i++) {
		size_t len = strlen(cells[i]);
		int r = kb_buf_put(&t->cells, cells[i], len + 1);

		if (r < 0)
			return r;
		if (len > t->width[i])
			t->width[i] = len;
	}
	if (++t->rows == ROWS_KEPT)
		print(t);
	return 0;
}

void
kb_table_end(struct kb_table *t)
{
	print(t);
	kb_buf_release(&t->cells);
}

const char *
kb_table_size(char cell[KB_TABLE_CELL], uint64_t bytes)
{
	static const char units[] = "kMGTPE";
	double v = (double)bytes;
	size_t u = 0;

	if (bytes < 1000) {
		snprintf(cell, KB_TABLE_CELL, "%" PRIu64 " B", bytes);
		return cell;
	}
	for (v /= 1000; v >= 999.95 && units[u + 1]; u++)
		v /= 1000;
	snprintf(cell, KB_TABLE_CELL, "%.1f %cB", v, units[u]);
	return cell;
}

const char *
kb_table_count(char cell[KB_TABLE_CELL], uint64_t n)
{
	char plain[24];
	size_t len = (size_t)snprintf(plain, sizeof(plain), "%" PRIu64, n);
	char *out = cell;

	for (size_t i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			*out++ = ',';
		*out++ = plain[i];
	}
	*out = '\0';
	return cell;
}

const char *
kb_table_time(char cell[KB_TABLE_CELL], int64_t ms)
{
	char text[KB_CLOCK_TEXT];
	char *day = cell + 10;

	kb_clock_format(ms, text);
	snprintf(cell, KB_TABLE_CELL, "%s", text);
	if (strlen(cell) == 24 && *day == 'T') { /* years of four digits */
		*day = ' ';
		strcpy(cell + 19, "Z");
	}
	return cell;
}
