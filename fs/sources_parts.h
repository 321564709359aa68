/* What the files sources*.c share. */
#ifndef KB_FS_SOURCES_PARTS_H
#define KB_FS_SOURCES_PARTS_H

#include <pthread.h>
#include <stdint.h>

#include "fs/sources.h"
#include "store/layout.h"

#define KB_TEXTS_IDLE 4
#define KB_SIFTS_MAX 8 /* blocks that are measured at once */
#define KB_SAID_MAX 256

struct kb_ahead;
struct kb_ahead_job;
struct kb_blob;
struct kb_cache;
struct kb_text;

struct kb_opened {
	struct kb_source source; /* first: what users see */
	struct kb_opened *next;	 /* most recently used first */
	unsigned holders;
	char object[KB_NAME_MAX];
	struct kb_blob *blob;
	struct kb_block *blocks;
	uint64_t *starts; /* KB_FORMS rows of count + 1 */
	uint32_t count;
	uint32_t room;
	uint32_t alone; /* block of the last single record, counted from 1 */
};

/* A failure that the log has. */
struct kb_said {
	uint32_t ordinal;
	int64_t first;
	uint64_t position;
};

struct kb_sources {
	struct kb_repo *repo;
	struct kb_index *index;
	struct kb_cache *cache;
	struct kb_ahead *ahead;
	struct kb_sifts *sifts;
	pthread_mutex_t lock;
	struct kb_opened *opened;
	uint64_t sifted; /* blocks */
	unsigned sifting;
	pthread_cond_t sift_done;
	struct kb_text *texts[KB_TEXTS_IDLE]; /* the last used is on top */
	unsigned texts_idle;
	struct kb_said said[KB_SAID_MAX];
	unsigned said_count;
};

/* Logs this thread's error, unless it was said before. */
void
kb_sources_say_once(struct kb_sources *s, const struct kb_place *place,
	int64_t first, uint64_t position);

/* What a block comes to in a form. */
uint64_t
kb_sources_length(const struct kb_block *b, enum kb_form form);

/* On a worker. What fails is met, and told, by the reader who comes. */
void
kb_sources_run_ahead(void *ctx, const struct kb_ahead_job *ahead);

#endif
