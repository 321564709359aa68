/* Aligned columns for people, and the words in their cells. */
#ifndef KB_BACKUP_TABLE_H
#define KB_BACKUP_TABLE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/buf.h"

/* Room for any cell made here. */
#define KB_TABLE_CELL 48

#define KB_TABLE_COLUMNS 8

/* Columns are as wide as the widest cell; numbers stand on the right. */
struct kb_table {
	FILE *to;
	size_t columns;
	char align[KB_TABLE_COLUMNS]; /* 'l' or 'r' */
	size_t width[KB_TABLE_COLUMNS];
	struct kb_buf cells; /* not yet printed, a zero after each */
	size_t rows;
};

/* align: "lrr", a letter a column; titles are the first row. */
int
kb_table_init(struct kb_table *t, FILE *to, const char *align,
	const char *const *titles);

/* Adds a row, copied. A long table is printed in parts. 0 or -ENOMEM. */
int
kb_table_add(struct kb_table *t, const char *const *cells);

/* Prints what is left and releases t. */
void
kb_table_end(struct kb_table *t);

/* "1.3 GB", "512 B": decimal units. */
const char *
kb_table_size(char cell[KB_TABLE_CELL], uint64_t bytes);

/* "1,234,567". */
const char *
kb_table_count(char cell[KB_TABLE_CELL], uint64_t n);

/* "2026-11-22 10:00:00Z", "-" for none. */
const char *
kb_table_time(char cell[KB_TABLE_CELL], int64_t ms);

#endif
