/* Going into the background, and being told to end. */
#ifndef KB_FS_DAEMON_H
#define KB_FS_DAEMON_H

/*
 * Forks. The parent does not return: it waits, and exits 0 once the child is
 * ready, or with the child's status when that ends before. The child goes on
 * with the terminal still there, so what fails can be said. -errno.
 */
int
kb_daemon_fork(void);

/*
 * The child is on its own: releases the parent, the terminal and the working
 * directory. Nothing to do when there was no fork.
 */
void
kb_daemon_ready(void);

/*
 * Takes SIGINT, SIGTERM and SIGHUP away from all threads of the program (to be
 * called before there are others) and gives them to one of its own:
 *
 * before kb_daemon_mounted() they end the program; afterwards the first
 * detaches the mount, so that it ends with its last open file, and calls
 * nothing else; another one calls stop.
 */
int
kb_daemon_watch(void (*stop)(void *ctx), void *ctx);

/*
 * The mount is at this path, which lives on. Raises its read-ahead, where that
 * is allowed.
 */
void
kb_daemon_mounted(const char *mountpoint);

#endif
