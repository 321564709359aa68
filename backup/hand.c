/* The contexts are large and slow to make, so they live as long as a thread. */
#include "backup/hand.h"

#include <errno.h>
#include <stdlib.h>

#include "common/err.h"
#include "format/codec.h"

int
kb_hand_make(void **out)
{
	struct kb_hand *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return kb_err(-ENOMEM, "out of memory");
	r = kb_decoder_new(&h->decoder);
	if (r == 0)
		r = kb_compressor_new(&h->compressor);
	if (r < 0)
		kb_hand_free(h);
	else
		*out = h;
	return r;
}

void
kb_hand_free(void *hand)
{
	struct kb_hand *h = hand;

	if (!h)
		return;
	kb_decoder_free(h->decoder);
	kb_compressor_free(h->compressor);
	kb_buf_release(&h->made);
	free(h);
}
