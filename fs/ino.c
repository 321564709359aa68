/* The only place that takes inode numbers apart. */
#include "fs/ino.h"

#define PAST_DIR (KB_INO_VIEW | UINT64_C(1) << 60)
#define PAST_FILE (KB_INO_VIEW | UINT64_C(1) << 61)

/* Kinds of directories of the past, above 20 bits of ordinal. */
enum { ROOT, NAMESPACE, TOPIC, PARTITION };

static struct kb_ino
read_low(uint64_t ino)
{
	struct kb_ino n = {.kind = KB_INO_IS_NOTHING};

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

uint64_t
kb_ino_past_dir(uint64_t past, uint64_t plain)
{
	struct kb_ino n = kb_ino_read(plain);
	uint64_t kind = ROOT;

	if (n.kind == KB_INO_IS_NAMESPACE)
		kind = NAMESPACE;
	else if (n.kind == KB_INO_IS_TOPIC)
		kind = TOPIC;
	else if (n.kind == KB_INO_IS_PARTITION)
		kind = PARTITION;
	return PAST_DIR | past << 22 | kind << 20 |
	       (kind >= TOPIC ? n.ordinal : 0);
}

uint64_t
kb_ino_past_file(uint32_t folder, int64_t first)
{
	uint64_t number = (uint64_t)folder << 41 | (uint64_t)first;

	if (first >= KB_INO_PAST_OFFSETS)
		number = (uint64_t)KB_INO_FOLDERS << 41 | (uint64_t)first >> 22;
	return PAST_FILE | number;
}

static struct kb_ino
read_view(uint64_t ino)
{
	struct kb_ino n = {.kind = KB_INO_IS_VIEW};
	uint32_t ordinal = ino & (KB_INO_PARTITIONS - 1);

	if (ino & PAST_FILE & ~KB_INO_VIEW) {
		n.kind = KB_INO_IS_PAST_FILE;
		n.ordinal = ino >> 41 & (KB_INO_PARTITIONS - 1);
		n.first = (int64_t)(ino & (uint64_t)(KB_INO_PAST_OFFSETS - 1));
	} else if (ino & PAST_DIR & ~KB_INO_VIEW) {
		n.kind = KB_INO_IS_PAST_DIR;
		n.past = ino >> 22 & (KB_INO_PASTS - 1);
		switch (ino >> 20 & 3) {
		case TOPIC:
			n.plain = kb_ino_topic(ordinal);
			break;
		case PARTITION:
			n.plain = kb_ino_partition(ordinal);
			break;
		case NAMESPACE:
			n.plain = KB_INO_NAMESPACE;
			break;
		default:
			n.plain = KB_INO_ROOT;
		}
	}
	return n;
}

struct kb_ino
kb_ino_read(uint64_t ino)
{
	struct kb_ino n = {.kind = KB_INO_IS_FILE};

	if (kb_ino_is_restore(ino)) {
		n.kind = KB_INO_IS_RESTORE;
		return n;
	}
	if (ino & KB_INO_VIEW)
		return read_view(ino);
	n.ordinal = (uint32_t)(ino >> 43);
	n.first = (int64_t)(ino & (uint64_t)(KB_INO_OFFSETS - 1));
	return n.ordinal ? n : read_low(ino);
}
