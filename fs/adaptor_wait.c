/*
 * A thread that hangs in read(2) of slow storage, or behind somebody who does,
 * cannot be woken. So the interrupt is answered where it arrives, on another of
 * libfuse's threads, and the request's own finds that it has nobody to answer:
 * what it comes to is for the cache. The kernel sends an interrupt for any
 * signal that a process handles, a timer's too, and few programs expect EINTR
 * of a file; hence the moment in which storage that is well has answered.
 *
 * libfuse keeps a request alive while its interrupt function runs, and holds
 * its lock, which fuse_req_interrupt_func() waits for; so the wait may be on
 * the stack. It also calls the function from there, at once, when the
 * interrupt came first. Then nothing may be answered: the request would be
 * freed beneath it.
 */
#include "fs/adaptor_ops.h"

#include <errno.h>
#include <time.h>

#include "fs/interrupt.h"

#define GRACE_MS 300

static struct timespec
after_grace(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_nsec += GRACE_MS * 1000000L;
	if (at.tv_nsec >= 1000000000L) {
		at.tv_nsec -= 1000000000L;
		at.tv_sec++;
	}
	return at;
}

static void
on_interrupt(fuse_req_t req, void *ctx)
{
	struct kb_adaptor_wait *w = ctx;
	struct timespec until = after_grace();
	bool at_once = pthread_equal(w->owner, pthread_self());

	pthread_mutex_lock(&w->lock);
	w->interrupted = true;
	while (!w->answered && !at_once)
		if (pthread_cond_clockwait(&w->done, &w->lock, CLOCK_MONOTONIC,
			    &until) == ETIMEDOUT)
			break;
	if (!w->answered && !at_once) {
		w->answered = true;
		fuse_reply_err(req, EINTR);
	}
	pthread_mutex_unlock(&w->lock);
}

static bool
is_interrupted(void *ctx)
{
	struct kb_adaptor_wait *w = ctx;
	bool is;

	pthread_mutex_lock(&w->lock);
	is = w->interrupted;
	pthread_mutex_unlock(&w->lock);
	return is;
}

void
kb_adaptor_wait_begin(fuse_req_t req, struct kb_adaptor_wait *w)
{
	*w = (struct kb_adaptor_wait){.owner = pthread_self()};
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->done, NULL);
	kb_interrupt_watch(is_interrupted, w);
	fuse_req_interrupt_func(req, on_interrupt, w);
}

bool
kb_adaptor_wait_end(fuse_req_t req, struct kb_adaptor_wait *w)
{
	bool mine;

	kb_interrupt_watch(NULL, NULL);
	pthread_mutex_lock(&w->lock);
	mine = !w->answered;
	w->answered = true;
	pthread_cond_signal(&w->done);
	pthread_mutex_unlock(&w->lock);
	if (mine)
		fuse_req_interrupt_func(req, NULL, NULL);
	pthread_cond_destroy(&w->done);
	pthread_mutex_destroy(&w->lock);
	return mine;
}
