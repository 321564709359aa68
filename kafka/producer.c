/*
 * A batch is sent until one of three things is certain: it is in the log, it
 * is refused, or time is up. Whenever an answer does not make it certain (lost
 * connection, timeout, an error that may pass), the log is asked first whether
 * the batch arrived (kafka/arrival.c), and only then the same bytes are sent
 * again, with the same producer id, epoch and sequence, so that the broker
 * tells a copy that is still on its way. Either alone is not enough: the
 * log's end says nothing about requests not yet worked off, and brokers forget
 * producers by the timestamps of what they wrote, which are old here.
 *
 * Invariants:
 * 1. part->end is where the log ended after the last batch of ours.
 * 2. part->doubt is set while a batch may be in the log that was not
 *    acknowledged, also between calls. Then the numbers in part->sent are in
 *    use: the log is asked about them before anything else is sent, and a
 *    different batch gets a new producer id.
 */
#include "kafka/producer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "kafka/conf.h"
#include "kafka/conn.h"
#include "kafka/producer_impl.h"

/* The longest pause between two tries. */
#define RETRY_MAX_MS 2000

/* A request buffer above this size is given back. */
#define BUFFER_KEEP (4 << 20)

/* ---- opening and closing ---- */

int
kb_producer_new(struct kb_cluster *cluster, struct kb_producer **out)
{
	const struct kb_conf *c = kb_cluster_conf(cluster);
	struct kb_producer *p = calloc(1, sizeof(*p));

	if (!p)
		return kb_err(-ENOMEM, "out of memory");
	p->cluster = cluster;
	p->timeout_ms = kb_conf_get_int(c, "message.timeout.ms");
	p->request_ms = kb_conf_get_int(c, "request.timeout.ms");
	p->answer_ms = kb_conf_get_int(c, "socket.timeout.ms");
	p->retry_ms = kb_conf_get_int(c, "retry.backoff.ms");
	SLIST_INIT(&p->parts);
	SLIST_INIT(&p->links);
	*out = p;
	return 0;
}

void
kb_producer_free(struct kb_producer *p)
{
	struct kb_produce_part *part;
	struct kb_produce_link *l;

	if (!p)
		return;
	while ((part = SLIST_FIRST(&p->parts))) {
		SLIST_REMOVE_HEAD(&p->parts, next);
		free(part->topic);
		free(part);
	}
	while ((l = SLIST_FIRST(&p->links))) {
		SLIST_REMOVE_HEAD(&p->links, next);
		kb_conn_close(l->conn);
		free(l);
	}
	kb_buf_release(&p->request);
	kb_buf_release(&p->answer);
	free(p);
}

int
kb_producer_open(struct kb_producer *p, const char *topic, int32_t partition,
	struct kb_produce_part **out)
{
	struct kb_produce_part *part;
	int64_t end;
	int r = kb_cluster_offset(p->cluster, topic, NULL, partition,
		KB_OFFSET_LATEST, KB_READ_UNCOMMITTED, &end);

	if (r)
		return r;
	part = calloc(1, sizeof(*part));
	if (part)
		part->topic = strdup(topic);
	if (!part || !part->topic) {
		free(part);
		return kb_err(-ENOMEM, "out of memory");
	}
	part->partition = partition;
	part->end = end;
	part->node = -1;
	part->producer_id = -1;
	SLIST_INSERT_HEAD(&p->parts, part, next);
	*out = part;
	return 0;
}

int64_t
kb_produce_part_end(const struct kb_produce_part *part)
{
	return part->end;
}

/* ---- sending ---- */

/* Before the next try; the sentence at hand becomes that of a timeout. */
static int
pause_between(struct kb_shipment *s)
{
	unsigned shift = s->tries < 10 ? s->tries : 10;
	int64_t ms = s->p->retry_ms << shift, now = kb_clock_ms();
	int r;

	s->tries++;
	if (ms > RETRY_MAX_MS)
		ms = RETRY_MAX_MS;
	if (now + ms >= s->deadline)
		return kb_err(-ETIMEDOUT,
			"%s/%d: nothing acknowledged for %" PRId64 " ms: %s",
			s->part->topic, s->part->partition, s->p->timeout_ms,
			kb_err_text());
	kb_log_info("%s: tried again", kb_err_text());
	r = kb_transmit_wait(s, -1, now + ms);
	return r < 0 ? r : 0;
}

static int
check(struct kb_shipment *s)
{
	struct kb_batch b;
	int r = kb_batch_parse(kb_slice_of(s->bytes, s->len), &b);

	if (r < 0)
		return r;
	if (r || b.bytes.len != s->len || b.base_offset || b.count < 1 ||
		b.last_offset_delta != b.count - 1)
		return kb_err(-EINVAL,
			"%s/%d: not one whole batch without gaps from offset 0",
			s->part->topic, s->part->partition);
	kb_batch_header_of(&b, &s->header);
	return 0;
}

int
kb_producer_send(struct kb_producer *p, struct kb_produce_part *part,
	uint8_t *batch, size_t len, struct kb_cancel *interrupt,
	int64_t *out_base)
{
	struct kb_shipment s = {
		.p = p,
		.part = part,
		.bytes = batch,
		.len = len,
		.interrupt = interrupt,
		.deadline = kb_clock_ms() + p->timeout_ms,
	};
	int r = check(&s);

	if (r)
		return r;
	kb_shipment_recognise(&s);
	r = kb_transmit_wait(&s, -1, p->throttled_until);
	if (r < 0)
		return r;
	while ((r = kb_shipment_try(&s)) == KB_SHIPMENT_AGAIN) {
		r = pause_between(&s);
		if (r)
			break;
	}
	if (p->request.cap > BUFFER_KEEP)
		kb_buf_release(&p->request);
	if (r && r != -ECANCELED && r != -ETIMEDOUT)
		part->doubt = false;
	if (!r)
		*out_base = part->end - s.header.count;
	return r;
}
