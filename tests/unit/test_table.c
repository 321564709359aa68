#include "backup/table.h"

#include <stdlib.h>

#include "suite.h"

static char cell[KB_TABLE_CELL];

START_TEST(table__writes_sizes)
{
	ck_assert_str_eq(kb_table_size(cell, 0), "0 B");
	ck_assert_str_eq(kb_table_size(cell, 999), "999 B");
	ck_assert_str_eq(kb_table_size(cell, 1000), "1.0 kB");
	ck_assert_str_eq(kb_table_size(cell, 999949), "999.9 kB");
	ck_assert_str_eq(kb_table_size(cell, 999950), "1.0 MB");
	ck_assert_str_eq(kb_table_size(cell, 1263000000), "1.3 GB");
	ck_assert_str_eq(kb_table_size(cell, UINT64_MAX), "18.4 EB");
}
END_TEST

START_TEST(table__writes_counts)
{
	ck_assert_str_eq(kb_table_count(cell, 0), "0");
	ck_assert_str_eq(kb_table_count(cell, 999), "999");
	ck_assert_str_eq(kb_table_count(cell, 1000), "1,000");
	ck_assert_str_eq(
		kb_table_count(cell, UINT64_MAX), "18,446,744,073,709,551,615");
}
END_TEST

START_TEST(table__writes_times)
{
	ck_assert_str_eq(
		kb_table_time(cell, 1700000000123), "2023-11-14 22:13:20Z");
	ck_assert_str_eq(kb_table_time(cell, 0), "1970-01-01 00:00:00Z");
	ck_assert_str_eq(kb_table_time(cell, -1), "-");
	kb_table_time(cell, INT64_MAX);
	ck_assert_uint_lt(strlen(cell), KB_TABLE_CELL);
}
END_TEST

START_TEST(table__aligns_columns)
{
	const char *titles[] = {"NAME", "SIZE", "NOTE"};
	const char *row[] = {"a", "12345", "x"};
	struct kb_table t;
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	ck_ok(kb_table_init(&t, to, "lrl", titles));
	ck_ok(kb_table_add(&t, row));
	kb_table_end(&t);
	fclose(to);
	ck_assert_str_eq(text, "NAME   SIZE  NOTE\na     12345  x\n");
	free(text);
}
END_TEST

START_TEST(table__does_not_keep_all_rows)
{
	const char *row[] = {"a", "b"};
	struct kb_table t;
	FILE *to = fopen("/dev/null", "w");

	ck_ok(kb_table_init(&t, to, "ll", row));
	for (int i = 0; i < 100000; i++)
		ck_ok(kb_table_add(&t, row));
	ck_assert_uint_lt(t.cells.cap, 1 << 20);
	kb_table_end(&t);
	fclose(to);
}
END_TEST

KB_SUITE("table", table__writes_sizes, table__writes_counts,
	table__writes_times, table__aligns_columns,
	table__does_not_keep_all_rows)
