/* For machines of which nothing is known. */
#include "format/wide.h"

#include <stdlib.h>

bool
kb_wide_here(void)
{
	return false;
}

void
kb_wide_look_at(const uint8_t *s, size_t n, struct kb_wide_look *out)
{
	(void)s, (void)n, (void)out;
	abort();
}

bool
kb_wide_utf8(const uint8_t *s, size_t n)
{
	(void)s, (void)n;
	abort();
}
