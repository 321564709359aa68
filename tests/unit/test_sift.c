#include "fs/sift.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "format/jsonl.h"
#include "fs/facts.h"
#include "fs/interrupt.h"
#include "fs/selector.h"
#include "fs/sources.h"
#include "fs/view.h"
#include "random.h"
#include "specimen.h"
#include "suite.h"

/* Six segments of some blocks; times jump about, every seventh has none. */
#define SEGMENTS 6
#define RECORDS 400
#define ALL (SEGMENTS * RECORDS)
#define SPREAD 500

static struct specimen a;
static char dir[64];
static struct kb_sources *sources;
static struct kb_place place;
static struct kb_buf text, values;
static size_t lines[ALL + 1], value_at[ALL + 1];

static int64_t
jumps(int64_t offset)
{
	uint64_t x = (uint64_t)offset * 0x9e3779b97f4a7c15u;

	if (offset % 7 == 3)
		return KB_NO_TIME;
	return offset + (int64_t)((x >> 40) % SPREAD);
}

/* In order, none missing. */
static int64_t
rises(int64_t offset)
{
	return offset;
}

/* In order, and none from the third segment on. */
static int64_t
fades(int64_t offset)
{
	return offset < 2 * RECORDS ? offset : KB_NO_TIME;
}

static int64_t (*time_of)(int64_t offset);

static void
find_lines(const struct kb_buf *b, size_t *at)
{
	const uint8_t *p = b->data;

	for (int i = 0; i < ALL; i++) {
		at[i] = (size_t)(p - b->data);
		p = (uint8_t *)memchr(p, '\n', b->len - at[i]) + 1;
	}
	at[ALL] = b->len;
}

static void
setup(int64_t (*time)(int64_t offset))
{
	struct specimen_segment s = {.topic = "orders",
		.partition = 2,
		.records = RECORDS,
		.batch = 50,
		.time = time,
		.value = 2000};
	struct kb_index_delta *d;
	struct kb_jsonl v;

	time_of = time;
	strcpy(dir, "/tmp/kb-sift-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_ok(specimen_open(&a, dir));
	for (int i = 0; i < SEGMENTS; i++) {
		ck_ok(kb_index_delta_new(&d));
		ck_ok(specimen_text(&s, &text));
		ck_ok(specimen_values(&s, &values));
		ck_ok(specimen_add(&a, d, &s, &s.start));
		ck_ok(kb_index_commit(a.index, d));
		kb_index_delta_free(d);
	}
	find_lines(&text, lines);
	find_lines(&values, value_at);
	kb_jsonl_init(&v, "orders", 2);
	place = (struct kb_place){.ordinal = 1,
		.partition = 2,
		.topic = specimen_topic("orders"),
		.head_len = v.head_len};
	ck_ok(kb_sources_new(a.repo, a.index, 8 << 20, &sources));
}

static void
teardown(void)
{
	char command[100];

	kb_sources_free(sources);
	specimen_close(&a);
	kb_buf_release(&text);
	kb_buf_release(&values);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	ck_assert_int_eq(system(command), 0);
}

/* What the selector means, by the records themselves. */
static void
by_hand(const struct kb_selector *what, struct kb_buf *out,
	struct kb_facts *facts)
{
	bool in_values = what->form == KB_FORM_VALUES;
	const struct kb_buf *from = in_values ? &values : &text;
	const size_t *at = in_values ? value_at : lines;

	*facts = kb_facts_none();
	for (int i = 0; i < ALL; i++) {
		int64_t time = time_of(i);
		struct kb_facts one = {1, i, i, time, time};

		if (i < what->first || i > what->last ||
			!kb_period_has(&what->period, time))
			continue;
		kb_facts_add(facts, &one);
		ck_ok(kb_buf_put(out, from->data + at[i], at[i + 1] - at[i]));
	}
}

static void
reads(struct kb_view *v, const struct kb_buf *want, size_t pos, size_t len)
{
	struct kb_span span;
	size_t at = pos;

	if (len > want->len - pos)
		len = want->len - pos;
	ck_ok(kb_view_read(v, pos, len, &span));
	ck_assert_uint_eq(span.len, len);
	for (int i = 0; i < span.count; i++) {
		ck_assert_mem_eq(span.iov[i].iov_base, want->data + at,
			span.iov[i].iov_len);
		at += span.iov[i].iov_len;
	}
	kb_span_release(&span);
}

static void
shows(const struct kb_selector *what, struct random *rnd)
{
	struct kb_buf want = {0};
	const struct kb_facts *found;
	struct kb_facts facts;
	struct kb_view *v;
	int r = kb_view_open(sources, a.index, &place, what, &v);

	by_hand(what, &want, &facts);
	if (!want.len) {
		ck_assert_int_eq(r, -ENOENT);
		return;
	}
	ck_ok(r);
	ck_assert_uint_eq(kb_view_size(v), want.len);
	found = kb_view_facts(v);
	ck_assert_uint_eq(found->records, facts.records);
	ck_assert_int_eq(found->first, facts.first);
	ck_assert_int_eq(found->last, facts.last);
	ck_assert_int_eq(found->min_timestamp, facts.min_timestamp);
	ck_assert_int_eq(found->max_timestamp, facts.max_timestamp);
	reads(v, &want, 0, want.len);
	for (int i = 0; i < 4; i++)
		reads(v, &want, random_below(rnd, want.len),
			random_below(rnd, i % 2 ? 500 : 300000));
	kb_view_close(v);
	kb_buf_release(&want);
}

static struct kb_selector
of_times(int64_t from, int64_t to, bool undated)
{
	struct kb_selector what = kb_selector_offsets(0, KB_OFFSET_MAX);

	what.period = (struct kb_period){from, to, undated};
	return what;
}

static void
shows_any(int64_t (*time)(int64_t offset))
{
	struct random rnd = {5};

	setup(time);
	for (int i = 0; i < 60; i++) {
		int64_t from = (int64_t)random_below(&rnd, ALL + SPREAD);
		size_t length = i % 3 ? 40 : ALL;
		struct kb_selector what = of_times(from,
			from + (int64_t)random_below(&rnd, length),
			random_below(&rnd, 2));

		if (i % 4 == 0)
			what.period.from = INT64_MIN;
		if (i % 4 == 1)
			what.period.to = INT64_MAX;
		if (i % 5 == 0) {
			what.first = (int64_t)random_below(&rnd, ALL);
			what.last =
				what.first + (int64_t)random_below(&rnd, ALL);
		}
		if (i % 2)
			what.form = KB_FORM_VALUES;
		shows(&what, &rnd);
	}
	teardown();
}

START_TEST(sift__any_period_of_jumping_times_is_exactly_its_records)
{
	shows_any(jumps);
}
END_TEST

START_TEST(sift__any_period_of_rising_times_is_exactly_its_records)
{
	shows_any(rises);
}
END_TEST

START_TEST(sift__records_without_a_time_are_in_the_past_and_in_no_period)
{
	struct random rnd = {6};
	struct kb_selector what = of_times(INT64_MIN, 10, true);

	setup(fades);
	shows(&what, &rnd);
	what = of_times(0, INT64_MAX, false);
	shows(&what, &rnd);
	what = of_times(2 * RECORDS, INT64_MAX, false);
	shows(&what, &rnd);
	teardown();
}
END_TEST

START_TEST(sift__blocks_inside_and_outside_are_not_looked_into)
{
	struct kb_selector what = of_times(RECORDS, 2 * RECORDS - 1, false);
	struct random rnd = {7};
	struct kb_view *v;

	setup(rises);
	ck_ok(kb_view_open(sources, a.index, &place, &what, &v));
	ck_assert_uint_eq(kb_view_size(v), lines[2 * RECORDS] - lines[RECORDS]);
	kb_view_close(v);
	ck_assert_uint_eq(kb_sources_sifted(sources), 0);
	ck_assert_uint_eq(kb_sources_decoded(sources), 0);
	what = of_times(RECORDS + 10, 2 * RECORDS + 10, false);
	shows(&what, &rnd);
	ck_assert_uint_eq(kb_sources_sifted(sources), 2);
	shows(&what, &rnd);
	ck_assert_uint_eq(kb_sources_sifted(sources), 2);
	teardown();
}
END_TEST

#define THREADS 4

static void *
shows_some(void *seed)
{
	struct random rnd = {(uintptr_t)seed};

	for (int i = 0; i < 8; i++) {
		int64_t from = (int64_t)random_below(&rnd, 3) * 100;
		struct kb_selector what = of_times(from, from + 300, i % 2);

		shows(&what, &rnd);
	}
	return NULL;
}

START_TEST(sift__serves_many_threads)
{
	pthread_t threads[THREADS];

	setup(jumps);
	for (uintptr_t i = 0; i < THREADS; i++)
		ck_ok(pthread_create(
			&threads[i], NULL, shows_some, (void *)(i + 1)));
	for (int i = 0; i < THREADS; i++)
		ck_ok(pthread_join(threads[i], NULL));
	teardown();
}
END_TEST

static bool
patience_ends(void *ctx)
{
	return --*(int *)ctx < 0;
}

START_TEST(sift__gives_up_when_it_is_interrupted)
{
	struct kb_selector what = of_times(1, ALL, false);
	struct random rnd = {9};
	struct kb_view *v;
	uint64_t sifted;
	int left = 3;

	setup(jumps);
	kb_interrupt_watch(patience_ends, &left);
	ck_assert_int_eq(
		kb_view_open(sources, a.index, &place, &what, &v), -EINTR);
	ck_assert_uint_eq(kb_sources_sifted(sources), 3);
	left = 10000;
	shows(&what, &rnd);
	/* what is known is not worked out again, whoever is in a hurry */
	sifted = kb_sources_sifted(sources);
	left = 0;
	shows(&what, &rnd);
	ck_assert_uint_eq(kb_sources_sifted(sources), sifted);
	kb_interrupt_watch(NULL, NULL);
	teardown();
}
END_TEST

START_TEST(sift__value_with_a_newline_is_refused_when_it_is_meant)
{
	struct kb_selector what = of_times(0, 10, false);
	struct specimen_segment s = {.topic = "orders",
		.partition = 2,
		.start = ALL,
		.records = 3,
		.time = rises,
		.newline = ALL + 1,
		.value = 50};
	struct random rnd = {8};
	struct kb_view *v;

	setup(rises);
	ck_ok(specimen_put(&a, &s, NULL));
	what.form = KB_FORM_VALUES;
	shows(&what, &rnd);
	what.period = (struct kb_period){ALL, ALL, false};
	ck_ok(kb_view_open(sources, a.index, &place, &what, &v));
	kb_view_close(v);
	for (int64_t from = 0; from <= ALL; from += ALL) {
		what.period = (struct kb_period){from, ALL + 1, false};
		ck_assert_int_eq(
			kb_view_open(sources, a.index, &place, &what, &v),
			-EINVAL);
		ck_assert_ptr_nonnull(strstr(kb_err_text(), "2401"));
	}
	teardown();
}
END_TEST

KB_SUITE("sift", sift__any_period_of_jumping_times_is_exactly_its_records,
	sift__any_period_of_rising_times_is_exactly_its_records,
	sift__records_without_a_time_are_in_the_past_and_in_no_period,
	sift__blocks_inside_and_outside_are_not_looked_into,
	sift__value_with_a_newline_is_refused_when_it_is_meant,
	sift__gives_up_when_it_is_interrupted, sift__serves_many_threads)
