#include "fs/cut.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "format/batch.h"
#include "format/jsonl.h"
#include "fs/selector.h"
#include "fs/sources.h"
#include "specimen.h"
#include "store/layout.h"
#include "suite.h"

/*
 * One segment of offsets 0, 2, ... 1198, a hundred records a batch: batches
 * begin at 0, 200, 400..., and 300 records are a block.
 */
static struct specimen a;
static char dir[64];
static struct kb_sources *sources;
static struct kb_place place;
static const struct kb_source *source;

static void
setup(void)
{
	struct specimen_segment s = {.topic = "orders",
		.step = 2,
		.records = 600,
		.batch = 100,
		.value = 1000};
	struct kb_jsonl v;

	strcpy(dir, "/tmp/kb-cut-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_ok(specimen_open(&a, dir));
	ck_ok(specimen_put(&a, &s, NULL));
	kb_jsonl_init(&v, "orders", 0);
	place = (struct kb_place){.ordinal = 1,
		.topic = specimen_topic("orders"),
		.head_len = v.head_len};
	ck_ok(kb_sources_new(a.repo, a.index, 8 << 20, &sources));
	ck_ok(kb_sources_get(sources, &place, 0, &source));
	ck_assert_uint_eq(source->row.block_count, 2);
	ck_assert_int_eq(source->blocks[1].first, 600);
}

static void
teardown(void)
{
	char command[100];

	kb_sources_put(sources, source);
	kb_sources_free(sources);
	specimen_close(&a);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	ck_assert_int_eq(system(command), 0);
}

static int
cuts(enum kb_form form, int64_t first, int64_t last, struct kb_cut *out)
{
	struct kb_selector what = kb_selector_offsets(first, last);

	what.form = form;
	return kb_cut_segment(sources, &place, 0, &what, out);
}

START_TEST(cut__of_whole_blocks_needs_no_bytes)
{
	struct kb_cut c;

	setup();
	for (int form = 0; form < KB_FORMS; form++) {
		const uint64_t *starts = source->starts[form];

		ck_ok(cuts((enum kb_form)form, 599, 2000, &c));
		ck_assert_uint_eq(c.from, starts[1]);
		ck_assert_uint_eq(c.to, starts[2]);
		ck_assert_uint_eq(c.facts.records, 300);
		ck_assert_int_eq(c.facts.first, 600);
		ck_assert_int_eq(c.facts.last, 1198);
		ck_assert_int_eq(c.facts.min_timestamp, specimen_time(600));
		ck_assert_int_eq(c.facts.max_timestamp, specimen_time(1198));
	}
	ck_assert_uint_eq(kb_sources_decoded(sources), 0);
	teardown();
}
END_TEST

START_TEST(cut__of_lines_and_values_is_exact)
{
	struct kb_cut c;

	setup();
	ck_ok(cuts(KB_FORM_VALUES, 599, 603, &c));
	ck_assert_uint_eq(c.from, 300 * 1001);
	ck_assert_uint_eq(c.to, 302 * 1001);
	ck_assert_uint_eq(c.facts.records, 2);
	ck_ok(cuts(KB_FORM_VALUES, 597, 600, &c));
	ck_assert_uint_eq(c.from, 299 * 1001);
	ck_assert_uint_eq(c.to, 301 * 1001);
	ck_ok(cuts(KB_FORM_JSONL, 599, 603, &c));
	ck_assert_uint_eq(c.from, source->starts[KB_FORM_JSONL][1]);
	ck_assert_uint_eq(c.facts.records, 2);
	ck_assert_int_eq(c.facts.last, 602);
	teardown();
}
END_TEST

START_TEST(cut__of_nothing_is_empty)
{
	struct kb_cut c;

	setup();
	ck_ok(cuts(KB_FORM_JSONL, 3, 3, &c));
	ck_assert_uint_eq(c.from, c.to);
	ck_ok(cuts(KB_FORM_VALUES, 3, 3, &c));
	ck_assert_uint_eq(c.from, c.to);
	ck_assert_uint_eq(c.facts.records, 0);
	teardown();
}
END_TEST

START_TEST(cut__of_batches_goes_by_what_they_cover)
{
	struct kb_cut c;

	setup();
	/* No record there, but a batch covers it. */
	ck_ok(cuts(KB_FORM_LOG, 303, 303, &c));
	ck_assert_int_eq(c.facts.first, 200);
	ck_assert_int_eq(c.facts.last, 398);
	ck_assert_uint_eq(c.facts.records, 100);
	/* Between two batches. */
	ck_ok(cuts(KB_FORM_LOG, 399, 399, &c));
	ck_assert_uint_eq(c.from, c.to);
	ck_ok(cuts(KB_FORM_LOG, 398, 600, &c));
	ck_assert_int_eq(c.facts.first, 200);
	ck_assert_int_eq(c.facts.last, 798);
	ck_assert_int_eq(c.facts.max_timestamp, specimen_time(798));
	teardown();
}
END_TEST

/* The second batch's magic. */
static void
damage(void)
{
	char object[KB_NAME_MAX], path[500];
	struct kb_cut c;
	int fd;

	ck_ok(cuts(KB_FORM_LOG, 200, 201, &c));
	kb_sources_put(sources, source);
	kb_sources_free(sources);
	kb_layout_segment(object, &place.topic, 0, 0);
	snprintf(path, sizeof(path), "%s/%s", dir, object);
	fd = open(path, O_RDWR);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, "\x7f", 1, (off_t)c.from + 16), 1);
	close(fd);
	ck_ok(kb_sources_new(a.repo, a.index, 8 << 20, &sources));
	ck_ok(kb_sources_get(sources, &place, 0, &source));
}

START_TEST(cut__of_damage_fails_only_where_it_is)
{
	struct kb_cut c;

	setup();
	damage();
	for (int form = 0; form < KB_FORMS; form++) {
		ck_assert_int_eq(
			cuts((enum kb_form)form, 302, 2000, &c), -EBADMSG);
		ck_ok(cuts((enum kb_form)form, 600, 700, &c));
		ck_ok(cuts((enum kb_form)form, 0, 2000, &c));
		ck_assert_uint_eq(c.facts.records, 600);
	}
	teardown();
}
END_TEST

KB_SUITE("cut", cut__of_whole_blocks_needs_no_bytes,
	cut__of_lines_and_values_is_exact, cut__of_nothing_is_empty,
	cut__of_batches_goes_by_what_they_cover,
	cut__of_damage_fails_only_where_it_is)
