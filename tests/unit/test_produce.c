#include "kafka/produce.h"

#include <errno.h>

#include "suite.h"

#define SLICE(text) kb_slice_of(text, sizeof(text) - 1)

START_TEST(produce_request__holds_one_batch)
{
	static const char want[] = "\xff\xff\xff\xff" /* no id, acks=all */
				   "\0\0\x75\x30"
				   "\0\0\0\1\0\1t\0\0\0\1\0\0\0\3"
				   "\0\0\0\5batch";
	struct kb_buf out = {0};

	ck_ok(kb_produce_request_put(&out, "t", 3, 30000, SLICE("batch")));
	ck_assert_uint_eq(out.len, sizeof(want) - 1);
	ck_assert_mem_eq(out.data, want, out.len);
	kb_buf_release(&out);
}
END_TEST

static const char answer_3[] = "\0\0\0\1\0\1t\0\0\0\1\0\0\0\3"
			       "\0\0\0\0\0\0\0\0\0\x2a"
			       "\xff\xff\xff\xff\xff\xff\xff\xff"
			       "\0\0\0\7";
static const char answer_7[] = "\0\0\0\1\0\1t\0\0\0\1\0\0\0\3"
			       "\0\x57\xff\xff\xff\xff\xff\xff\xff\xff"
			       "\xff\xff\xff\xff\xff\xff\xff\xff"
			       "\0\0\0\0\0\0\0\0"
			       "\0\0\0\0";
static const char answer_8[] = "\0\0\0\1\0\1t\0\0\0\1\0\0\0\3"
			       "\0\x57\xff\xff\xff\xff\xff\xff\xff\xff"
			       "\xff\xff\xff\xff\xff\xff\xff\xff"
			       "\0\0\0\0\0\0\0\0"
			       "\0\0\0\1\0\0\0\0\0\4null"
			       "\0\3bad"
			       "\0\0\0\0";

START_TEST(produce_answer__reads_every_shape)
{
	struct kb_produced p;

	ck_ok(kb_produce_answer_read(SLICE(answer_3), 3, "t", 3, &p));
	ck_assert_int_eq(p.error, 0);
	ck_assert_int_eq(p.base_offset, 42);
	ck_assert_int_eq(p.throttle_ms, 7);
	ck_assert_ptr_null(p.words.data);
	ck_ok(kb_produce_answer_read(SLICE(answer_7), 7, "t", 3, &p));
	ck_assert_int_eq(p.error, 87);
	ck_assert_int_eq(p.base_offset, -1);
	ck_ok(kb_produce_answer_read(SLICE(answer_8), 8, "t", 3, &p));
	ck_assert_int_eq(p.error, 87);
	ck_assert_uint_eq(p.words.len, 4);
	ck_assert_mem_eq(p.words.data, "null", 4);
}
END_TEST

static void
refuse_cut(int version, struct kb_slice whole)
{
	struct kb_produced p;

	for (size_t n = 0; n < whole.len; n++) {
		uint8_t *cut = malloc(n + 1);

		memcpy(cut, whole.data, n);
		ck_assert_int_eq(kb_produce_answer_read(kb_slice_of(cut, n),
					 version, "t", 3, &p),
			-EBADMSG);
		free(cut);
	}
}

START_TEST(produce_answer__refuses_cut_bytes)
{
	refuse_cut(3, SLICE(answer_3));
	refuse_cut(7, SLICE(answer_7));
	refuse_cut(8, SLICE(answer_8));
}
END_TEST

START_TEST(produce_answer__refuses_another_partition)
{
	struct kb_produced p;
	struct kb_slice s = SLICE(answer_3);

	ck_assert_int_eq(kb_produce_answer_read(s, 3, "t", 4, &p), -EBADMSG);
	ck_assert_int_eq(kb_produce_answer_read(s, 3, "u", 3, &p), -EBADMSG);
	ck_assert_int_eq(kb_produce_answer_read(s, 7, "t", 3, &p), -EBADMSG);
}
END_TEST

KB_SUITE("produce", produce_request__holds_one_batch,
	produce_answer__reads_every_shape, produce_answer__refuses_cut_bytes,
	produce_answer__refuses_another_partition)
