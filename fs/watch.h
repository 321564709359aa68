/* Notices that the index of a repository has changed. */
#ifndef KB_FS_WATCH_H
#define KB_FS_WATCH_H

#include <stdbool.h>

struct kb_store;
struct kb_watch;

/* Looks at the index. Called from the watch's own thread, which holds nothing.
 */
typedef void
kb_watch_look_fn(void *ctx);

/*
 * Calls look at once and then soon after each change below `index`: within
 * some hundredths of a second where inotify(7) tells, else every second (a
 * store without files, a file system that others write to, no watches left;
 * the log says when it is the last). Borrows s.
 */
int
kb_watch_start(struct kb_store *s, kb_watch_look_fn *look, void *ctx,
	struct kb_watch **out);

/* Does it look by the clock, as inotify does not tell? Any thread. */
bool
kb_watch_by_clock(const struct kb_watch *w);

/* Ends it; look is not called any more (NULL is fine). */
void
kb_watch_stop(struct kb_watch *w);

#endif
