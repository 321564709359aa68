/* Several layers' rows into one file. */
#ifndef KB_INDEX_BLEND_H
#define KB_INDEX_BLEND_H

#include <stddef.h>

struct kb_layer;
struct kb_sheet;

/* All rows of layers[0..count), the newest last: newer ones win. */
int
kb_blend(struct kb_sheet *s, struct kb_layer *const *layers, size_t count);

#endif
