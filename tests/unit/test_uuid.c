#include "common/uuid.h"

#include <errno.h>

#include "suite.h"

START_TEST(uuid__is_printed_as_kafka_does)
{
	struct kb_uuid id = {{0}};
	char text[KB_UUID_TEXT];

	kb_uuid_format(&id, text);
	ck_assert_str_eq(text, "AAAAAAAAAAAAAAAAAAAAAA");
	ck_assert(kb_uuid_is_zero(&id));
	memset(id.b, 0xff, sizeof(id.b));
	kb_uuid_format(&id, text);
	ck_assert_str_eq(text, "_____________________w");
}
END_TEST

START_TEST(uuid__comes_back)
{
	struct kb_uuid a, b;
	char text[KB_UUID_TEXT];

	for (int i = 0; i < 100; i++) {
		kb_uuid_random(&a);
		kb_uuid_format(&a, text);
		ck_ok(kb_uuid_parse(text, &b));
		ck_assert(kb_uuid_equal(&a, &b));
	}
}
END_TEST

START_TEST(uuid__refuses_other_text)
{
	struct kb_uuid id;

	ck_assert_int_eq(kb_uuid_parse("", &id), -EINVAL);
	ck_assert_int_eq(kb_uuid_parse("AAAAAAAAAAAAAAAAAAAAA", &id), -EINVAL);
	ck_assert_int_eq(kb_uuid_parse("AAAAAAAAAAAAAAAAAAAAA+", &id), -EINVAL);
	ck_assert_int_eq(kb_uuid_parse("AAAAAAAAAAAAAAAAAAAAAB", &id), -EINVAL);
}
END_TEST

KB_SUITE("uuid", uuid__is_printed_as_kafka_does, uuid__comes_back,
	uuid__refuses_other_text)
