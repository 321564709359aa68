/* What a thread needs of its own to take batches apart and make new ones. */
#ifndef KB_BACKUP_HAND_H
#define KB_BACKUP_HAND_H

#include "common/buf.h"

struct kb_hand {
	struct kb_decoder *decoder;
	struct kb_compressor *compressor;
	struct kb_buf made; /* a batch made anew */
};

/* As kb_crew_hands wants them: *out and hand are a struct kb_hand. */
int
kb_hand_make(void **out);
void
kb_hand_free(void *hand);

#endif
