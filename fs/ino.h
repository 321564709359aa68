/*
 * Inode numbers that say what they stand for.
 *
 *	1                          the root
 *	2                          `@topic`
 *	3                          `@status`, which the adaptor answers for
 *	1<<41 | t                  topic directory, t-th in the tree's table
 *	1<<42 | p                  partition directory, p-th in the tree's table
 *	p<<43 | first              listed file of that partition, p >= 1
 *	1<<63 | n                  a view outside the scheme, from a table
 *	1<<63 | 1<<60 | v<<22 | d  directory d of the v-th view of the past
 *	1<<63 | 1<<61 | s<<41 | first   listed file of such a view, in folder s
 *	3<<62 | n                  something below restore/, from a table
 *
 * Views of the past, and their folders, are in a table (fs/past.h). `cp -r`
 * copies in ascending order of these numbers: files of a partition therefore
 * come in the order of their offsets.
 */
#ifndef KB_FS_INO_H
#define KB_FS_INO_H

#include <stdbool.h>
#include <stdint.h>

#define KB_INO_ROOT 1
#define KB_INO_NAMESPACE 2
#define KB_INO_STATUS 3

/* Partitions and topics that one mount can number. */
#define KB_INO_PARTITIONS (1u << 20)
#define KB_INO_TOPICS (1u << 20)

/* First offsets from here on do not fit the scheme. */
#define KB_INO_OFFSETS (INT64_C(1) << 43)

#define KB_INO_VIEW (UINT64_C(1) << 63)

/* Views of the past, and folders in use of all of them. */
#define KB_INO_PASTS (UINT64_C(1) << 38)
#define KB_INO_FOLDERS ((1u << 20) - 1)
#define KB_INO_PAST_OFFSETS (INT64_C(1) << 41)
#define KB_INO_RESTORE (UINT64_C(3) << 62)

enum kb_ino_kind {
	KB_INO_IS_ROOT,
	KB_INO_IS_NAMESPACE,
	KB_INO_IS_TOPIC,
	KB_INO_IS_PARTITION,
	KB_INO_IS_FILE,
	KB_INO_IS_VIEW,
	KB_INO_IS_PAST_DIR,
	KB_INO_IS_PAST_FILE,
	KB_INO_IS_RESTORE,
	KB_INO_IS_NOTHING,
};

struct kb_ino {
	enum kb_ino_kind kind;
	uint32_t ordinal; /* of topic, partition or folder */
	int64_t first;	  /* files */
	uint64_t past;	  /* number of a view of the past, and */
	uint64_t plain;	  /* of its directory's in the tree of today */
};

/* Takes a number apart; any 64 bits will do. */
struct kb_ino
kb_ino_read(uint64_t ino);

static inline uint64_t
kb_ino_topic(uint32_t ordinal)
{
	return UINT64_C(1) << 41 | ordinal;
}

static inline uint64_t
kb_ino_partition(uint32_t ordinal)
{
	return UINT64_C(1) << 42 | ordinal;
}

/* 0 <= first < KB_INO_OFFSETS, 1 <= ordinal < KB_INO_PARTITIONS. */
static inline uint64_t
kb_ino_file(uint32_t ordinal, int64_t first)
{
	return (uint64_t)ordinal << 43 | (uint64_t)first;
}

/* plain: the root, `@topic`, a topic or a partition. past < KB_INO_PASTS. */
uint64_t
kb_ino_past_dir(uint64_t past, uint64_t plain);

/*
 * folder < KB_INO_FOLDERS. At or above KB_INO_PAST_OFFSETS the number only
 * keeps the order.
 */
uint64_t
kb_ino_past_file(uint32_t folder, int64_t first);

static inline bool
kb_ino_is_restore(uint64_t ino)
{
	return ino >> 62 == 3;
}

#endif
