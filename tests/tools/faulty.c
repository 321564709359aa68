/*
 * A library to be preloaded: makes the n-th change that a program makes below
 * a directory fail, or kills the program right before or after it. So a crash
 * can be put between any two steps of a real program on a real file system.
 *
 *	FAULTY_DIR	only files below this directory count
 *	FAULTY_AT	which change, from 1 (0: none, they are only counted)
 *	FAULTY_DO	kill (before it), kill-after, torn (half a write, then
 *			kill), or the name of an error: ENOSPC, EIO
 *	FAULTY_OF	only changes count whose line in the log has this
 *	FAULTY_LOG	a file that gets one line a change: what, and of which
 *			file (linkat: the new name)
 *	FAULTY_READS	a file: as long as it is there, pread fails with EIO
 *	FAULTY_WATCHES	inotify has none left
 *
 * Changes are write, pwrite, fsync, fdatasync, linkat, renameat2, unlink and
 * unlinkat.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

static atomic_int changes;
static _Thread_local char path[PATH_MAX]; /* of what counts() was asked of */

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static bool
counts(int fd)
{
	const char *dir = getenv("FAULTY_DIR");
	char link[64];
	ssize_t n;

	if (!dir)
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return false;
	path[n] = '\0';
	return strncmp(path, dir, strlen(dir)) == 0;
}

static void
note(const char *what)
{
	const char *log = getenv("FAULTY_LOG");
	int fd;

	if (!log)
		return;
	fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd >= 0) {
		dprintf(fd, "%s\n", what);
		close(fd);
	}
}

enum verdict { GO_ON, KILL_AFTER, TORN, FAIL };

/* Counts one change; errno is set for FAIL. */
static enum verdict
judge(const char *what, const char *name)
{
	const char *at = getenv("FAULTY_AT"), *todo = getenv("FAULTY_DO");
	const char *of = getenv("FAULTY_OF");
	char line[PATH_MAX + 16];
	int n;

	snprintf(line, sizeof(line), "%s %s", what, name);
	if (of && !strstr(line, of))
		return GO_ON;
	n = atomic_fetch_add(&changes, 1) + 1;
	note(line);
	if (!at || !todo || atoi(at) <= 0 || n < atoi(at))
		return GO_ON;
	if (strcmp(todo, "ENOSPC") == 0 || strcmp(todo, "EIO") == 0) {
		errno = todo[1] == 'N' ? ENOSPC : EIO;
		return FAIL;
	}
	if (strcmp(todo, "kill") == 0)
		raise(SIGKILL);
	return strcmp(todo, "torn") == 0 ? TORN : KILL_AFTER;
}

static void
die_if(enum verdict v)
{
	if (v == KILL_AFTER || v == TORN)
		raise(SIGKILL);
}

ssize_t
write(int fd, const void *data, size_t len)
{
	enum verdict v = counts(fd) ? judge("write", path) : GO_ON;
	ssize_t r;

	if (v == FAIL)
		return -1;
	r = REAL(write)(fd, data, v == TORN ? len / 2 : len);
	die_if(v);
	return r;
}

ssize_t
pwrite(int fd, const void *data, size_t len, off_t at)
{
	enum verdict v = counts(fd) ? judge("pwrite", path) : GO_ON;
	ssize_t r;

	if (v == FAIL)
		return -1;
	r = REAL(pwrite)(fd, data, v == TORN ? len / 2 : len, at);
	die_if(v);
	return r;
}

ssize_t
pread(int fd, void *out, size_t len, off_t at)
{
	const char *broken = getenv("FAULTY_READS");

	if (broken && counts(fd) && access(broken, F_OK) == 0) {
		errno = EIO;
		return -1;
	}
	return REAL(pread)(fd, out, len, at);
}

int
inotify_add_watch(int fd, const char *name, uint32_t mask)
{
	if (getenv("FAULTY_WATCHES")) {
		errno = ENOSPC;
		return -1;
	}
	return REAL(inotify_add_watch)(fd, name, mask);
}

int
fsync(int fd)
{
	enum verdict v = counts(fd) ? judge("fsync", path) : GO_ON;
	int r;

	if (v == FAIL)
		return -1;
	r = REAL(fsync)(fd);
	die_if(v);
	return r;
}

int
fdatasync(int fd)
{
	enum verdict v = counts(fd) ? judge("fdatasync", path) : GO_ON;
	int r;

	if (v == FAIL)
		return -1;
	r = REAL(fdatasync)(fd);
	die_if(v);
	return r;
}

int
linkat(int from_fd, const char *from, int to_fd, const char *to, int flags)
{
	enum verdict v = judge("linkat", to);
	int r;

	if (v == FAIL)
		return -1;
	r = REAL(linkat)(from_fd, from, to_fd, to, flags);
	die_if(v);
	return r;
}

int
renameat2(int from_fd, const char *from, int to_fd, const char *to,
	unsigned flags)
{
	enum verdict v = judge("renameat2", to);
	int r;

	if (v == FAIL)
		return -1;
	r = REAL(renameat2)(from_fd, from, to_fd, to, flags);
	die_if(v);
	return r;
}

int
unlinkat(int fd, const char *name, int flags)
{
	enum verdict v = counts(fd) ? judge("unlinkat", path) : GO_ON;
	int r;

	if (v == FAIL)
		return -1;
	r = REAL(unlinkat)(fd, name, flags);
	die_if(v);
	return r;
}
