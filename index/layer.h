/* One immutable file of the stack, open for reading. */
#ifndef KB_INDEX_LAYER_H
#define KB_INDEX_LAYER_H

#include <sqlite3.h>
#include <stdint.h>

#include "index/stack.h"

struct kb_store;

/* Raised with every change of schema.sql that older programs misread. */
#define KB_LAYER_SCHEMA 2

/*
 * What a layer can be asked; the texts are in layer.c. Parameters, as far as
 * a query has them: ?1 topic name, ?2 topic id, ?3 partition, ?4 a number,
 * ?5 another one. Unless said otherwise rows come in the order of the columns
 * that begin them.
 */
enum kb_layer_query {
	/* within one topic or partition */
	KB_LAYER_SEGMENTS, /* whose record `?4` or later might be */
	KB_LAYER_BLOCKS,   /* of the segment at ?4, from first record ?5 on */
	KB_LAYER_GAPS,	   /* partitions ?3 to ?4 */
	KB_LAYER_SPANS,	   /* partitions ?3 to ?4 */
	KB_LAYER_PEAK,	   /* start of the first segment with a time >= ?4 */
	KB_LAYER_TROUGH, /* start of the last segment with a time < ?4, or none
			  */
	KB_LAYER_META,	 /* the newest */
	KB_LAYER_SETTINGS, /* of meta number ?4 */
	/* anywhere */
	KB_LAYER_TOPICS, /* names ?1 to ?2, with first and newest meta */
	KB_LAYER_RUN,	 /* the newest */
	/* all rows of a table, topic name and id first: for merging */
	KB_LAYER_ALL_METAS,
	KB_LAYER_ALL_SETTINGS,
	KB_LAYER_ALL_SEGMENTS,
	KB_LAYER_ALL_GAPS,
	KB_LAYER_ALL_TOMBSTONES,
	KB_LAYER_ALL_RUNS, /* no topic before it */
	KB_LAYER_QUERIES,
};

struct kb_layer {
	sqlite3 *db;
	uint64_t generation;
	struct kb_stack_file range;
	char name[KB_STACK_NAME]; /* for messages, too */
	sqlite3_stmt *statements[KB_LAYER_QUERIES];
};

/*
 * Opens a file and checks what it is. -ENOENT: it is not there (any more).
 * -ESTALE: another schema or text version. -EBADMSG: not an index file.
 */
int
kb_layer_open(struct kb_store *s, uint64_t generation,
	const struct kb_stack_file *range, struct kb_layer **out);
void
kb_layer_close(struct kb_layer *l);

/* The query's statement, reset; owned by the layer, one user at a time. */
int
kb_layer_query(struct kb_layer *l, enum kb_layer_query q, sqlite3_stmt **out);

#endif
