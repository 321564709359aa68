/* Lines in, acknowledged batches out; see restore/restore.h for the calls. */
#ifndef KB_RESTORE_SINK_H
#define KB_RESTORE_SINK_H

#include <stdint.h>

struct kb_delivery;
struct kb_sink;

/* The delivery is borrowed. As kb_sink_open(). */
int
kb_sink_new(struct kb_delivery *delivery, const char *topic, int32_t partition,
	const char *label, struct kb_sink **out);

#endif
