/*
 * As much is made ready as was read in a row, up to a bound: a reader that
 * stops soon wasted little, and one that goes on is soon far ahead of slow
 * storage. The kernel keeps several reads in flight, and they come in any
 * order, so "in a row" is not taken to the byte.
 */
#include "fs/stride.h"

#define SLACK (UINT64_C(2) << 20)     /* the kernel's reads are out of order */
#define RUN_MIN (UINT64_C(256) << 10) /* less is no run yet */

void
kb_stride_init(struct kb_stride *s)
{
	*s = (struct kb_stride){0};
	pthread_mutex_init(&s->lock, NULL);
}

void
kb_stride_release(struct kb_stride *s)
{
	pthread_mutex_destroy(&s->lock);
}

static void
follow(struct kb_stride *s, uint64_t pos, uint64_t end)
{
	if (pos > s->next + SLACK || pos + SLACK < s->next) {
		s->run = end - pos;
		s->next = s->ahead = end;
	} else if (end > s->next) {
		s->run += end - s->next;
		s->next = end;
	}
}

bool
kb_stride_step(struct kb_stride *s, uint64_t pos, uint64_t end,
	uint64_t *out_from, uint64_t *out_to)
{
	uint64_t window;
	bool more;

	pthread_mutex_lock(&s->lock);
	follow(s, pos, end);
	window = s->run < KB_STRIDE_MAX ? s->run : KB_STRIDE_MAX;
	if (s->ahead < s->next)
		s->ahead = s->next;
	*out_from = s->ahead;
	*out_to = s->next + window;
	more = s->run >= RUN_MIN && *out_to > *out_from;
	if (more)
		s->ahead = *out_to;
	pthread_mutex_unlock(&s->lock);
	return more;
}
