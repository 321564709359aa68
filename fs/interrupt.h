/* Has whoever asked lost patience? Of the request that a thread answers. */
#ifndef KB_FS_INTERRUPT_H
#define KB_FS_INTERRUPT_H

#include <stdbool.h>

typedef bool
kb_interrupt_fn(void *ctx);

/* From now on `has` tells it for this thread; NULL: nobody waits. */
void
kb_interrupt_watch(kb_interrupt_fn *has, void *ctx);

/* Long work asks this between its steps, and gives up with -EINTR. */
bool
kb_interrupt_seen(void);

#endif
