/* A request to stop that poll(2) can see and a signal handler can make. */
#ifndef KB_COMMON_CANCEL_H
#define KB_COMMON_CANCEL_H

#include <stdatomic.h>
#include <stdbool.h>

struct kb_cancel {
	int fd;		  /* readable for ever once fired */
	atomic_int fired; /* 0, or the value given to kb_cancel_fire() */
	/* what it fires with, each one plain; see kb_cancel_join() */
	struct kb_cancel *joined[2];
};

/* 0 or -errno. */
int
kb_cancel_init(struct kb_cancel *c);
void
kb_cancel_release(struct kb_cancel *c);

/* Async-signal-safe; any thread. why > 0, a signal's number for instance. */
void
kb_cancel_fire(struct kb_cancel *c, int why);

/*
 * Makes c a request that counts as fired while `with` (may be NULL) is, or
 * what kb_cancel_watch() names: for calls that take one request to stop where
 * there are two. It is never fired itself, and used by one thread at a time.
 */
int
kb_cancel_join(struct kb_cancel *c, struct kb_cancel *with);

/* Watches `also` from now on, in place of the one before; NULL: none. */
int
kb_cancel_watch(struct kb_cancel *c, struct kb_cancel *also);

/* 0, or the first `why`. c may be NULL: never fired. */
static inline int
kb_cancel_fired(struct kb_cancel *c)
{
	int why = c ? atomic_load(&c->fired) : 0;

	for (int i = 0; c && !why && i < 2; i++) {
		if (c->joined[i])
			why = atomic_load(&c->joined[i]->fired);
	}
	return why;
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
