#include "kafka/offsets.h"

#include <errno.h>
#include <stdlib.h>

#include "suite.h"

static const uint8_t list_answer[] = {
	0, 0, 0, 0,					/* throttled */
	0, 0, 0, 1, 0, 1, 't', 0, 0, 0, 1,		/* topic */
	0, 0, 0, 2, 0, 0,				/* partition, error */
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, /* timestamp */
	0, 0, 0, 0, 0, 0, 1, 2,				/* offset */
};

static const uint8_t epoch_answer[] = {
	0, 0, 0, 0,			   /* throttled */
	0, 0, 0, 1, 0, 1, 't', 0, 0, 0, 1, /* topic */
	0, 0, 0, 0, 0, 2,		   /* error, partition */
	0, 0, 0, 5,			   /* epoch */
	0, 0, 0, 0, 0, 0, 1, 2,		   /* end */
};

static const uint8_t id_answer[] = {
	0, 0, 0, 0, 0, 0,		 /* throttled, error */
	0, 0, 0, 0, 0, 0, 3, 0xe8, 0, 2, /* id, epoch */
};

START_TEST(offsets__asks_for_one_partition)
{
	struct kb_buf b = {0};

	struct kb_question q = {.topic = "t",
		.partition = 2,
		.time = KB_OFFSET_EARLIEST,
		.leader_epoch = 6,
		.epoch = 5};
	struct kb_question *const one[] = {&q};

	ck_ok(kb_list_offsets_request_put(&b, one, 1, KB_READ_COMMITTED));
	ck_assert_uint_eq(b.len, 28);
	ck_assert_mem_eq(b.data,
		"\377\377\377\377\1"
		"\0\0\0\1\0\1t\0\0\0\1\0\0\0\2"
		"\377\377\377\377\377\377\377\376",
		28);
	kb_buf_clear(&b);
	ck_ok(kb_epoch_end_request_put(&b, one, 1));
	ck_assert_uint_eq(b.len, 27);
	ck_assert_mem_eq(b.data,
		"\377\377\377\377"
		"\0\0\0\1\0\1t\0\0\0\1\0\0\0\2"
		"\0\0\0\6\0\0\0\5",
		27);
	kb_buf_clear(&b);
	ck_ok(kb_init_producer_id_request_put(&b));
	ck_assert_uint_eq(b.len, 6);
	ck_assert_mem_eq(b.data, "\377\377\0\0\0\0", 6);
	kb_buf_release(&b);
}
END_TEST

static int
read_list(const uint8_t *p, size_t len, int64_t *out)
{
	struct kb_question q = {.topic = "t", .partition = 2, .error = -1};
	struct kb_question *const one[] = {&q};
	int r = kb_list_offsets_answer_read(kb_slice_of(p, len), one, 1);

	ck_assert(r < 0 || q.error == 0);
	*out = q.offset;
	return r;
}

static int
read_epoch(const uint8_t *p, size_t len, int64_t *out)
{
	struct kb_question q = {
		.topic = "t", .partition = 2, .error = -1, .epoch = 7};
	struct kb_question *const one[] = {&q};
	int r = kb_epoch_end_answer_read(kb_slice_of(p, len), one, 1);

	ck_assert(r < 0 || (q.error == 0 && q.ends == 5));
	ck_assert_int_eq(q.epoch, 7); /* it may be asked again */
	*out = q.offset;
	return r;
}

static int
read_id(const uint8_t *p, size_t len, int64_t *out)
{
	int16_t error = -1, epoch = -1;
	int r = kb_init_producer_id_answer_read(
		kb_slice_of(p, len), &error, out, &epoch);

	ck_assert(r < 0 || (error == 0 && epoch == 2));
	return r;
}

START_TEST(offsets__reads_answers)
{
	int64_t v = -1;

	ck_ok(read_list(list_answer, sizeof(list_answer), &v));
	ck_assert_int_eq(v, 0x102);
	ck_ok(read_epoch(epoch_answer, sizeof(epoch_answer), &v));
	ck_assert_int_eq(v, 0x102);
	ck_ok(read_id(id_answer, sizeof(id_answer), &v));
	ck_assert_int_eq(v, 1000);
}
END_TEST

START_TEST(offsets__refuses_every_cut)
{
	static const struct {
		int (*read)(const uint8_t *p, size_t len, int64_t *out);
		const uint8_t *bytes;
		size_t len;
	} all[] = {
		{read_list, list_answer, sizeof(list_answer)},
		{read_epoch, epoch_answer, sizeof(epoch_answer)},
		{read_id, id_answer, sizeof(id_answer)},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		for (size_t n = 0; n < all[i].len; n++) {
			uint8_t *copy = malloc(n ? n : 1);
			int64_t v;

			if (n)
				memcpy(copy, all[i].bytes, n);
			ck_assert_int_eq(all[i].read(copy, n, &v), -EBADMSG);
			free(copy);
		}
	}
}
END_TEST

static int
read_list_about(const char *topic, int32_t partition)
{
	struct kb_question q = {.topic = topic, .partition = partition};
	struct kb_question *const one[] = {&q};

	return kb_list_offsets_answer_read(
		kb_slice_of(list_answer, sizeof(list_answer)), one, 1);
}

static int
read_epoch_about(const char *topic, int32_t partition)
{
	struct kb_question q = {.topic = topic, .partition = partition};
	struct kb_question *const one[] = {&q};

	return kb_epoch_end_answer_read(
		kb_slice_of(epoch_answer, sizeof(epoch_answer)), one, 1);
}

START_TEST(offsets__refuses_answers_about_something_else)
{
	ck_assert_int_eq(read_list_about("u", 2), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(kb_err_text(), "u/2"));
	ck_assert_int_eq(read_list_about("t", 3), -EBADMSG);
	ck_assert_int_eq(read_epoch_about("tt", 2), -EBADMSG);
	ck_assert_int_eq(read_epoch_about("t", 0), -EBADMSG);
}
END_TEST

/* ---- many ---- */

static struct kb_question a3 = {.topic = "a", .partition = 3, .time = -1};
static struct kb_question a7 = {.topic = "a", .partition = 7, .time = 5};
static struct kb_question b0 = {.topic = "b", .partition = 0, .time = -2};
static struct kb_question *const three[] = {&a3, &a7, &b0};

START_TEST(offsets__asks_for_many_partitions_by_topic)
{
	struct kb_buf b = {0};

	ck_ok(kb_list_offsets_request_put(&b, three, 3, KB_READ_UNCOMMITTED));
	ck_assert_uint_eq(b.len, 59);
	ck_assert_mem_eq(b.data,
		"\377\377\377\377\0"
		"\0\0\0\2\0\1a\0\0\0\2"
		"\0\0\0\3\377\377\377\377\377\377\377\377"
		"\0\0\0\7\0\0\0\0\0\0\0\5"
		"\0\1b\0\0\0\1"
		"\0\0\0\0\377\377\377\377\377\377\377\376",
		59);
	kb_buf_release(&b);
}
END_TEST

/* One partition of an answer; its offset is `offset`. */
static void
put_one(struct kb_buf *b, int32_t partition, int16_t error, int64_t offset)
{
	kb_buf_put_i32(b, partition);
	kb_buf_put_i16(b, error);
	kb_buf_put_i64(b, -1);
	kb_buf_put_i64(b, offset);
}

/* Brokers answer in the order of a hash table. */
static void
put_answer(struct kb_buf *b, int32_t first, int32_t second)
{
	kb_buf_clear(b);
	kb_buf_put_i32(b, 0);
	kb_buf_put_i32(b, 2);
	kb_buf_put(b, "\0\1b", 3);
	kb_buf_put_i32(b, 1);
	put_one(b, 0, 0, 100);
	kb_buf_put(b, "\0\1a", 3);
	kb_buf_put_i32(b, 2);
	put_one(b, first, 6, -1);
	put_one(b, second, 0, 103);
}

START_TEST(offsets__reads_answers_in_any_order)
{
	struct kb_buf b = {0};

	put_answer(&b, 7, 3);
	ck_ok(kb_list_offsets_answer_read(kb_buf_slice(&b), three, 3));
	ck_assert_int_eq(a3.error, 0);
	ck_assert_int_eq(a3.offset, 103);
	ck_assert_int_eq(a7.error, 6);
	ck_assert_int_eq(b0.offset, 100);
	kb_buf_release(&b);
}
END_TEST

START_TEST(offsets__refuses_answers_that_miss_or_repeat_one)
{
	struct kb_buf b = {0};

	put_answer(&b, 3, 3);
	ck_assert_int_eq(
		kb_list_offsets_answer_read(kb_buf_slice(&b), three, 3),
		-EBADMSG);
	put_answer(&b, 7, 4);
	ck_assert_int_eq(
		kb_list_offsets_answer_read(kb_buf_slice(&b), three, 3),
		-EBADMSG);
	ck_assert_int_eq(read_list_about("t", 2), 0);
	ck_assert_int_eq(kb_list_offsets_answer_read(
				 kb_slice_of(list_answer, sizeof(list_answer)),
				 three, 3),
		-EBADMSG);
	kb_buf_release(&b);
}
END_TEST

KB_SUITE("offsets", offsets__asks_for_one_partition, offsets__reads_answers,
	offsets__refuses_every_cut,
	offsets__refuses_answers_about_something_else,
	offsets__asks_for_many_partitions_by_topic,
	offsets__reads_answers_in_any_order,
	offsets__refuses_answers_that_miss_or_repeat_one)
