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

	ck_ok(kb_list_offsets_request_put(
		&b, "t", 2, KB_OFFSET_EARLIEST, KB_READ_COMMITTED));
	ck_assert_uint_eq(b.len, 28);
	ck_assert_mem_eq(b.data,
		"\377\377\377\377\1"
		"\0\0\0\1\0\1t\0\0\0\1\0\0\0\2"
		"\377\377\377\377\377\377\377\376",
		28);
	kb_buf_clear(&b);
	ck_ok(kb_epoch_end_request_put(&b, "t", 2, 6, 5));
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
	int16_t error = -1;
	int r = kb_list_offsets_answer_read(
		kb_slice_of(p, len), "t", 2, &error, out);

	ck_assert(r < 0 || error == 0);
	return r;
}

static int
read_epoch(const uint8_t *p, size_t len, int64_t *out)
{
	int16_t error = -1;
	int32_t epoch = -1;
	int r = kb_epoch_end_answer_read(
		kb_slice_of(p, len), "t", 2, &error, &epoch, out);

	ck_assert(r < 0 || (error == 0 && epoch == 5));
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

START_TEST(offsets__refuses_answers_about_something_else)
{
	struct kb_slice list = kb_slice_of(list_answer, sizeof(list_answer));
	struct kb_slice epoch = kb_slice_of(epoch_answer, sizeof(epoch_answer));
	int16_t error;
	int32_t e;
	int64_t v;

	ck_assert_int_eq(kb_list_offsets_answer_read(list, "u", 2, &error, &v),
		-EBADMSG);
	ck_assert_ptr_nonnull(strstr(kb_err_text(), "u/2"));
	ck_assert_int_eq(kb_list_offsets_answer_read(list, "t", 3, &error, &v),
		-EBADMSG);
	ck_assert_int_eq(
		kb_epoch_end_answer_read(epoch, "tt", 2, &error, &e, &v),
		-EBADMSG);
	ck_assert_int_eq(
		kb_epoch_end_answer_read(epoch, "t", 0, &error, &e, &v),
		-EBADMSG);
}
END_TEST

KB_SUITE("offsets", offsets__asks_for_one_partition, offsets__reads_answers,
	offsets__refuses_every_cut,
	offsets__refuses_answers_about_something_else)
