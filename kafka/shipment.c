/*
 * One try: find the leader, ask the log about a batch in doubt, number it,
 * send it, judge the answer.
 */
#include "kafka/producer_impl.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/bytes.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "kafka/cluster.h"
#include "kafka/conn.h"
#include "kafka/offsets.h"
#include "kafka/produce.h"
#include "kafka/status.h"

#define AGAIN KB_SHIPMENT_AGAIN

/* The log does not hold the batch, as far as it can be seen. */
#define ABSENT 2

/* How often a batch damaged on its way, as the broker says, is sent again. */
#define CORRUPT_TRIES 3

/* What no other try would change; anything else is tried again. */
static int
again_unless_final(int r)
{
	switch (r) {
	case -ECANCELED:
	case -ENOMEM:
	case -EACCES:
	case -EPROTONOSUPPORT:
	case -ENOENT:
		return r;
	default:
		return AGAIN;
	}
}

/* ---- numbers ---- */

static int
refused_id(const struct kb_shipment *s, int16_t code)
{
	bool no_right = code == 31; /* CLUSTER_AUTHORIZATION_FAILED */

	return kb_err(no_right ? -EACCES : -EREMOTEIO,
		"%s: the broker gives no producer id: %s%s",
		kb_conn_name(s->conn), kb_status_name(code),
		no_right ? " (the right IdempotentWrite on the cluster, or "
			   "Write on the topic, is needed)"
			 : "");
}

/* Asks for a producer id, if the partition has none. */
static int
get_id(struct kb_shipment *s)
{
	struct kb_producer *p = s->p;
	int16_t error;
	int r;

	if (s->part->producer_id >= 0)
		return 0;
	kb_buf_clear(&p->request);
	r = kb_init_producer_id_request_put(&p->request);
	if (!r)
		r = kb_transmit_call(s, KB_API_INIT_PRODUCER_ID,
			KB_INIT_PRODUCER_ID_VERSION);
	if (!r)
		r = kb_init_producer_id_answer_read(kb_buf_slice(&p->answer),
			&error, &s->part->producer_id,
			&s->part->producer_epoch);
	if (r)
		return again_unless_final(r);
	s->part->sequence = 0;
	if (!error)
		return 0;
	s->part->producer_id = -1;
	r = refused_id(s, error);
	return kb_status_action(error) == KB_STATUS_FATAL ? r : AGAIN;
}

/* Writes numbers and checksum into the batch. */
static void
seal(struct kb_shipment *s, const struct kb_arrival *a)
{
	s->header.producer_id = a->producer_id;
	s->header.producer_epoch = a->producer_epoch;
	s->header.base_sequence = a->sequence;
	kb_batch_seal(s->bytes, s->len, &s->header);
}

static uint32_t
crc_of(const struct kb_shipment *s)
{
	return kb_load_be32(s->bytes + 17);
}

/* Forgets the producer id: no number of it means anything any more. */
static void
drop_id(struct kb_produce_part *part)
{
	part->producer_id = -1;
	part->doubt = false;
}

void
kb_shipment_recognise(struct kb_shipment *s)
{
	if (!s->part->doubt)
		return;
	seal(s, &s->part->sent);
	s->other = crc_of(s) != s->part->sent_crc;
}

/* Gives the batch its numbers, unless it has them from an earlier try. */
static int
number(struct kb_shipment *s)
{
	struct kb_produce_part *part = s->part;
	int r = get_id(s);

	if (r || part->doubt)
		return r;
	part->sent = (struct kb_arrival){
		.producer_id = part->producer_id,
		.producer_epoch = part->producer_epoch,
		.sequence = part->sequence,
		.count = s->header.count,
	};
	seal(s, &part->sent);
	part->sent_crc = crc_of(s);
	return 0;
}

/* ---- one try ---- */

static int
stored(struct kb_shipment *s, int64_t base)
{
	struct kb_produce_part *part = s->part;

	if (base < part->end)
		return kb_err(-EREMOTEIO,
			"%s/%d: written at offset %" PRId64 ", below %" PRId64
			" where the log ended: records were lost, or the topic "
			"was created anew",
			part->topic, part->partition, base, part->end);
	if (base > part->end)
		kb_log_warn("%s/%d: somebody else writes to this partition: "
			    "our batch is at offset %" PRId64 ", not %" PRId64,
			part->topic, part->partition, base, part->end);
	part->doubt = false;
	part->end = base + s->header.count;
	part->sequence = (int32_t)(((uint32_t)part->sent.sequence +
					   (uint32_t)s->header.count) &
				   INT32_MAX);
	return 0;
}

/* What people can do about a refusal. */
static const char *
advice(int16_t code)
{
	switch (code) {
	case 32:
		return ": a timestamp lies outside the topic's "
		       "message.timestamp.before.max.ms or "
		       "message.timestamp.after.max.ms, or is the broker's to "
		       "set";
	case 76:
		return ": the broker is too old for this compression";
	case 87:
		return ": a record without a key for a compacted topic, or a "
		       "batch that the broker cannot take as it is";
	default:
		return "";
	}
}

static int
refused(const struct kb_shipment *s, const struct kb_produced *got)
{
	const struct kb_produce_part *part = s->part;
	int words = got->words.len > 300 ? 300 : (int)got->words.len;
	int r = -EREMOTEIO;

	if (got->error == 29 /* TOPIC_AUTHORIZATION_FAILED */)
		r = -EACCES;
	if (got->error == 10 /* MESSAGE_TOO_LARGE */ ||
		got->error == 18 /* RECORD_LIST_TOO_LARGE */)
		return kb_err(-EMSGSIZE,
			"%s/%d: a batch of %zu bytes is more than the topic's "
			"max.message.bytes",
			part->topic, part->partition, s->len);
	return kb_err(r, "%s/%d: the broker refuses: %s%s%s%.*s", part->topic,
		part->partition, kb_status_name(got->error), advice(got->error),
		words ? ": " : "", words,
		words ? (const char *)got->words.data : "");
}

static bool
about_numbers(int16_t code)
{
	switch (code) {
	case 45: /* OUT_OF_ORDER_SEQUENCE_NUMBER */
	case 46: /* DUPLICATE_SEQUENCE_NUMBER */
	case 47: /* INVALID_PRODUCER_EPOCH */
	case 59: /* UNKNOWN_PRODUCER_ID */
	case 90: /* PRODUCER_FENCED */
		return true;
	default:
		return false;
	}
}

static int
judge(struct kb_shipment *s, const struct kb_produced *got)
{
	enum kb_status_action action = kb_status_action(got->error);

	s->p->throttled_until = kb_clock_ms() + got->throttle_ms;
	if (action == KB_STATUS_OK)
		return stored(s, got->base_offset);
	if (got->error == 2 /* CORRUPT_MESSAGE */ &&
		++s->corrupt == CORRUPT_TRIES)
		return refused(s, got);
	kb_err(-EAGAIN, "%s/%d: %s: %s", s->part->topic, s->part->partition,
		kb_conn_name(s->conn), kb_status_name(got->error));
	if (about_numbers(got->error)) {
		s->renumber = true;
		return AGAIN;
	}
	if (action == KB_STATUS_FATAL)
		return refused(s, got);
	s->refresh = action != KB_STATUS_RETRY;
	return AGAIN;
}

static int
transmit(struct kb_shipment *s)
{
	struct kb_producer *p = s->p;
	struct kb_produced got;
	int version, r;

	r = kb_conn_version(s->conn, KB_API_PRODUCE, KB_PRODUCE_MIN,
		KB_PRODUCE_MAX, &version);
	if (r)
		return r;
	kb_buf_clear(&p->request);
	r = kb_produce_request_put(&p->request, s->part->topic,
		s->part->partition, (int32_t)p->request_ms,
		kb_slice_of(s->bytes, s->len));
	if (r)
		return r;
	s->part->doubt = true;
	r = kb_transmit_call(s, KB_API_PRODUCE, version);
	if (!r) {
		r = kb_produce_answer_read(kb_buf_slice(&p->answer), version,
			s->part->topic, s->part->partition, &got);
		if (r)
			kb_transmit_disconnect(s);
	}
	if (r)
		return again_unless_final(r);
	return judge(s, &got);
}

/* The batch in doubt is not this one: done with it, whatever became of it. */
static int
settle_other(struct kb_shipment *s, bool arrived)
{
	if (arrived)
		s->part->end += s->part->sent.count;
	drop_id(s->part);
	s->other = false;
	return ABSENT;
}

/* 0: it is in the log. ABSENT. AGAIN: nobody knows yet. */
static int
ask_arrival(struct kb_shipment *s)
{
	struct kb_produce_part *part = s->part;
	int r = kb_arrival_ask(s->p->cluster, s->conn, part->topic,
		part->partition, part->end, &part->sent);

	if ((r == 0 || r == 1) && s->other)
		return settle_other(s, r == 0);
	switch (r) {
	case 0:
		return stored(s, part->end);
	case 1:
		if (s->renumber)
			drop_id(part);
		s->renumber = false;
		return ABSENT;
	case 2:
		kb_err(-EAGAIN, "%s/%d: the log cannot be read now",
			part->topic, part->partition);
		return AGAIN;
	case -EBUSY:
	case -EREMOTEIO:
		return r;
	default:
		kb_transmit_disconnect(s);
		return again_unless_final(r);
	}
}

int
kb_shipment_try(struct kb_shipment *s)
{
	int r = kb_transmit_connect(s);

	if (r)
		return again_unless_final(r);
	if (s->part->doubt) {
		r = ask_arrival(s);
		if (r != ABSENT)
			return r;
		r = 0;
	}
	if (!r)
		r = number(s);
	if (!r)
		r = transmit(s);
	return r;
}
