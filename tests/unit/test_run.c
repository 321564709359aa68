#include "store/run.h"

#include <errno.h>
#include <string.h>

#include "stores.h"

STORE_TEST(run__comes_back_as_published)
{
	struct kb_run run = {1700000000123, 1700000009456, true, 12, 34, 56};
	struct kb_run back;
	uint64_t n;

	ck_ok(kb_run_publish(s, &run, &n));
	ck_assert_uint_eq(n, 1);
	run.complete = false;
	ck_ok(kb_run_publish(s, &run, &n));
	ck_assert_uint_eq(n, 2);
	ck_ok(kb_run_read(s, 2, &back));
	ck_assert_int_eq(back.started, run.started);
	ck_assert_int_eq(back.ended, run.ended);
	ck_assert(!back.complete);
	ck_assert_uint_eq(back.records, 12);
	ck_assert_uint_eq(back.bytes, 34);
	ck_assert_uint_eq(back.problems, 56);
	ck_ok(kb_run_read(s, 1, &back));
	ck_assert(back.complete);
	ck_assert_int_eq(kb_run_read(s, 3, &back), -ENOENT);
}

STORE_TEST(run__names_the_object_when_damaged)
{
	struct kb_run back;

	ck_ok(stores_put_document(s, "runs/1.json",
		"{\"started\":\"2026-01-01\",\"ended\":\"2026-01-01\","
		"\"complete\":1,\"records\":0,\"bytes\":0,\"problems\":0}"));
	ck_assert_int_eq(kb_run_read(s, 1, &back), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(kb_err_text(), "runs/1.json"));
	ck_assert_ptr_nonnull(strstr(kb_err_text(), "complete"));
}

KB_SUITE(
	"run", run__comes_back_as_published, run__names_the_object_when_damaged)
