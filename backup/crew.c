/*
 * One lock for everything: tasks are large (an answer of the broker, the
 * fsync of a segment), so nobody waits for it long. A strand is ready when it
 * has tasks and no thread; after one task it goes behind the other ready
 * strands, which shares the threads fairly.
 */
#include "backup/crew.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"

struct member {
	pthread_t thread;
	struct kb_crew *crew;
	void *hand;
};

struct kb_crew {
	pthread_mutex_t lock; /* guards all below, and every strand */
	pthread_cond_t ready;
	struct kb_strand *first;
	struct kb_strand *last;
	bool ending;
	void (*free_hand)(void *hand);
	int count; /* threads running */
	struct member members[];
};

static void
put_ready(struct kb_crew *c, struct kb_strand *s)
{
	s->next_ready = NULL;
	if (c->last)
		c->last->next_ready = s;
	else
		c->first = s;
	c->last = s;
	pthread_cond_signal(&c->ready);
}

/* The next task, or NULL when the crew ends; *out is its strand. */
static struct kb_task *
take(struct kb_crew *c, struct kb_strand **out)
{
	struct kb_strand *s;
	struct kb_task *t;

	while (!c->first && !c->ending)
		pthread_cond_wait(&c->ready, &c->lock);
	s = c->first;
	if (!s)
		return NULL;
	c->first = s->next_ready;
	if (!c->first)
		c->last = NULL;
	t = s->first;
	s->first = t->next;
	if (!s->first)
		s->last = NULL;
	*out = s;
	return t;
}

static void *
serve(void *arg)
{
	struct member *m = arg;
	struct kb_crew *c = m->crew;
	struct kb_strand *s;
	struct kb_task *t;

	pthread_mutex_lock(&c->lock);
	while ((t = take(c, &s))) {
		pthread_mutex_unlock(&c->lock);
		t->run(t, m->hand);
		pthread_mutex_lock(&c->lock);
		if (s->first)
			put_ready(c, s);
		else
			s->busy = false;
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

static int
add_member(struct kb_crew *c, const struct kb_crew_hands *hands)
{
	struct member *m = &c->members[c->count];
	int r = hands->make ? hands->make(&m->hand) : 0;

	if (r < 0)
		return r;
	m->crew = c;
	r = pthread_create(&m->thread, NULL, serve, m);
	if (r) {
		if (hands->free)
			hands->free(m->hand);
		return kb_err(-r, "cannot make a thread: %s", strerror(r));
	}
	c->count++;
	return 0;
}

int
kb_crew_new(
	int threads, const struct kb_crew_hands *hands, struct kb_crew **out)
{
	struct kb_crew *c =
		calloc(1, sizeof(*c) + (size_t)threads * sizeof(*c->members));
	int r = 0;

	if (!c)
		return kb_err(-ENOMEM, "out of memory");
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->ready, NULL);
	c->free_hand = hands->free;
	while (r == 0 && c->count < threads)
		r = add_member(c, hands);
	if (r < 0)
		kb_crew_free(c);
	else
		*out = c;
	return r;
}

void
kb_crew_post(struct kb_crew *c, struct kb_strand *s, struct kb_task *task)
{
	task->next = NULL;
	pthread_mutex_lock(&c->lock);
	if (s->last)
		s->last->next = task;
	else
		s->first = task;
	s->last = task;
	if (!s->busy) {
		s->busy = true;
		put_ready(c, s);
	}
	pthread_mutex_unlock(&c->lock);
}

void
kb_crew_free(struct kb_crew *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	c->ending = true;
	pthread_cond_broadcast(&c->ready);
	pthread_mutex_unlock(&c->lock);
	for (int i = 0; i < c->count; i++) {
		pthread_join(c->members[i].thread, NULL);
		if (c->free_hand)
			c->free_hand(c->members[i].hand);
	}
	pthread_cond_destroy(&c->ready);
	pthread_mutex_destroy(&c->lock);
	free(c);
}
