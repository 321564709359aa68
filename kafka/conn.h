/* One connection to a broker: framed requests out, framed answers in. */
#ifndef KB_KAFKA_CONN_H
#define KB_KAFKA_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"

struct kb_cancel;
struct kb_conf;
struct kb_conn;

/* API keys used here (Kafka protocol guide). */
enum kb_api {
	KB_API_PRODUCE = 0,
	KB_API_FETCH = 1,
	KB_API_LIST_OFFSETS = 2,
	KB_API_METADATA = 3,
	KB_API_VERSIONS = 18,
	KB_API_INIT_PRODUCER_ID = 22,
	KB_API_EPOCH_END = 23,
};

/*
 * Connects (every address of host in turn) and asks ApiVersions. Deadlines
 * from conf: socket.connection.setup.timeout.ms. -ETIMEDOUT, -ECONNREFUSED,
 * ..., -ECANCELED; the sentence names host and port.
 */
int
kb_conn_open(const struct kb_conf *conf, const char *host, int port,
	struct kb_cancel *cancel, struct kb_conn **out);
void
kb_conn_close(struct kb_conn *c);

/* "host:port", for messages. */
const char *
kb_conn_name(const struct kb_conn *c);

/*
 * The highest version of api that both the broker and [min, max] have.
 * -EPROTONOSUPPORT when there is none.
 */
int
kb_conn_version(
	const struct kb_conn *c, enum kb_api api, int min, int max, int *out);

/*
 * Sends a request: header v1, or v2 (KIP-482) when flexible, then body.
 * *out_id is its correlation id. Any error leaves the connection unusable.
 */
int
kb_conn_send(struct kb_conn *c, enum kb_api api, int version, bool flexible,
	struct kb_slice body, int64_t deadline, int32_t *out_id);

/*
 * Receives the next answer, whole, into out (cleared first), its header
 * stripped. Brokers answer in order: id must be the oldest unanswered one.
 * Deadlines are kb_clock_ms() values. An answer larger than
 * receive.message.max.bytes is refused. -ETIMEDOUT, -ECONNRESET, -EBADMSG,
 * -ECANCELED; the connection is then unusable.
 */
int
kb_conn_recv(struct kb_conn *c, int32_t id, bool flexible, int64_t deadline,
	struct kb_buf *out);

/*
 * The same in steps and without waiting. First the answer's size, without the
 * header but for tagged fields, which begin a flexible answer; then its bytes,
 * as they come: 0, *out_got of the `len` asked for, at most what is left of
 * the answer. Both: 1 when nothing more is there now.
 */
int
kb_conn_recv_size(struct kb_conn *c, int32_t id, uint32_t *out_size);
int
kb_conn_recv_some(
	struct kb_conn *c, uint8_t *data, size_t len, size_t *out_got);

/* For poll(2): readable when an answer begins to arrive. */
int
kb_conn_fd(const struct kb_conn *c);

/* Send, then receive within socket.timeout.ms. */
int
kb_conn_call(struct kb_conn *c, enum kb_api api, int version, bool flexible,
	struct kb_slice body, struct kb_buf *out);

#endif
