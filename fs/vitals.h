/* What a mount has done so far, and how it is now: the content of `@status`. */
#ifndef KB_FS_VITALS_H
#define KB_FS_VITALS_H

#include <stdint.h>

#include "common/buf.h"

struct kb_index;
struct kb_sources;
struct kb_vitals;

/* Kinds of requests that are counted. */
enum kb_vital {
	KB_VITAL_LOOKUP,
	KB_VITAL_GETATTR,
	KB_VITAL_GETXATTR,
	KB_VITAL_OPENDIR,
	KB_VITAL_READDIR,
	KB_VITAL_OPEN,
	KB_VITAL_READ,
	KB_VITAL_CREATE,
	KB_VITAL_WRITE,
	KB_VITAL_FLUSH,
	KB_VITALS,
};

/* Copies the texts, borrows the rest. -ENOMEM. */
int
kb_vitals_new(const char *path, const char *uuid, struct kb_index *index,
	struct kb_sources *sources, struct kb_vitals **out);
void
kb_vitals_free(struct kb_vitals *v);

/* A request was answered after so long. Any thread, as all below. */
void
kb_vitals_answered(struct kb_vitals *v, enum kb_vital kind, int64_t us);

/* A file was opened (1) or closed (-1). */
void
kb_vitals_opened(struct kb_vitals *v, int change);

/*
 * Appends a JSON document. Its length hardly ever changes: it is filled up
 * with blanks. -ENOMEM.
 */
int
kb_vitals_render(struct kb_vitals *v, struct kb_buf *out);

#endif
