/*
 * getaddrinfo(3) can wait for a dead name server for longer than anybody
 * likes, and nothing ends it. So it runs in a thread of its own, which is left
 * alone when the time is over: the last of the two to let go of the question
 * frees it. Numeric addresses need no thread.
 */
#include "kafka/resolve.h"

#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/cancel.h"
#include "common/clock.h"
#include "common/err.h"

struct lookup {
	char *host;
	char service[16];
	struct addrinfo hints;
	int fd; /* eventfd: readable once done */
	pthread_mutex_t lock;
	/* guarded by lock */
	bool done;
	bool left; /* nobody waits any more */
	int error;
	int error_number; /* errno of EAI_SYSTEM */
	struct addrinfo *list;
};

static void
lookup_free(struct lookup *l)
{
	if (!l)
		return;
	if (l->list)
		freeaddrinfo(l->list);
	if (l->fd >= 0)
		close(l->fd);
	pthread_mutex_destroy(&l->lock);
	free(l->host);
	free(l);
}

static struct lookup *
lookup_new(const char *host, int port, int family)
{
	struct lookup *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	pthread_mutex_init(&l->lock, NULL);
	snprintf(l->service, sizeof(l->service), "%d", port);
	l->hints.ai_family = family;
	l->hints.ai_socktype = SOCK_STREAM;
	l->hints.ai_flags = AI_NUMERICSERV;
	l->host = strdup(host);
	l->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->host && l->fd >= 0)
		return l;
	lookup_free(l);
	return NULL;
}

static void *
run(void *arg)
{
	struct lookup *l = arg;
	struct addrinfo *list = NULL;
	int error = getaddrinfo(l->host, l->service, &l->hints, &list);
	int number = errno;
	bool left;

	pthread_mutex_lock(&l->lock);
	l->error = error;
	l->error_number = number;
	l->list = error ? NULL : list;
	l->done = true;
	eventfd_write(l->fd, 1);
	left = l->left;
	pthread_mutex_unlock(&l->lock);
	if (left)
		lookup_free(l);
	return NULL;
}

/* 0 once done, or why not. */
static int
wait_done(const struct lookup *l, const char *name, struct kb_cancel *cancel,
	int64_t deadline)
{
	struct pollfd p[2] = {
		{.fd = l->fd, .events = POLLIN},
		{.fd = kb_cancel_fd(cancel), .events = POLLIN},
	};

	for (;;) {
		int64_t ms = deadline - kb_clock_ms();

		if (kb_cancel_fired(cancel))
			return kb_err(-ECANCELED, "%s: interrupted", name);
		if (poll(p, 1, 0) == 1)
			return 0;
		if (ms <= 0)
			return kb_err(-ETIMEDOUT,
				"%s: no name server answered in time", name);
		poll(p, 2, ms > INT_MAX ? INT_MAX : (int)ms);
	}
}

/* Takes the result out of a question that is done. */
static int
take(struct lookup *l, const char *name, struct addrinfo **out)
{
	if (l->error)
		return kb_err(-EHOSTUNREACH, "%s: cannot find the host: %s",
			name,
			l->error == EAI_SYSTEM ? strerror(l->error_number)
					       : gai_strerror(l->error));
	*out = l->list;
	l->list = NULL;
	return 0;
}

/* Asks in a thread. */
static int
ask(struct lookup *l, const char *name, struct kb_cancel *cancel,
	int64_t deadline, struct addrinfo **out)
{
	pthread_t thread;
	bool done;
	int r = pthread_create(&thread, NULL, run, l);

	if (r) {
		lookup_free(l);
		return kb_err(-r, "%s: thread: %s", name, strerror(r));
	}
	/* By who made it: no moment without its name. */
	pthread_setname_np(thread, "kb-resolve");
	r = wait_done(l, name, cancel, deadline);
	pthread_mutex_lock(&l->lock);
	l->left = true;
	done = l->done;
	pthread_mutex_unlock(&l->lock);
	if (!done) {
		pthread_detach(thread);
		return r;
	}
	pthread_join(thread, NULL);
	if (r == 0)
		r = take(l, name, out);
	lookup_free(l);
	return r;
}

int
kb_resolve_host(const char *name, const char *host, int port, int family,
	struct kb_cancel *cancel, int64_t deadline, struct addrinfo **out)
{
	struct lookup *l = lookup_new(host, port, family);
	struct addrinfo numeric;

	if (!l)
		return kb_err(-ENOMEM, "out of memory");
	numeric = l->hints;
	numeric.ai_flags |= AI_NUMERICHOST;
	if (getaddrinfo(host, l->service, &numeric, out) == 0) {
		lookup_free(l);
		return 0;
	}
	l->hints.ai_flags |= AI_ADDRCONFIG;
	return ask(l, name, cancel, deadline, out);
}
