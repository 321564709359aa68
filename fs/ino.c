/* The only place that takes inode numbers apart. */
#include "fs/ino.h"

static struct kb_ino
read_low(uint64_t ino)
{
	struct kb_ino n = {KB_INO_IS_NOTHING, 0, 0};

	if (ino == KB_INO_ROOT)
		n.kind = KB_INO_IS_ROOT;
	else if (ino == KB_INO_NAMESPACE)
		n.kind = KB_INO_IS_NAMESPACE;
	else if (ino >> 20 == kb_ino_topic(0) >> 20)
		n.kind = KB_INO_IS_TOPIC;
	else if (ino >> 20 == kb_ino_partition(0) >> 20)
		n.kind = KB_INO_IS_PARTITION;
	n.ordinal = (uint32_t)(ino & (KB_INO_PARTITIONS - 1));
	return n;
}

struct kb_ino
kb_ino_read(uint64_t ino)
{
	struct kb_ino n = {KB_INO_IS_FILE, 0, 0};

	if (kb_ino_is_restore(ino)) {
		n.kind = KB_INO_IS_RESTORE;
		return n;
	}
	if (ino & KB_INO_VIEW) {
		n.kind = KB_INO_IS_VIEW;
		return n;
	}
	n.ordinal = (uint32_t)(ino >> 43);
	n.first = (int64_t)(ino & (uint64_t)(KB_INO_OFFSETS - 1));
	return n.ordinal ? n : read_low(ino);
}
