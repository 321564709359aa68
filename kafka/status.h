/* Kafka's error codes: their names, and what to do about each (H11). */
#ifndef KB_KAFKA_STATUS_H
#define KB_KAFKA_STATUS_H

#include <stdint.h>

/* What a caller does next. */
enum kb_status_action {
	KB_STATUS_OK,	   /* error code 0 */
	KB_STATUS_RETRY,   /* the same broker, after a pause */
	KB_STATUS_REFRESH, /* leaders moved: new metadata, then again */
	KB_STATUS_UNKNOWN, /* topic, partition or id unknown: perhaps for a
			      while, perhaps deleted; metadata decides */
	KB_STATUS_RANGE,   /* offset out of range: ask where the log starts */
	KB_STATUS_EPOCH,   /* our leader epoch is old or unknown: refresh */
	KB_STATUS_FATAL,   /* no retry will help */
};

/* The full table, KIP-agnostic: kafka/status.c. Unknown codes are fatal. */
enum kb_status_action
kb_status_action(int16_t code);

/* "NOT_LEADER_OR_FOLLOWER"; "error 4711" for codes not known. */
const char *
kb_status_name(int16_t code);

#endif
