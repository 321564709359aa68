/*
 * The log's end, as ListOffsets gives it, is the high watermark: what lies
 * below is on all in-sync replicas. So a batch found there is as good as
 * acknowledged, and one not found may still be on the leader alone; sent again
 * with the same numbers it is then not appended twice.
 */
#include "kafka/arrival.h"

#include <errno.h>
#include <inttypes.h>

#include "common/buf.h"
#include "common/err.h"
#include "format/batch.h"
#include "kafka/cluster.h"
#include "kafka/conn.h"
#include "kafka/fetch.h"
#include "kafka/status.h"

/* The broker sends the first batch whole all the same. */
#define HEADER_BYTES 1024
#define WAIT_MS 100

static int
is_ours(const char *topic, int32_t partition, int64_t end,
	const struct kb_arrival *want, struct kb_slice records)
{
	const uint8_t *p = records.data;

	if (records.len < KB_BATCH_HEADER)
		return 2;
	if ((int64_t)kb_load_be64(p) == end &&
		(int64_t)kb_load_be64(p + 43) == want->producer_id &&
		(int16_t)kb_load_be16(p + 51) == want->producer_epoch &&
		(int32_t)kb_load_be32(p + 53) == want->sequence &&
		(int32_t)kb_load_be32(p + 57) == want->count)
		return 0;
	return kb_err(-EBUSY,
		"%s/%d: somebody else writes to this partition: at offset "
		"%" PRId64 " lies a batch of producer %" PRId64
		", ours is %" PRId64,
		topic, partition, end, (int64_t)kb_load_be64(p + 43),
		want->producer_id);
}

static int
read_answer(const char *topic, int32_t partition, int64_t end,
	const struct kb_arrival *want, int version, struct kb_slice bytes)
{
	struct kb_fetch_answer a;
	struct kb_fetched got;
	int r = kb_fetch_answer_init(&a, version, bytes);

	if (r)
		return r;
	r = a.error ? 1 : kb_fetch_answer_next(&a, &got);
	if (r)
		return r < 0 ? r : 2;
	if (kb_status_action(got.error) == KB_STATUS_RANGE)
		return kb_err(-EREMOTEIO,
			"%s/%d: what was written at offset %" PRId64
			" is already gone: the topic's retention deletes it",
			topic, partition, end);
	if (kb_status_action(got.error) == KB_STATUS_FATAL)
		return kb_err(-EREMOTEIO,
			"%s/%d: cannot read what was written: %s", topic,
			partition, kb_status_name(got.error));
	if (got.error)
		return 2;
	return is_ours(topic, partition, end, want, got.records);
}

static int
look(struct kb_conn *conn, const char *topic, int32_t partition, int64_t end,
	const struct kb_arrival *want)
{
	const struct kb_uuid none = {{0}};
	const struct kb_fetch_limits limits = {
		WAIT_MS, 1, HEADER_BYTES, KB_READ_UNCOMMITTED};
	const struct kb_fetch_want ask = {
		topic, &none, partition, -1, end, HEADER_BYTES};
	struct kb_buf body = {0}, answer = {0};
	int version, r;

	r = kb_conn_version(conn, KB_API_FETCH, KB_FETCH_NAME_MIN,
		KB_FETCH_NAME_MAX, &version);
	if (!r)
		r = kb_fetch_request_put(&body, version, &limits, &ask, 1);
	if (!r)
		r = kb_conn_call(conn, KB_API_FETCH, version, false,
			kb_buf_slice(&body), &answer);
	if (!r)
		r = read_answer(topic, partition, end, want, version,
			kb_buf_slice(&answer));
	kb_buf_release(&body);
	kb_buf_release(&answer);
	return r;
}

int
kb_arrival_ask(struct kb_cluster *cluster, struct kb_conn *conn,
	const char *topic, int32_t partition, int64_t end,
	const struct kb_arrival *batch)
{
	int64_t now;
	int r = kb_cluster_offset(cluster, topic, NULL, partition,
		KB_OFFSET_LATEST, KB_READ_UNCOMMITTED, &now);

	if (r)
		return r;
	if (now == end)
		return 1;
	if (now < end)
		return kb_err(-EREMOTEIO,
			"%s/%d: the log ends at offset %" PRId64
			", below %" PRId64
			": records acknowledged before are lost, or the topic "
			"was created anew",
			topic, partition, now, end);
	return look(conn, topic, partition, end, batch);
}
