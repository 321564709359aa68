#include "store/document.h"

#include <errno.h>
#include <string.h>

#include "fault.h"
#include "stores.h"

START_TEST(document__checks_what_fields_hold)
{
	json_t *o = json_pack("{s:i, s:s, s:b, s:s, s:f, s:n}", "n", 5, "text",
		"four", "yes", 1, "time", "2026-01-01T00:00:00.5Z", "real", 5.0,
		"null");
	char text[5];
	int64_t n;
	bool b;

	ck_ok(kb_document_int("x", o, "n", 5, 5, &n));
	ck_assert_int_eq(n, 5);
	ck_assert_int_eq(kb_document_int("x", o, "n", 6, 9, &n), -EBADMSG);
	ck_assert_int_eq(kb_document_int("x", o, "n", 0, 4, &n), -EBADMSG);
	ck_assert_int_eq(kb_document_int("x", o, "real", 0, 9, &n), -EBADMSG);
	ck_assert_int_eq(kb_document_int("x", o, "none", 0, 9, &n), -EBADMSG);
	ck_assert_str_eq(kb_err_text(),
		"x: damaged: \"none\" is not there or not a whole number");
	ck_ok(kb_document_text("x", o, "text", 5, text));
	ck_assert_str_eq(text, "four");
	ck_assert_int_eq(kb_document_text("x", o, "text", 4, text), -EBADMSG);
	ck_assert_int_eq(kb_document_text("x", o, "null", 4, text), -EBADMSG);
	ck_ok(kb_document_bool("x", o, "yes", &b));
	ck_assert(b);
	ck_assert_int_eq(kb_document_bool("x", o, "n", &b), -EBADMSG);
	ck_ok(kb_document_time("x", o, "time", &n));
	ck_assert_int_eq(n % 1000, 500);
	ck_assert_int_eq(kb_document_time("x", o, "text", &n), -EBADMSG);
	json_decref(o);
}
END_TEST

START_TEST(document__keeps_times_that_are_none)
{
	json_t *o = json_pack("{s:o, s:o}", "none", kb_document_of_time(-1),
		"far", kb_document_of_time(INT64_C(4102444800000)));
	int64_t n;

	ck_ok(kb_document_time("x", o, "none", &n));
	ck_assert_int_eq(n, -1);
	ck_ok(kb_document_time("x", o, "far", &n));
	ck_assert_int_eq(n, INT64_C(4102444800000));
	json_decref(o);
}
END_TEST

STORE_TEST(document__has_the_checksum_that_jq_gives)
{
	struct kb_buf b = {0};

	ck_ok(kb_document_publish(
		s, "x", json_pack("{s:i, s:s}", "b", 1, "a", "\xc3\xa4 / \"")));
	ck_ok(kb_store_read_all(s, "x", 1000, &b));
	ck_ok(kb_buf_put(&b, "", 1));
	/* printf '{"a":"ä / \\"","b":1}' | sha256sum */
	ck_assert_str_eq((const char *)b.data,
		"{\n \"b\": 1,\n \"a\": \"\xc3\xa4 / \\\"\",\n \"sha256\": "
		"\"2987effe081df5d1465ef6661a28d884"
		"93d972eae21eae08861d0d3b80b06578\"\n}\n");
	kb_buf_release(&b);
}

STORE_TEST(document__is_read_whatever_the_order_of_its_keys)
{
	json_t *o = json_pack("{s:i, s:i}", "b", 1, "a", 2), *back;
	char *text;

	ck_ok(kb_document_seal(o));
	text = json_dumps(o, JSON_SORT_KEYS);
	ck_ok(stores_put(s, "x", text));
	free(text);
	ck_assert_int_eq(kb_document_read(s, "x", &back), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(kb_err_text(), "/x: damaged: cut off"));
	json_decref(o);
	ck_ok(stores_put_document(s, "y", "{\"b\":1, \"a\":2}"));
	ck_ok(kb_document_read(s, "y", &back));
	json_decref(back);
	ck_assert_int_eq(kb_document_read(s, "z", &back), -ENOENT);
}

STORE_TEST(document__refuses_the_huge_and_the_deep)
{
	struct kb_blob_writer *w;
	struct kb_buf b = {0};
	json_t *o;

	for (int i = 0; i < 100000; i++)
		ck_ok(kb_buf_put(&b, "[", 1));
	ck_ok(kb_buf_put(&b, "\n", 2));
	ck_ok(stores_put(s, "deep", (const char *)b.data));
	ck_assert_int_eq(kb_document_read(s, "deep", &o), -EBADMSG);
	kb_buf_clear(&b);
	ck_ok(kb_store_create(s, "huge", &w));
	ck_ok(kb_buf_reserve(&b, KB_DOCUMENT_MAX + 1));
	memset(b.data, ' ', KB_DOCUMENT_MAX + 1);
	ck_ok(kb_blob_write(w, kb_slice_of(b.data, KB_DOCUMENT_MAX + 1)));
	ck_ok(kb_blob_publish(w));
	ck_assert_int_eq(kb_document_read(s, "huge", &o), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(kb_err_text(), "huge: too large"));
	kb_buf_release(&b);
}

STORE_TEST(document__takes_the_next_free_number)
{
	uint64_t n;

	ck_ok(kb_document_newest(s, "d", &n));
	ck_assert_uint_eq(n, 0);
	ck_ok(stores_put(s, "d/2.json", "x"));
	ck_ok(stores_put(s, "d/10.json", "x"));
	ck_ok(stores_put(s, "d/x.json", "x"));
	ck_ok(stores_put(s, "d/11.json/x", "x"));
	ck_ok(kb_document_newest(s, "d", &n));
	ck_assert_uint_eq(n, 10);
	/* 11.json is a directory here: taken, though it is no number. */
	ck_ok(kb_document_publish_next(s, "d", json_object(), &n));
	ck_assert_uint_eq(n, 12);
}

START_TEST(document__passes_on_a_full_disk)
{
	struct kb_fault plan = {
		.fail_at = {[KB_FAULT_WRITE] = 1},
		.code = {[KB_FAULT_WRITE] = -ENOSPC},
	};
	struct kb_store *s;

	ck_ok(kb_store_new_memory(&s));
	ck_ok(kb_fault_new(s, &plan, &s));
	ck_assert_int_eq(kb_document_publish(s, "x", json_object()), -ENOSPC);
	ck_assert_int_eq(kb_document_publish(s, "x", NULL), -ENOMEM);
	ck_assert_str_eq(stores_list(s, ""), "");
	kb_store_free(s);
}
END_TEST

KB_SUITE("document", document__checks_what_fields_hold,
	document__keeps_times_that_are_none,
	document__has_the_checksum_that_jq_gives,
	document__is_read_whatever_the_order_of_its_keys,
	document__refuses_the_huge_and_the_deep,
	document__takes_the_next_free_number, document__passes_on_a_full_disk)
