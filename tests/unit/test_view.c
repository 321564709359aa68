#include "fs/view.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "format/jsonl.h"
#include "format/segment.h"
#include "fs/cache.h"
#include "fs/facts.h"
#include "fs/selector.h"
#include "fs/sources.h"
#include "specimen.h"
#include "store/store.h"
#include "suite.h"

/*
 * Three segments of several blocks each, offsets 0, 3, 6, ..., and then forty
 * of one record, on every tenth.
 */
#define BIG 3
#define RECORDS 600
#define SMALL 40

static struct specimen a;
static char dir[64];
static struct kb_sources *sources;
static struct kb_place place;
static struct kb_buf all; /* the text of everything */
static struct kb_buf values, logs;
static size_t batches[200]; /* where each begins in logs, and the end */
static int64_t batch_first[200];
static int batch_count;
static size_t starts[BIG * RECORDS + SMALL + 1];
static int64_t offsets[BIG * RECORDS + SMALL];
static int count;

static void
add(struct kb_index_delta *d, const struct specimen_segment *s)
{
	size_t at = all.len;

	ck_ok(specimen_add(&a, d, s, NULL));
	ck_ok(specimen_text(s, &all));
	ck_ok(specimen_values(s, &values));
	for (int i = 0; i < s->records; i++) {
		starts[count] = at;
		offsets[count++] = s->start + i * s->step;
		at = (size_t)((uint8_t *)memchr(
				      all.data + at, '\n', all.len - at) -
			      all.data) +
		     1;
	}
	starts[count] = all.len;
}

/* Adds a segment's object to `logs`. */
static void
add_log(int64_t start)
{
	char object[KB_NAME_MAX];
	struct kb_blob *blob;
	uint64_t size;
	struct kb_batch b;
	size_t at = logs.len;

	kb_layout_segment(object, &place.topic, 2, start);
	ck_ok(kb_store_open(a.repo->store, object, &blob, &size));
	ck_ok(kb_buf_reserve(&logs, size));
	ck_assert_int_eq(
		kb_blob_read(blob, 0, logs.data + at, size), (int64_t)size);
	logs.len += size;
	kb_blob_close(blob);
	while (at < logs.len) {
		ck_ok(kb_batch_parse(
			kb_slice_of(logs.data + at, logs.len - at), &b));
		batches[batch_count] = at;
		batch_first[batch_count++] = b.base_offset;
		at += b.bytes.len;
	}
	batches[batch_count] = logs.len;
	batch_first[batch_count] = INT64_MAX;
}

static void
setup(void)
{
	struct specimen_segment s = {.topic = "orders",
		.partition = 2,
		.step = 3,
		.records = RECORDS,
		.batch = 100,
		.value = 1000};
	struct kb_index_delta *d;
	struct kb_jsonl v;

	ck_ok(kb_index_delta_new(&d));
	strcpy(dir, "/tmp/kb-view-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_ok(specimen_open(&a, dir));
	for (int i = 0; i < BIG; i++) {
		add(d, &s);
		s.start += RECORDS * s.step;
	}
	s.records = 1;
	s.step = 10;
	for (int i = 0; i < SMALL; i++) {
		add(d, &s);
		s.start += s.step;
	}
	ck_ok(kb_index_commit(a.index, d));
	kb_index_delta_free(d);
	kb_jsonl_init(&v, "orders", 2);
	place = (struct kb_place){.ordinal = 1,
		.partition = 2,
		.topic = specimen_topic("orders"),
		.head_len = v.head_len};
	ck_ok(kb_sources_new(a.repo, a.index, 8 << 20, &sources));
	for (int i = 0; i < BIG; i++)
		add_log(i * RECORDS * 3);
	for (int i = 0; i < SMALL; i++)
		add_log(BIG * RECORDS * 3 + i * 10);
}

static void
teardown(void)
{
	char command[100];

	kb_sources_free(sources);
	specimen_close(&a);
	kb_buf_release(&all);
	kb_buf_release(&values);
	kb_buf_release(&logs);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	ck_assert_int_eq(system(command), 0);
}

/* Where record numbers of the range [first, last] begin and end. */
static void
bounds(int64_t first, int64_t last, size_t *from, size_t *to)
{
	int i = 0;

	while (i < count && offsets[i] < first)
		i++;
	*from = starts[i];
	while (i < count && offsets[i] <= last)
		i++;
	*to = starts[i];
}

/* Reads [pos, pos + len) of the view and compares with all[from + pos...]. */
static void
reads(struct kb_view *v, size_t from, size_t pos, size_t len)
{
	size_t size = kb_view_size(v), want = 0, at = from + pos;
	struct kb_span span;

	if (pos < size)
		want = len < size - pos ? len : size - pos;
	ck_ok(kb_view_read(v, pos, len, &span));
	ck_assert_uint_eq(span.len, want);
	for (int i = 0; i < span.count; i++) {
		ck_assert_mem_eq(span.iov[i].iov_base, all.data + at,
			span.iov[i].iov_len);
		at += span.iov[i].iov_len;
	}
	ck_assert_uint_eq(at - from - pos, want);
	kb_span_release(&span);
}

static int
opens(int64_t first, int64_t last, struct kb_view **out)
{
	struct kb_selector what = kb_selector_offsets(first, last);

	return kb_view_open(sources, a.index, &place, &what, out);
}

/* A range in another form, against [from, to) of the bytes of everything. */
static void
form_is(enum kb_form form, int64_t first, int64_t last,
	const struct kb_buf *everything, size_t from, size_t to)
{
	struct kb_selector what = kb_selector_offsets(first, last);
	struct kb_span span;
	struct kb_view *v;
	size_t at = from;
	int r;

	what.form = form;
	r = kb_view_open(sources, a.index, &place, &what, &v);
	if (from == to) {
		ck_assert_int_eq(r, -ENOENT);
		return;
	}
	ck_ok(r);
	ck_assert_uint_eq(kb_view_size(v), to - from);
	while (at < to) {
		ck_ok(kb_view_read(v, at - from, 100000, &span));
		for (int i = 0; i < span.count; i++) {
			ck_assert_mem_eq(span.iov[i].iov_base,
				everything->data + at, span.iov[i].iov_len);
			at += span.iov[i].iov_len;
		}
		kb_span_release(&span);
	}
	ck_assert_uint_eq(at, to);
	kb_view_close(v);
}

static void
values_are(int64_t first, int64_t last)
{
	int i = 0, j;

	while (i < count && offsets[i] < first)
		i++;
	for (j = i; j < count && offsets[j] <= last;)
		j++;
	form_is(KB_FORM_VALUES, first, last, &values, (size_t)i * 1001,
		(size_t)j * 1001);
}

/* first is an offset of the records. */
static void
log_is(int64_t first, int64_t last)
{
	int i = 0, j;

	while (batch_first[i + 1] <= first)
		i++;
	for (j = i; j < batch_count && batch_first[j] <= last;)
		j++;
	form_is(KB_FORM_LOG, first, last, &logs, batches[i], batches[j]);
}

static void
range_is(int64_t first, int64_t last)
{
	struct kb_view *v;
	size_t from, to;
	int r = opens(first, last, &v);

	bounds(first, last, &from, &to);
	if (from == to) {
		ck_assert_int_eq(r, -ENOENT);
		return;
	}
	ck_ok(r);
	ck_assert_uint_eq(kb_view_size(v), to - from);
	reads(v, from, 0, to - from);
	reads(v, from, 0, 1);
	reads(v, from, to - from - 1, 100);
	reads(v, from, to - from, 100);
	reads(v, from, (to - from) / 2, 70000);
	kb_view_close(v);
}

START_TEST(view__any_range_is_exactly_its_records)
{
	unsigned seed = 1;
	int64_t end;

	setup();
	end = offsets[count - 1];
	range_is(0, end);
	range_is(0, INT64_MAX - 1);
	range_is(end, end);
	range_is(end + 1, end + 100);
	for (int i = 0; i < 100; i++) {
		int64_t first = rand_r(&seed) % (end + 10);
		int64_t last = first + rand_r(&seed) % (i % 2 ? 20 : end);

		range_is(first, last);
	}
	teardown();
}
END_TEST

START_TEST(view__single_offset_is_one_record_or_nothing)
{
	struct kb_view *v;

	setup();
	for (int64_t o = 0; o < 10; o++)
		range_is(o, o);
	ck_ok(opens(6, 6, &v));
	ck_assert_int_eq(kb_view_facts(v)->max_timestamp, specimen_time(6));
	kb_view_close(v);
	teardown();
}
END_TEST

/* Whole blocks cost more than they save, unless neighbours are wanted, too. */
START_TEST(view__single_records_are_made_alone_but_neighbours_are_not)
{
	struct kb_cache_counts counts;
	struct kb_view *v;

	setup();
	range_is(6, 6);
	kb_sources_count(sources, &counts);
	ck_assert_uint_eq(counts.misses, 1);
	ck_assert_uint_lt(counts.used, 10000);
	range_is(9, 9);
	kb_sources_count(sources, &counts);
	ck_assert_uint_eq(counts.misses, 2);
	ck_assert_uint_gt(counts.used, 200000);
	range_is(12, 12);
	range_is(15, 15);
	ck_assert_uint_eq(kb_sources_decoded(sources), 2);
	/* Another block, to and fro: each alone. */
	range_is(1500, 1500);
	ck_assert_int_eq(opens(1501, 1501, &v), -ENOENT);
	kb_sources_count(sources, &counts);
	ck_assert_uint_eq(counts.misses, 4);
	teardown();
}
END_TEST

START_TEST(view__single_record_is_made_again_when_it_had_to_go)
{
	struct kb_view *one, *rest;
	size_t from, to;

	setup();
	kb_sources_free(sources);
	ck_ok(kb_sources_new(a.repo, a.index, 1 << 20, &sources));
	bounds(1503, 1503, &from, &to);
	ck_ok(opens(1503, 1503, &one));
	ck_ok(opens(0, offsets[count - 1], &rest));
	for (size_t pos = 0; pos < all.len; pos += 64 << 10)
		reads(rest, 0, pos, 64 << 10);
	reads(one, from, 0, to - from);
	reads(one, from, 5, 10);
	kb_view_close(rest);
	kb_view_close(one);
	teardown();
}
END_TEST

START_TEST(view__values_of_any_range)
{
	unsigned seed = 3;

	setup();
	values_are(0, KB_OFFSET_MAX);
	values_are(0, 3 * RECORDS - 1);
	for (int i = 0; i < 60; i++) {
		int64_t first = rand_r(&seed) % (offsets[count - 1] + 10);

		values_are(first, first + rand_r(&seed) % (i % 2 ? 20 : 4000));
	}
	teardown();
}
END_TEST

START_TEST(view__stored_batches_of_any_range_are_whole)
{
	unsigned seed = 4;

	setup();
	log_is(0, KB_OFFSET_MAX);
	log_is(0, 3 * RECORDS - 1);
	for (int i = 0; i < 60; i++) {
		int64_t first = offsets[rand_r(&seed) % count];

		log_is(first, first + rand_r(&seed) % (i % 2 ? 20 : 4000));
	}
	teardown();
}
END_TEST

START_TEST(view__values_with_a_newline_are_refused_by_offset)
{
	static const int64_t lasts[] = {100020, 100025, 100049, 200000};
	struct specimen_segment s = {.topic = "orders",
		.partition = 2,
		.start = 100000,
		.records = 50,
		.batch = 10,
		.value = 1000,
		.newline = 100020};
	struct kb_selector what = kb_selector_offsets(3, 3);
	struct kb_view *v;

	setup();
	what.form = KB_FORM_VALUES;
	ck_ok(specimen_put(&a, &s, NULL));
	for (size_t i = 0; i < sizeof(lasts) / sizeof(*lasts); i++) {
		what.last = lasts[i];
		ck_assert_int_eq(
			kb_view_open(sources, a.index, &place, &what, &v),
			-EINVAL);
		ck_assert_msg(strstr(kb_err_text(), "offset 100020 ") != NULL,
			"%s", kb_err_text());
	}
	what.last = 100019;
	ck_ok(kb_view_open(sources, a.index, &place, &what, &v));
	kb_view_close(v);
	what = kb_selector_offsets(100021, 100049);
	what.form = KB_FORM_VALUES;
	ck_ok(kb_view_open(sources, a.index, &place, &what, &v));
	ck_assert_uint_eq(kb_view_size(v), 29 * 1001);
	kb_view_close(v);
	ck_ok(opens(100020, 100020, &v));
	kb_view_close(v);
	teardown();
}
END_TEST

START_TEST(view__facts_are_those_of_the_records_in_it)
{
	const struct kb_facts *f;
	struct kb_view *v;

	setup();
	for (int i = 0; i < KB_FORMS; i++) {
		struct kb_selector what = kb_selector_offsets(1, 3001);

		what.form = (enum kb_form)i;
		ck_ok(kb_view_open(sources, a.index, &place, &what, &v));
		f = kb_view_facts(v);
		if (what.form == KB_FORM_LOG) {
			ck_assert_int_eq(f->first, 0);
			ck_assert_int_eq(f->last, 3297);
			ck_assert_uint_eq(f->records, 1100);
		} else {
			ck_assert_int_eq(f->first, 3);
			ck_assert_int_eq(f->last, 3000);
			ck_assert_uint_eq(f->records, 1000);
			ck_assert_int_eq(f->min_timestamp, specimen_time(3));
			ck_assert_int_eq(f->max_timestamp, specimen_time(3000));
		}
		kb_view_close(v);
	}
	teardown();
}
END_TEST

START_TEST(view__newest_time_is_of_the_records_in_it)
{
	struct kb_view *v;

	setup();
	ck_ok(opens(1, 2000, &v));
	ck_assert_int_eq(kb_view_facts(v)->max_timestamp, specimen_time(1998));
	kb_view_close(v);
	ck_ok(opens(0, 3 * RECORDS, &v));
	ck_assert_int_eq(
		kb_view_facts(v)->max_timestamp, specimen_time(3 * RECORDS));
	kb_view_close(v);
	teardown();
}
END_TEST

START_TEST(view__listed_segment_is_opened_without_decoding)
{
	struct kb_view *v;

	setup();
	ck_ok(opens(0, offsets[RECORDS - 1], &v));
	ck_assert_uint_eq(kb_view_size(v), starts[RECORDS]);
	ck_assert_uint_eq(kb_sources_decoded(sources), 0);
	reads(v, 0, 0, 1);
	ck_assert_uint_eq(kb_sources_decoded(sources), 1);
	kb_view_close(v);
	teardown();
}
END_TEST

START_TEST(view__random_reads_agree_with_the_text)
{
	struct kb_view *v;
	unsigned seed = 2;
	size_t from, to;

	setup();
	bounds(100, offsets[count - 2], &from, &to);
	ck_ok(opens(100, offsets[count - 2], &v));
	for (int i = 0; i < 500; i++)
		reads(v, from, (size_t)rand_r(&seed) % (to - from + 10),
			(size_t)rand_r(&seed) % (i % 10 ? 5000 : 2000000));
	kb_view_close(v);
	teardown();
}
END_TEST

START_TEST(view__what_follows_is_decoded_before_the_reader_comes)
{
	struct kb_cache_counts counts;
	struct kb_view *v;
	size_t pos = 0;

	setup();
	ck_ok(opens(0, offsets[count - 1], &v));
	do {
		reads(v, 0, pos, 64 << 10);
		pos += 64 << 10;
	} while (pos < starts[RECORDS]);
	do {
		sched_yield();
		kb_sources_count(sources, &counts);
	} while (counts.ahead == 0);
	for (; pos < all.len; pos += 64 << 10)
		reads(v, 0, pos, 64 << 10);
	kb_view_close(v);
	teardown();
}
END_TEST

/* Flips a byte in the middle of the first segment's object. */
static void
damage(void)
{
	char object[KB_NAME_MAX], path[500];
	uint8_t byte;
	int fd;

	kb_layout_segment(object, &place.topic, 2, 0);
	snprintf(path, sizeof(path), "%s/%s", dir, object);
	fd = open(path, O_RDWR);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pread(fd, &byte, 1, 300000), 1);
	byte ^= 1;
	ck_assert_int_eq(pwrite(fd, &byte, 1, 300000), 1);
	close(fd);
}

START_TEST(view__damage_fails_the_reads_that_touch_it_and_no_other)
{
	struct kb_view *v;
	struct kb_span span;
	size_t bad = 0, good = 0;
	uint64_t decoded;

	setup();
	damage();
	ck_ok(opens(0, offsets[count - 1], &v));
	for (size_t pos = 0; pos < all.len; pos += 4096) {
		int r = kb_view_read(v, pos, 4096, &span);

		ck_assert(r == 0 || r == -EBADMSG);
		*(r ? &bad : &good) += 4096;
		if (r == 0)
			kb_span_release(&span);
		if (r == 0)
			reads(v, 0, pos, 4096);
	}
	ck_assert_uint_gt(bad, 0);
	ck_assert_uint_lt(bad, 1 << 20);
	ck_assert_uint_gt(good, all.len - (1 << 20));
	decoded = kb_sources_decoded(sources);
	ck_assert_uint_lt(decoded, 100);
	kb_view_close(v);
	teardown();
}
END_TEST

START_TEST(view__missing_segment_fails_only_its_own_reads)
{
	char object[KB_NAME_MAX];
	struct kb_view *v;
	struct kb_span span;

	setup();
	kb_layout_segment(object, &place.topic, 2, 0);
	ck_ok(kb_store_remove(a.repo->store, object));
	ck_ok(opens(0, offsets[count - 1], &v));
	ck_assert_int_eq(kb_view_read(v, 0, 100, &span), -ENOENT);
	reads(v, 0, starts[RECORDS], 100);
	kb_view_close(v);
	teardown();
}
END_TEST

KB_SUITE("view", view__any_range_is_exactly_its_records,
	view__single_offset_is_one_record_or_nothing,
	view__single_records_are_made_alone_but_neighbours_are_not,
	view__single_record_is_made_again_when_it_had_to_go,
	view__values_of_any_range, view__stored_batches_of_any_range_are_whole,
	view__values_with_a_newline_are_refused_by_offset,
	view__facts_are_those_of_the_records_in_it,
	view__newest_time_is_of_the_records_in_it,
	view__listed_segment_is_opened_without_decoding,
	view__random_reads_agree_with_the_text,
	view__what_follows_is_decoded_before_the_reader_comes,
	view__damage_fails_the_reads_that_touch_it_and_no_other,
	view__missing_segment_fails_only_its_own_reads)
