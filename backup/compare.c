/* One line a field: a field that is forgotten here is a field unverified. */
#include "backup/compare.h"

#include <stddef.h>
#include <string.h>

#include "format/segment.h"
#include "store/gap.h"
#include "store/run.h"

#define SAME(field)                                                            \
	do {                                                                   \
		if (a->field != b->field)                                      \
			return #field;                                         \
	} while (0)

const char *
kb_compare_segments(const struct kb_segment *a, const struct kb_segment *b)
{
	SAME(start);
	SAME(end);
	SAME(first);
	SAME(last);
	SAME(bytes);
	SAME(records);
	SAME(dropped);
	SAME(min_timestamp);
	SAME(max_timestamp);
	SAME(undated);
	SAME(text_length);
	SAME(values_length);
	SAME(raw_length);
	SAME(leader_epoch);
	SAME(newline_in_value);
	SAME(block_count);
	return memcmp(a->sha256, b->sha256, sizeof(a->sha256)) ? "SHA-256"
							       : NULL;
}

const char *
kb_compare_blocks(const struct kb_block *a, const struct kb_block *b)
{
	SAME(first);
	SAME(last);
	SAME(position);
	SAME(size);
	SAME(records);
	SAME(dropped);
	SAME(min_timestamp);
	SAME(max_timestamp);
	SAME(undated);
	SAME(text_length);
	SAME(values_length);
	SAME(raw_length);
	SAME(newline_in_value);
	return NULL;
}

const char *
kb_compare_gaps(const struct kb_gap *a, const struct kb_gap *b)
{
	SAME(start);
	SAME(end);
	SAME(reason);
	SAME(noticed);
	return strcmp(a->detail, b->detail) ? "detail" : NULL;
}

const char *
kb_compare_runs(const struct kb_run *a, const struct kb_run *b)
{
	SAME(started);
	SAME(ended);
	SAME(complete);
	SAME(records);
	SAME(bytes);
	SAME(problems);
	return NULL;
}
