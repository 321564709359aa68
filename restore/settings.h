/*
 * Which of a topic's settings a restored topic is created with: all that the
 * backup knows, except those that would delete or refuse old records.
 */
#ifndef KB_RESTORE_SETTINGS_H
#define KB_RESTORE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kb_admin_setting;
struct kb_buf;
struct kb_meta;

/* How a broker names the limits on timestamps. */
enum kb_settings_limits {
	KB_LIMITS_BEFORE_AFTER, /* since 3.6 (KIP-937) */
	KB_LIMITS_DIFFERENCE,	/* until 3.9 */
};

struct kb_settings {
	struct kb_admin_setting *items; /* borrow the meta they came from */
	size_t count;
};

void
kb_settings_release(struct kb_settings *s);

/*
 * Chooses for a topic of that replication factor (-1: not known; then any
 * min.insync.replicas above 1 may be too much). exact: the originals as they
 * are. meta may be NULL: a topic of which nothing is known.
 */
int
kb_settings_choose(const struct kb_meta *meta, int32_t replication, bool exact,
	enum kb_settings_limits limits, struct kb_settings *out);

/*
 * Appends the arguments of kafka-configs.sh that turn what was chosen into the
 * originals, quoted for a shell; nothing when they are the same.
 */
int
kb_settings_undo(const struct kb_meta *meta, const struct kb_settings *chosen,
	struct kb_buf *out);

#endif
