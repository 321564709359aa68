/* Where the batches of sinks go: channels of a cluster, or a test's own. */
#ifndef KB_RESTORE_DELIVERY_H
#define KB_RESTORE_DELIVERY_H

#include <stddef.h>
#include <stdint.h>

struct kb_budget;
struct kb_cancel;
struct kb_delivery;
struct kb_parcel;

struct kb_delivery_ops {
	/*
	 * A way to one partition, ready for batches: the topic is there (made
	 * as the backup's topic `source` if need be; "" unknown) and may be
	 * written to. -ENOENT, -EACCES, ...; -ECANCELED: interrupted.
	 */
	int (*open)(struct kb_delivery *o, const char *topic, int32_t partition,
		const char *source, struct kb_cancel *interrupt,
		void **out_channel);

	/*
	 * Sends one batch and waits for its acknowledgement. -EMSGSIZE: too
	 * large, nothing arrived. -ECANCELED: interrupted, and the channel is
	 * kept for `owner`, who sends the same batch again or closes. Any
	 * other error is final.
	 */
	int (*send)(void *channel, const void *owner,
		const struct kb_parcel *parcel, struct kb_cancel *interrupt);

	void (*close)(void *channel, const void *owner);
};

struct kb_delivery {
	const struct kb_delivery_ops *ops;
	struct kb_budget *budget;
	struct kb_cancel *cancel;
	size_t batch_bytes; /* raw bytes of a batch */
	int timeout_ms;	    /* of waits for other sinks */
};

#endif
