/*
 * Threads that run tasks. Tasks of one strand run one at a time and in the
 * order they were posted; strands run side by side.
 */
#ifndef KB_BACKUP_CREW_H
#define KB_BACKUP_CREW_H

#include <stdbool.h>

struct kb_crew;

/* Embedded in what is to be done; run() owns it, and may free it. */
struct kb_task {
	struct kb_task *next;
	/* hand: what this thread has of its own, from kb_crew_hands.make */
	void (*run)(struct kb_task *task, void *hand);
};

/* {0} at first. Must live until its last task has run. */
struct kb_strand {
	struct kb_task *first;
	struct kb_task *last;
	struct kb_strand *next_ready;
	bool busy; /* in a thread's hands, or in the queue of ready ones */
};

/* What every thread has of its own: made before it starts; NULLs: nothing. */
struct kb_crew_hands {
	int (*make)(void **out);
	void (*free)(void *hand);
};

/* -ENOMEM, -EAGAIN: no thread could be made. */
int
kb_crew_new(
	int threads, const struct kb_crew_hands *hands, struct kb_crew **out);

/* Any thread, a task of the crew itself included. */
void
kb_crew_post(struct kb_crew *c, struct kb_strand *s, struct kb_task *task);

/* Runs all that was posted, then ends the threads. NULL is fine. */
void
kb_crew_free(struct kb_crew *c);

#endif
