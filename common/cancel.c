/*
 * An eventfd that nobody reads: once written it stays readable. A joined
 * request has an epoll descriptor in its place, which is readable while one of
 * the eventfds in it is.
 */
#include "common/cancel.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/err.h"

int
kb_cancel_init(struct kb_cancel *c)
{
	*c = (struct kb_cancel){0};
	c->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (c->fd < 0) {
		int e = errno;

		return kb_err(-e, "eventfd: %s", strerror(e));
	}
	return 0;
}

void
kb_cancel_release(struct kb_cancel *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

void
kb_cancel_fire(struct kb_cancel *c, int why)
{
	int none = 0, saved = errno;
	uint64_t one = 1;

	if (atomic_compare_exchange_strong(&c->fired, &none, why)) {
		while (write(c->fd, &one, sizeof(one)) < 0 && errno == EINTR)
			;
	}
	errno = saved;
}

static int
join_slot(struct kb_cancel *c, int slot, struct kb_cancel *other)
{
	struct epoll_event e = {.events = EPOLLIN};
	int r = 0;

	if (c->joined[slot])
		epoll_ctl(c->fd, EPOLL_CTL_DEL, c->joined[slot]->fd, NULL);
	c->joined[slot] = NULL;
	if (other)
		r = epoll_ctl(c->fd, EPOLL_CTL_ADD, other->fd, &e);
	if (r < 0) {
		int code = errno;

		return kb_err(-code, "epoll: %s", strerror(code));
	}
	c->joined[slot] = other;
	return 0;
}

int
kb_cancel_join(struct kb_cancel *c, struct kb_cancel *with)
{
	int r;

	*c = (struct kb_cancel){0};
	c->fd = epoll_create1(EPOLL_CLOEXEC);
	if (c->fd < 0) {
		int code = errno;

		return kb_err(-code, "epoll: %s", strerror(code));
	}
	r = join_slot(c, 0, with);
	if (r < 0)
		kb_cancel_release(c);
	return r;
}

int
kb_cancel_watch(struct kb_cancel *c, struct kb_cancel *also)
{
	return join_slot(c, 1, also);
}

int
kb_cancel_sleep(struct kb_cancel *c, int ms)
{
	int64_t until = kb_clock_ms() + ms;
	struct pollfd p = {.fd = kb_cancel_fd(c), .events = POLLIN};

	for (;;) {
		int64_t left = until - kb_clock_ms();

		if (kb_cancel_fired(c))
			return kb_err(-ECANCELED, "interrupted");
		if (left <= 0)
			return 0;
		poll(&p, 1, (int)left);
	}
}
