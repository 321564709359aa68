/* Where the batches of sinks go: lanes of a cluster, or a test's own. */
#ifndef KB_RESTORE_OUTLET_H
#define KB_RESTORE_OUTLET_H

#include <stddef.h>
#include <stdint.h>

struct kb_budget;
struct kb_cancel;
struct kb_outlet;
struct kb_parcel;

struct kb_outlet_ops {
	/*
	 * A way to one partition, ready for batches: the topic is there (made
	 * as the backup's topic `source` if need be; "" unknown) and may be
	 * written to. -ENOENT, -EACCES, ...; -ECANCELED: interrupted.
	 */
	int (*open)(struct kb_outlet *o, const char *topic, int32_t partition,
		const char *source, struct kb_cancel *interrupt,
		void **out_lane);

	/*
	 * Sends one batch and waits for its acknowledgement. -EMSGSIZE: too
	 * large, nothing arrived. -ECANCELED: interrupted, and the lane is
	 * kept for `owner`, who sends the same batch again or closes. Any
	 * other error is final.
	 */
	int (*send)(void *lane, const void *owner,
		const struct kb_parcel *parcel, struct kb_cancel *interrupt);

	void (*close)(void *lane, const void *owner);
};

struct kb_outlet {
	const struct kb_outlet_ops *ops;
	struct kb_budget *budget;
	struct kb_cancel *cancel;
	size_t batch_bytes; /* raw bytes of a batch */
	int timeout_ms;	    /* of waits for other sinks */
};

#endif
