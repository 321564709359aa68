/* Metadata on the wire (API 3): requests written, answers read. No I/O. */
#ifndef KB_KAFKA_METADATA_H
#define KB_KAFKA_METADATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"

struct kb_metadata;

/*
 * The versions that are spoken. From 4 on a request can say that no topic
 * shall be created (allow_auto_topic_creation); 7 brings
 * leader epochs, 9 the flexible encoding, 10 topic ids (KIP-516). Below 4
 * naming a topic creates it: there only "all topics" is ever asked.
 */
#define KB_METADATA_MIN 1
#define KB_METADATA_NAMES_MIN 4
#define KB_METADATA_MAX 12

/* The best version that is spoken, not above the broker's. */
static inline int
kb_metadata_version(int theirs)
{
	static const int spoken[] = {12, 11, 10, 7, 4, 2};
	size_t i = 0;

	while (i < sizeof(spoken) / sizeof(*spoken) && spoken[i] > theirs)
		i++;
	return i < sizeof(spoken) / sizeof(*spoken) ? spoken[i] : 1;
}

static inline bool
kb_metadata_flexible(int version)
{
	return version >= 9;
}

/*
 * Appends a request's body: these topics, or all (names NULL). With a version
 * below KB_METADATA_NAMES_MIN names must be NULL.
 */
int
kb_metadata_request_put(struct kb_buf *out, int version,
	const char *const *names, size_t count);

struct kb_metadata_node {
	int32_t id;
	char *host;
	int32_t port;
};

struct kb_metadata_answer {
	struct kb_metadata_node *nodes;
	size_t node_count;
	char *cluster_id;	      /* NULL below version 2 */
	struct kb_metadata *metadata; /* never NULL */
};

/*
 * Reads an answer: topics sorted by name, partitions by number. -EBADMSG,
 * also for a topic or partition that comes twice. -ENOMEM.
 */
int
kb_metadata_answer_read(
	struct kb_slice bytes, int version, struct kb_metadata_answer *out);

/*
 * Leaves only these topics in m; one that it does not know is added with
 * error 3. 0, -ENOMEM.
 */
int
kb_metadata_select(
	struct kb_metadata *m, const char *const *names, size_t count);

/* Frees what the answer owns; {0} is legal. */
void
kb_metadata_answer_release(struct kb_metadata_answer *a);

#endif
