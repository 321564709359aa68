/*
 * A ring of jobs. When it is full the oldest are lost: whoever reads that far
 * has come there by now.
 */
#include "fs/ahead.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"

#define JOBS_MAX 256

struct kb_ahead {
	pthread_mutex_t lock;
	pthread_cond_t pushed;
	kb_ahead_fn *run;
	void *ctx;
	bool ending;
	struct kb_ahead_job jobs[JOBS_MAX];
	uint64_t next; /* to be done; counts on */
	uint64_t end;
	unsigned workers;
	pthread_t threads[];
};

static void *
work(void *ctx)
{
	struct kb_ahead *a = ctx;
	struct kb_ahead_job job;

	pthread_mutex_lock(&a->lock);
	for (;;) {
		while (a->next == a->end && !a->ending)
			pthread_cond_wait(&a->pushed, &a->lock);
		if (a->ending)
			break;
		job = a->jobs[a->next++ % JOBS_MAX];
		pthread_mutex_unlock(&a->lock);
		a->run(a->ctx, &job);
		pthread_mutex_lock(&a->lock);
	}
	pthread_mutex_unlock(&a->lock);
	return NULL;
}

int
kb_ahead_new(
	unsigned workers, kb_ahead_fn *run, void *ctx, struct kb_ahead **out)
{
	struct kb_ahead *a =
		calloc(1, sizeof(*a) + workers * sizeof(*a->threads));
	int e;

	if (!a)
		return kb_err(-ENOMEM, "mount: out of memory");
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->pushed, NULL);
	a->run = run;
	a->ctx = ctx;
	while (a->workers < workers) {
		e = pthread_create(&a->threads[a->workers], NULL, work, a);
		if (e) {
			kb_ahead_free(a);
			return kb_err(-e, "thread: %s", strerror(e));
		}
		a->workers++;
	}
	*out = a;
	return 0;
}

void
kb_ahead_free(struct kb_ahead *a)
{
	if (!a)
		return;
	pthread_mutex_lock(&a->lock);
	a->ending = true;
	pthread_cond_broadcast(&a->pushed);
	pthread_mutex_unlock(&a->lock);
	for (unsigned i = 0; i < a->workers; i++)
		pthread_join(a->threads[i], NULL);
	pthread_cond_destroy(&a->pushed);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

void
kb_ahead_push(struct kb_ahead *a, const struct kb_ahead_job *job)
{
	pthread_mutex_lock(&a->lock);
	a->jobs[a->end++ % JOBS_MAX] = *job;
	if (a->end - a->next > JOBS_MAX)
		a->next = a->end - JOBS_MAX;
	pthread_cond_signal(&a->pushed);
	pthread_mutex_unlock(&a->lock);
}
