/*
 * C11 threads on POSIX threads, for builds with ThreadSanitizer: librdkafka
 * makes its threads with thrd_create(), which gcc 12's runtime does not see,
 * and then crashes in them. Defined in a program, these take the place of
 * libc's in its libraries too.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>

struct start {
	thrd_start_t run;
	void *arg;
};

static void *
begin(void *arg)
{
	struct start s = *(struct start *)arg;

	free(arg);
	return (void *)(intptr_t)s.run(s.arg);
}

int
thrd_create(thrd_t *out, thrd_start_t run, void *arg)
{
	struct start *s = malloc(sizeof(*s));

	if (!s)
		return thrd_nomem;
	*s = (struct start){run, arg};
	if (pthread_create(out, NULL, begin, s) == 0)
		return thrd_success;
	free(s);
	return thrd_error;
}

int
thrd_join(thrd_t thread, int *out)
{
	void *result;

	if (pthread_join(thread, &result))
		return thrd_error;
	if (out)
		*out = (int)(intptr_t)result;
	return thrd_success;
}

int
thrd_detach(thrd_t thread)
{
	return pthread_detach(thread) ? thrd_error : thrd_success;
}
