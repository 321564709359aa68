/*
 * Brokers without topic ids (before 2.8) cannot say that a topic was deleted
 * and created again. There the last record stored bears witness: the broker
 * must still have that very record at its offset.
 */
#ifndef KB_BACKUP_WITNESS_H
#define KB_BACKUP_WITNESS_H

#include <stdint.h>

struct kb_cluster;
struct kb_deposit;
struct kb_lane;

/*
 * Compares the record at offset `last`, which is stored and indexed, with the
 * broker's: timestamp, key and value. 0: the same, or the broker has none
 * there any more (retention, compaction). -ESTALE: another record.
 */
int
kb_witness_check(const struct kb_lane *l, struct kb_deposit *o,
	struct kb_cluster *cluster, int64_t last);

#endif
