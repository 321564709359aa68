/*
 * The fork comes first and the child does everything: opens, checks, mounts.
 * Threads, sqlite and connections therefore never live through a fork, and the
 * parent reports success only when the mount is good. It learns so from a
 * pipe: a byte means ready, its end without one that the child is gone.
 *
 * Signals are taken by one thread with sigwait(3): detaching a mount runs
 * mount helpers and file system calls, which no handler could.
 */
#include "fs/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/err.h"
#include "common/log.h"

#define EXIT_NO_MOUNT 32
#define READ_AHEAD_KB "1024"

static int ready_fd = -1;
static _Atomic(const char *) mounted_at;
static struct {
	sigset_t signals;
	void (*stop)(void *ctx);
	void *ctx;
} watch;

/* ---- the background ---- */

static void __attribute__((noreturn)) wait_for(pid_t child, int fd)
{
	char byte;
	ssize_t n;
	int status;

	do
		n = read(fd, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1)
		_exit(0);
	if (waitpid(child, &status, 0) == child && WIFEXITED(status))
		_exit(WEXITSTATUS(status));
	_exit(EXIT_NO_MOUNT);
}

int
kb_daemon_fork(void)
{
	int fds[2];
	pid_t child;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return kb_err(-errno, "pipe: %s", strerror(errno));
	child = fork();
	if (child < 0)
		return kb_err(-errno, "fork: %s", strerror(errno));
	if (child > 0) {
		close(fds[1]);
		wait_for(child, fds[0]);
	}
	close(fds[0]);
	ready_fd = fds[1];
	return 0;
}

void
kb_daemon_ready(void)
{
	int null;

	if (ready_fd < 0)
		return;
	setsid();
	if (chdir("/") < 0)
		kb_log_warn("/: %s", strerror(errno));
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		close(null);
	}
	if (write(ready_fd, "", 1) < 0)
		kb_log_warn("nobody waited for the mount");
	close(ready_fd);
	ready_fd = -1;
}

/* ---- signals ---- */

static int
run_fusermount(const char *mountpoint)
{
	pid_t child = fork();
	sigset_t none;
	int status;

	if (child == 0) {
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		execl("/usr/bin/fusermount3", "fusermount3", "-u", "-z", "-q",
			"--", mountpoint, (char *)NULL);
		execlp("fusermount3", "fusermount3", "-u", "-z", "-q", "--",
			mountpoint, (char *)NULL);
		_exit(127);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0)
		return -errno;
	return status == 0 ? 0 : -EPERM;
}

static void
detach(const char *mountpoint)
{
	int r = umount2(mountpoint, MNT_DETACH) < 0 ? -errno : 0;

	if (r == -EPERM)
		r = run_fusermount(mountpoint);
	if (r < 0)
		kb_log_error("%s: cannot be unmounted: %s", mountpoint,
			strerror(-r));
	else
		kb_log_info("%s: unmounted; served until its last open file "
			    "is closed",
			mountpoint);
}

static void *
watch_signals(void *unused)
{
	bool detached = false;
	int signal;

	(void)unused;
	while (sigwait(&watch.signals, &signal) == 0) {
		const char *at = atomic_load(&mounted_at);

		if (!at)
			_exit(128 + signal);
		if (detached)
			watch.stop(watch.ctx);
		else
			detach(at);
		detached = true;
	}
	return NULL;
}

int
kb_daemon_watch(void (*stop)(void *ctx), void *ctx)
{
	pthread_t thread;
	int e;

	watch.stop = stop;
	watch.ctx = ctx;
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&watch.signals);
	sigaddset(&watch.signals, SIGINT);
	sigaddset(&watch.signals, SIGTERM);
	sigaddset(&watch.signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &watch.signals, NULL);
	e = pthread_create(&thread, NULL, watch_signals, NULL);
	if (e)
		return kb_err(-e, "thread: %s", strerror(e));
	pthread_detach(thread);
	return 0;
}

/* ---- read-ahead ---- */

/*
 * Asks the mount for its device, so another thread must serve it. Measured:
 * 128 KiB, the kernel's default, costs reads from slow storage dearly.
 */
static void *
raise_read_ahead(void *mountpoint)
{
	char path[80];
	struct stat st;
	int fd;

	if (stat(mountpoint, &st) < 0)
		return NULL;
	snprintf(path, sizeof(path), "/sys/class/bdi/%u:%u/read_ahead_kb",
		major(st.st_dev), minor(st.st_dev));
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	if (write(fd, READ_AHEAD_KB, strlen(READ_AHEAD_KB)) < 0)
		kb_log_debug("%s: %s", path, strerror(errno));
	close(fd);
	return NULL;
}

void
kb_daemon_mounted(const char *mountpoint)
{
	pthread_t thread;

	atomic_store(&mounted_at, mountpoint);
	if (geteuid() != 0)
		return;
	if (pthread_create(&thread, NULL, raise_read_ahead,
		    (void *)(uintptr_t)mountpoint) == 0)
		pthread_detach(thread);
}
