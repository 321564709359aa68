/*
 * Channels: one a partition that is restored to, with a connection and a
 * producer of its own, so that partitions do not wait for each other. Sinks of
 * the same partition share its channel and take turns batch by batch.
 */
#ifndef KB_RESTORE_CHANNEL_H
#define KB_RESTORE_CHANNEL_H

#include <stdint.h>

struct kb_cancel;
struct kb_channel;
struct kb_channels;
struct kb_parcel;
struct kb_restore_options;
struct kb_target;

/* o and target are borrowed. Any thread may use the channels. */
int
kb_channels_new(const struct kb_restore_options *o, struct kb_target *target,
	struct kb_channels **out);
/* No channel is open any more. */
void
kb_channels_free(struct kb_channels *l);

/*
 * The channel of a partition, for one more user: the partition is there (see
 * kb_target_admit()) and, unless `append`, holds nothing but what these
 * channels put there: else -EACCES. -ECANCELED: interrupted, no channel.
 * -ETIMEDOUT.
 */
int
kb_channel_open(struct kb_channels *l, const char *topic, int32_t partition,
	const char *source, struct kb_cancel *interrupt,
	struct kb_channel **out);

/* As the delivery's send (restore/delivery.h). -EBUSY: somebody else writes. */
int
kb_channel_send(struct kb_channel *channel, const void *owner,
	const struct kb_parcel *parcel, struct kb_cancel *interrupt);

/* The user leaves; what it had in doubt stays known. */
void
kb_channel_close(struct kb_channel *channel, const void *owner);

#endif
