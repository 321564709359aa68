/*
 * Produces whole batches, idempotently, acks=all. One batch a partition in
 * flight; the answer is waited for. After a lost answer the log's end decides
 * whether the batch arrived before it is sent again (producer state expires by
 * batch timestamp, so sequence numbers alone protect no old data).
 * One thread at a time on one producer; make more for more partitions at once.
 */
#ifndef KB_KAFKA_PRODUCER_H
#define KB_KAFKA_PRODUCER_H

#include <stdint.h>

#include "common/buf.h"
#include "kafka/cluster.h"

struct kb_producer;
struct kb_produce_part;

/* The cluster is borrowed. InitProducerId is asked at the first send. */
int
kb_producer_new(struct kb_cluster *cluster, struct kb_producer **out);
void
kb_producer_free(struct kb_producer *p);

/*
 * Opens a partition to write: asks for its leader and log end. Freed with the
 * producer. -ENOENT: no such topic or partition.
 */
int
kb_producer_open(struct kb_producer *p, const char *topic, int32_t partition,
	struct kb_produce_part **out);

/* Offset the next record will get, as far as we know: the log's end. */
int64_t
kb_produce_part_end(const struct kb_produce_part *part);

/*
 * Sends one batch (base offset 0, no gaps, sealed) and waits until all in-sync
 * replicas have it. Producer id, epoch and sequence are written into bytes,
 * and the CRC renewed. `interrupt` (may be NULL) ends the wait early besides
 * the cluster's own cancel. *out_base is the offset of its first record.
 * -EMSGSIZE: larger than the topic's max.message.bytes; send less.
 * -EBUSY: somebody else writes to this partition. -EREMOTEIO: the broker
 * refuses (its error is in the sentence), or the log lost what it had
 * acknowledged. -EACCES: not authorised. -ENOENT: the topic is gone.
 * -ETIMEDOUT: message.timeout.ms. -ECANCELED: interrupted. After the last two
 * the batch may or may not have arrived: the same bytes, or the same batch made
 * again, are told apart when sent; what else is sent then follows it.
 *
 * When the batch was stored behind somebody else's, a line in the log says so
 * and *out_base lies above what kb_produce_part_end() said before.
 */
int
kb_producer_send(struct kb_producer *p, struct kb_produce_part *part,
	uint8_t *batch, size_t len, struct kb_cancel *interrupt,
	int64_t *out_base);

#endif
