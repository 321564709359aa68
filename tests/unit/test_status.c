#include "kafka/status.h"

#include <string.h>

#include "suite.h"

/* The newest code of Kafka 4.1. */
#define LAST 129

START_TEST(status__names_every_code_of_the_protocol)
{
	for (int16_t code = -1; code <= LAST; code++)
		ck_assert_msg(strncmp(kb_status_name(code), "error", 5) != 0,
			"%d", code);
}
END_TEST

START_TEST(status__has_each_code_in_its_place)
{
	static const struct {
		int16_t code;
		const char *name;
	} some[] = {
		{-1, "UNKNOWN_SERVER_ERROR"},
		{0, "NONE"},
		{1, "OFFSET_OUT_OF_RANGE"},
		{3, "UNKNOWN_TOPIC_OR_PARTITION"},
		{10, "MESSAGE_TOO_LARGE"},
		{19, "NOT_ENOUGH_REPLICAS"},
		{36, "TOPIC_ALREADY_EXISTS"},
		{47, "INVALID_PRODUCER_EPOCH"},
		{56, "KAFKA_STORAGE_ERROR"},
		{74, "FENCED_LEADER_EPOCH"},
		{76, "UNSUPPORTED_COMPRESSION_TYPE"},
		{87, "INVALID_RECORD"},
		{100, "UNKNOWN_TOPIC_ID"},
		{106, "FETCH_SESSION_TOPIC_ID_ERROR"},
		{120, "TRANSACTION_ABORTABLE"},
		{LAST, "REBOOTSTRAP_REQUIRED"},
	};

	for (size_t i = 0; i < sizeof(some) / sizeof(*some); i++)
		ck_assert_str_eq(kb_status_name(some[i].code), some[i].name);
}
END_TEST

START_TEST(status__tells_what_to_do_when_a_leader_moves)
{
	ck_assert_int_eq(kb_status_action(0), KB_STATUS_OK);
	ck_assert_int_eq(kb_status_action(5), KB_STATUS_REFRESH);
	ck_assert_int_eq(kb_status_action(6), KB_STATUS_REFRESH);
	ck_assert_int_eq(kb_status_action(9), KB_STATUS_REFRESH);
	ck_assert_int_eq(kb_status_action(56), KB_STATUS_REFRESH);
	ck_assert_int_eq(kb_status_action(74), KB_STATUS_EPOCH);
	ck_assert_int_eq(kb_status_action(75), KB_STATUS_EPOCH);
}
END_TEST

START_TEST(status__tells_what_to_do_when_a_log_changed)
{
	ck_assert_int_eq(kb_status_action(1), KB_STATUS_RANGE);
	ck_assert_int_eq(kb_status_action(3), KB_STATUS_UNKNOWN);
	ck_assert_int_eq(kb_status_action(100), KB_STATUS_UNKNOWN);
}
END_TEST

START_TEST(status__retries_what_passes_and_nothing_else)
{
	static const int16_t passing[] = {-1, 7, 14, 15, 19, 20, 78, 89};
	static const int16_t lasting[] = {
		10, 17, 29, 31, 35, 36, 45, 47, 53, 58, 76, 87};

	for (size_t i = 0; i < sizeof(passing) / sizeof(*passing); i++)
		ck_assert_int_eq(kb_status_action(passing[i]), KB_STATUS_RETRY);
	for (size_t i = 0; i < sizeof(lasting) / sizeof(*lasting); i++)
		ck_assert_int_eq(kb_status_action(lasting[i]), KB_STATUS_FATAL);
}
END_TEST

START_TEST(status__takes_unknown_codes_for_fatal_and_shows_the_number)
{
	ck_assert_int_eq(kb_status_action(4711), KB_STATUS_FATAL);
	ck_assert_int_eq(kb_status_action(LAST + 1000), KB_STATUS_FATAL);
	ck_assert_int_eq(kb_status_action(-2), KB_STATUS_FATAL);
	ck_assert_int_eq(kb_status_action(INT16_MIN), KB_STATUS_FATAL);
	ck_assert_str_eq(kb_status_name(4711), "error 4711");
	ck_assert_str_eq(kb_status_name(INT16_MIN), "error -32768");
}
END_TEST

KB_SUITE("status", status__names_every_code_of_the_protocol,
	status__has_each_code_in_its_place,
	status__tells_what_to_do_when_a_leader_moves,
	status__tells_what_to_do_when_a_log_changed,
	status__retries_what_passes_and_nothing_else,
	status__takes_unknown_codes_for_fatal_and_shows_the_number)
