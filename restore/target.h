/* The topics of the target cluster: are they there, may they be written to. */
#ifndef KB_RESTORE_TARGET_H
#define KB_RESTORE_TARGET_H

#include <stdint.h>

struct kb_cancel;
struct kb_restore_options;
struct kb_target;

/*
 * Connects. o is borrowed. All calls may come from any thread; they take
 * turns.
 */
int
kb_target_open(const struct kb_restore_options *o, struct kb_target **out);
void
kb_target_close(struct kb_target *t);

/*
 * Makes sure that a topic is there, creating it as the backup's newest topic
 * `source`, with `partitions` at least. -ENOENT: it is not there and `source`
 * ("" unknown) is not in the backup. -EACCES, -EREMOTEIO: the cluster refuses,
 * in the broker's words. -ECANCELED, -ETIMEDOUT.
 */
int
kb_target_make(struct kb_target *t, const char *topic, const char *source,
	int32_t partitions, struct kb_cancel *interrupt);

/*
 * The same, for writing to one partition. -ENOENT: it has not that many
 * partitions. -EACCES: the topic is one that the backup was made of.
 */
int
kb_target_admit(struct kb_target *t, const char *topic, int32_t partition,
	const char *source, struct kb_cancel *interrupt);

#endif
