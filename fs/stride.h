/* Is an open file read from front to back, and how far should be ready? */
#ifndef KB_FS_STRIDE_H
#define KB_FS_STRIDE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* So many bytes ahead of a reader at most. */
#define KB_STRIDE_MAX (UINT64_C(4) << 20)

struct kb_stride {
	pthread_mutex_t lock;
	uint64_t next;	/* what was read ends here; */
	uint64_t run;	/* so much in a row; */
	uint64_t ahead; /* and what was said to be made ready */
};

void
kb_stride_init(struct kb_stride *s);
void
kb_stride_release(struct kb_stride *s);

/*
 * A read of [pos, end). True: [*out_from, *out_to) should be ready soon, and
 * has not been named before. Any thread.
 */
bool
kb_stride_step(struct kb_stride *s, uint64_t pos, uint64_t end,
	uint64_t *out_from, uint64_t *out_to);

#endif
