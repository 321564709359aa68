/*
 * A library to be preloaded: storage that hangs. A pread of a file whose path
 * contains $STUCK_PATH waits for as long as the file $STUCK_WHILE exists, and
 * adds a byte to it first, so that its size counts those who wait.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
wait_if_stuck(int fd)
{
	const char *stuck = getenv("STUCK_PATH"), *flag = getenv("STUCK_WHILE");
	char link[64], path[PATH_MAX];
	ssize_t n;
	int out;

	if (!stuck || !flag || access(flag, F_OK) < 0)
		return;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return;
	path[n] = '\0';
	if (!strstr(path, stuck))
		return;
	out = open(flag, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (out >= 0) {
		if (write(out, "x", 1) < 0)
			perror(flag);
		close(out);
	}
	while (access(flag, F_OK) == 0)
		usleep(2000);
}

ssize_t
pread(int fd, void *data, size_t len, off_t pos)
{
	ssize_t (*real)(int, void *, size_t, off_t) = (ssize_t(*)(
		int, void *, size_t, off_t))dlsym(RTLD_NEXT, "pread64");

	wait_if_stuck(fd);
	return real(fd, data, len, pos);
}
