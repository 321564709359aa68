/* The local store's inside, for tests. */
#ifndef KB_STORE_LOCAL_H
#define KB_STORE_LOCAL_H

#include "store/temp.h"

struct kb_store;

/* From now on publish that way, whatever else would work. */
void
kb_local_set_way(struct kb_store *s, enum kb_temp_way way);

#endif
