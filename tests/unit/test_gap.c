#include "store/gap.h"

#include <errno.h>
#include <string.h>

#include "stores.h"

static const struct kb_topic_ref orders = {"orders", {{1}}};

#define DIR "data/orders/AQAAAAAAAAAAAAAAAAAAAA/2"
#define NAME DIR "/00000000000000000005-00000000000000000009.gap"

STORE_TEST(gap__comes_back_as_published)
{
	struct kb_gap gap = {5, 9, KB_GAP_RETENTION, 1700000000123,
		"gone \"before\" we came \xff"};
	struct kb_gap back;

	ck_ok(kb_gap_publish(s, &orders, 2, &gap));
	ck_assert_int_eq(kb_gap_publish(s, &orders, 2, &gap), -EEXIST);
	ck_ok(kb_gap_read(s, NAME, &back));
	ck_assert_int_eq(back.start, 5);
	ck_assert_int_eq(back.end, 9);
	ck_assert_int_eq(back.reason, KB_GAP_RETENTION);
	ck_assert_int_eq(back.noticed, 1700000000123);
	ck_assert_str_eq(back.detail, "gone \"before\" we came ?");
	ck_assert_int_eq(kb_gap_read(s,
				 DIR "/0000000000000000000"
				     "5-00000000000000000010.gap",
				 &back),
		-ENOENT);
}

STORE_TEST(gap__knows_every_reason)
{
	const char *names[] = {
		"not-asked", "retention", "truncated", "damaged", "deleted"};

	for (int i = KB_GAP_NOT_ASKED; i <= KB_GAP_DELETED; i++) {
		struct kb_gap gap = {i, i + 1, (enum kb_gap_reason)i, 0, ""};
		char name[KB_NAME_MAX];
		struct kb_gap back;

		ck_assert_str_eq(kb_gap_reason_name(gap.reason), names[i]);
		ck_ok(kb_gap_publish(s, &orders, 2, &gap));
		kb_layout_gap(name, &orders, 2, i, i + 1);
		ck_ok(kb_gap_read(s, name, &back));
		ck_assert_int_eq(back.reason, i);
	}
}

STORE_TEST(gap__names_the_object_when_damaged)
{
	const char *bad[] = {
		"",
		"{",
		"[]",
		"{}",
		"{\"start\":5,\"end\":9,\"reason\":\"retention\","
		"\"noticed\":\"yesterday\",\"detail\":\"\"}",
		"{\"start\":5,\"end\":9,\"reason\":\"because\","
		"\"noticed\":\"2026-01-01\",\"detail\":\"\"}",
		"{\"start\":5,\"end\":8,\"reason\":\"retention\","
		"\"noticed\":\"2026-01-01\",\"detail\":\"\"}",
		"{\"start\":5,\"end\":99999999999999999999,"
		"\"reason\":\"retention\",\"noticed\":\"2026-01-01\","
		"\"detail\":\"\"}",
		"{\"start\":-5,\"end\":9,\"reason\":\"retention\","
		"\"noticed\":\"2026-01-01\",\"detail\":\"\"}",
		"{\"start\":5,\"end\":9,\"reason\":\"retention\","
		"\"noticed\":\"2026-01-01\",\"detail\":null}",
		"{\"start\":5,\"end\":9,\"reason\":\"retention\","
		"\"noticed\":\"2026-01-01\",\"detail\":\"\"} x\n",
	};
	struct kb_gap back;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		ck_ok(stores_put_document(s, NAME, bad[i]));
		ck_assert_int_eq(kb_gap_read(s, NAME, &back), -EBADMSG);
		ck_assert_msg(strstr(kb_err_text(), NAME) != NULL, "%s: %s",
			bad[i], kb_err_text());
		ck_ok(kb_store_remove(s, NAME));
	}
	ck_ok(stores_put_document(s, NAME,
		"{\"start\":5,\"end\":9,\"reason\":\"retention\","
		"\"noticed\":\"2026-01-01\",\"detail\":\"\",\"later\":1}"));
	ck_ok(kb_gap_read(s, NAME, &back));
}

STORE_TEST(gap__has_a_checksum)
{
	const char *bad[] = {
		"{\"start\":5,\"end\":9,\"reason\":\"retention\","
		"\"noticed\":\"2026-01-01\",\"detail\":\"\"}",
		"{\"start\":5,\"end\":9,\"reason\":\"retention\","
		"\"noticed\":\"2026-01-01\",\"detail\":\"\","
		"\"sha256\":\"x\"}",
		"{\"start\":5,\"start\":5,\"end\":9,\"reason\":\"retention\","
		"\"noticed\":\"2026-01-01\",\"detail\":\"\"}",
	};
	struct kb_gap back;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		ck_ok(stores_put(s, NAME, bad[i]));
		ck_assert_int_eq(kb_gap_read(s, NAME, &back), -EBADMSG);
		ck_assert_ptr_nonnull(strstr(kb_err_text(), NAME));
		ck_ok(kb_store_remove(s, NAME));
	}
}

KB_SUITE("gap", gap__comes_back_as_published, gap__knows_every_reason,
	gap__names_the_object_when_damaged, gap__has_a_checksum)
