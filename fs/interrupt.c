/*
 * Work that may take long lies layers below the request, behind calls that are
 * quick otherwise; so it is the thread that knows.
 */
#include "fs/interrupt.h"

#include <stddef.h>

static _Thread_local kb_interrupt_fn *has_been;
static _Thread_local void *its_ctx;

void
kb_interrupt_watch(kb_interrupt_fn *has, void *ctx)
{
	has_been = has;
	its_ctx = ctx;
}

bool
kb_interrupt_seen(void)
{
	return has_been && has_been(its_ctx);
}
