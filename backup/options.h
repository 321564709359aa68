/* What the user asked of one backup. */
#ifndef KB_BACKUP_OPTIONS_H
#define KB_BACKUP_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "backup/selection.h"

struct kb_conf;

enum kb_compression {
	KB_COMPRESSION_AUTO, /* uncompressed batches become zstd 1 */
	KB_COMPRESSION_VERBATIM,
	KB_COMPRESSION_ZSTD, /* everything, at `level` */
};

/* Where the first run of a partition begins. */
enum kb_origin {
	KB_ORIGIN_BEGINNING,
	KB_ORIGIN_OFFSET,
	KB_ORIGIN_TIME,
};

struct kb_backup_options {
	struct kb_conf *conf; /* owned by the verb */
	const char *repo;
	struct kb_selection selection;
	enum kb_origin origin;
	int64_t origin_value; /* an offset, or ms */
	enum kb_compression compression;
	int level;
	uint64_t segment_bytes;
	uint64_t segment_records; /* 0: any number */
	int64_t segment_age_ms;	  /* 0: any age */
	uint64_t memory;	  /* bytes of payload in flight */
	int connections;	  /* more, per leader */
	const char *metrics;	  /* address to serve at; NULL: none */
	bool dry_run;
	bool skip_damaged;
	bool json;
	bool quiet;
};

#endif
