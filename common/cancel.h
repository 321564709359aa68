/* A request to stop that poll(2) can see and a signal handler can make. */
#ifndef KB_COMMON_CANCEL_H
#define KB_COMMON_CANCEL_H

#include <stdatomic.h>
#include <stdbool.h>

struct kb_cancel {
	int fd; /* eventfd: readable for ever once fired */
	atomic_int fired; /* 0, or the value given to kb_cancel_fire() */
};

/* 0 or -errno. */
int
kb_cancel_init(struct kb_cancel *c);
void
kb_cancel_release(struct kb_cancel *c);

/* Async-signal-safe; any thread. why > 0, a signal's number for instance. */
void
kb_cancel_fire(struct kb_cancel *c, int why);

/* 0, or the first `why`. c may be NULL: never fired. */
static inline int
kb_cancel_fired(struct kb_cancel *c)
{
	return c ? atomic_load(&c->fired) : 0;
}

/* For poll(2); -1, which poll ignores, when c is NULL. */
static inline int
kb_cancel_fd(const struct kb_cancel *c)
{
	return c ? c->fd : -1;
}

/* Sleeps up to ms. 0 when the time has passed, -ECANCELED when fired. */
int
kb_cancel_sleep(struct kb_cancel *c, int ms);

#endif
