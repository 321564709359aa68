#include "fs/stride.h"

#include "suite.h"

#define KIB UINT64_C(1024)
#define MIB (KIB * KIB)

static struct kb_stride stride;
static uint64_t from, to;

static bool
step(uint64_t pos, uint64_t len)
{
	return kb_stride_step(&stride, pos, pos + len, &from, &to);
}

static void
setup(void)
{
	kb_stride_init(&stride);
}

START_TEST(stride__names_as_much_ahead_as_was_read_in_a_row)
{
	uint64_t named = 0;

	setup();
	ck_assert(!step(0, 128 * KIB));
	for (uint64_t pos = 128 * KIB; pos < 20 * MIB; pos += 128 * KIB) {
		uint64_t end = pos + 128 * KIB;

		ck_assert(step(pos, 128 * KIB));
		ck_assert_uint_eq(from, named > end ? named : end);
		ck_assert_uint_eq(
			to, end + (end < KB_STRIDE_MAX ? end : KB_STRIDE_MAX));
		named = to;
	}
	kb_stride_release(&stride);
}
END_TEST

START_TEST(stride__reads_out_of_order_are_in_a_row)
{
	setup();
	step(0, 512 * KIB);
	ck_assert(step(MIB, 512 * KIB));
	ck_assert_uint_eq(to, 3 * MIB);
	ck_assert(!step(512 * KIB, 512 * KIB));
	ck_assert(step(MIB + 512 * KIB, 512 * KIB));
	ck_assert_uint_eq(from, 3 * MIB);
	ck_assert_uint_eq(to, 4 * MIB);
	kb_stride_release(&stride);
}
END_TEST

START_TEST(stride__scattered_reads_name_nothing)
{
	setup();
	for (uint64_t i = 1; i < 1000; i++)
		ck_assert(!step(i * 7919 % 1000 * 10 * MIB, 64 * KIB));
	kb_stride_release(&stride);
}
END_TEST

START_TEST(stride__jump_begins_anew)
{
	setup();
	for (uint64_t pos = 0; pos < 8 * MIB; pos += 128 * KIB)
		step(pos, 128 * KIB);
	ck_assert(!step(100 * MIB, 128 * KIB));
	ck_assert(step(100 * MIB + 128 * KIB, 128 * KIB));
	ck_assert_uint_eq(to - from, 256 * KIB);
	kb_stride_release(&stride);
}
END_TEST

KB_SUITE("stride", stride__names_as_much_ahead_as_was_read_in_a_row,
	stride__reads_out_of_order_are_in_a_row,
	stride__scattered_reads_name_nothing, stride__jump_begins_anew)
