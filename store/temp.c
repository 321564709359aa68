/*
 * Unnamed files (O_TMPFILE) vanish with their process, so a crash leaves
 * nothing. Where a file system has none, the file lives in tmp/ under a random
 * name and its writer holds a flock(2) on it: whoever can take that lock may
 * remove the file. What a file system can do is found by doing it: mount
 * options, container runtimes and network file systems all have a say.
 */
#include "store/temp.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/err.h"
#include "store/driver.h"

static int
open_unnamed(int root)
{
	int fd = openat(root, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);

	return fd < 0 ? -errno : fd;
}

static void
random_name(char out[sizeof(((struct kb_temp *)0)->name)])
{
	struct kb_uuid id;
	char text[KB_UUID_TEXT];

	kb_uuid_random(&id);
	kb_uuid_format(&id, text);
	snprintf(out, sizeof(((struct kb_temp *)0)->name), "%s/%s",
		KB_STORE_TEMP, text);
}

/*
 * A new file that we hold locked. A sweep may take it between open and flock:
 * then it has no name any more, and another one is made.
 */
static int
open_locked(int root, char *out_name)
{
	for (;;) {
		struct stat st;
		int fd, r;

		random_name(out_name);
		fd = openat(root, out_name,
			O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_CLOEXEC,
			0666);
		if (fd < 0)
			return -errno;
		r = flock(fd, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;
		if (r == 0 && fstat(fd, &st) == 0 && st.st_nlink)
			return fd;
		close(fd);
		if (r < 0 && r != -EWOULDBLOCK)
			return r;
	}
}

int
kb_temp_open(int root, enum kb_temp_way way, struct kb_temp *out)
{
	out->name[0] = '\0';
	if (way != KB_TEMP_RENAME) {
		out->fd = open_unnamed(root);
		return out->fd < 0 ? out->fd : 0;
	}
	out->fd = open_locked(root, out->name);
	if (out->fd == -ENOENT) { /* somebody removed tmp/ */
		if (mkdirat(root, KB_STORE_TEMP, 0777) < 0 && errno != EEXIST)
			return -errno;
		out->fd = open_locked(root, out->name);
	}
	return out->fd < 0 ? out->fd : 0;
}

int
kb_temp_link(int root, enum kb_temp_way way, struct kb_temp *t, int dir,
	const char *base)
{
	char self[32];
	int r = -1;

	switch (way) {
	case KB_TEMP_EMPTY_PATH:
		r = linkat(t->fd, "", dir, base, AT_EMPTY_PATH);
		break;
	case KB_TEMP_PROC:
		snprintf(self, sizeof(self), "/proc/self/fd/%d", t->fd);
		r = linkat(AT_FDCWD, self, dir, base, AT_SYMLINK_FOLLOW);
		break;
	case KB_TEMP_RENAME:
		r = renameat2(root, t->name, dir, base, RENAME_NOREPLACE);
		if (r == 0)
			t->name[0] = '\0';
		break;
	case KB_TEMP_UNKNOWN:
		errno = EOPNOTSUPP;
	}
	return r < 0 ? -errno : 0;
}

void
kb_temp_close(int root, struct kb_temp *t)
{
	if (t->fd < 0)
		return;
	if (t->name[0])
		unlinkat(root, t->name, 0);
	close(t->fd);
	t->fd = -1;
}

/* Publishes an empty file in tmp/ and removes it. */
static int
try_way(int root, enum kb_temp_way way)
{
	char name[sizeof(((struct kb_temp *)0)->name)];
	struct kb_temp t;
	int r = kb_temp_open(root, way, &t);

	if (r < 0)
		return r;
	random_name(name);
	r = kb_temp_link(root, way, &t, root, name);
	if (r == 0)
		unlinkat(root, name, 0);
	kb_temp_close(root, &t);
	return r;
}

int
kb_temp_probe(int root, const char *where, enum kb_temp_way *out)
{
	int r = 0;

	if (mkdirat(root, KB_STORE_TEMP, 0777) < 0 && errno != EEXIST) {
		r = -errno;
		return kb_err(r, "%s: cannot write: %s", where, strerror(-r));
	}
	for (int way = KB_TEMP_EMPTY_PATH; way <= KB_TEMP_RENAME; way++) {
		r = try_way(root, (enum kb_temp_way)way);
		if (r == 0) {
			*out = (enum kb_temp_way)way;
			return 0;
		}
		if (r == -ENOSPC || r == -EDQUOT || r == -EACCES ||
			r == -EROFS || r == -EIO || r == -EMFILE)
			return kb_err(
				r, "%s: cannot write: %s", where, strerror(-r));
	}
	return kb_err(-EOPNOTSUPP,
		"%s: this file system cannot publish a file under a new name "
		"without the risk of replacing another (neither O_TMPFILE with "
		"linkat nor renameat2 with RENAME_NOREPLACE: %s); put the "
		"repository on another one",
		where, strerror(-r));
}

/* True when nobody holds the file, which is then gone if `remove`. */
static bool
sweep_one(int root, const char *name, bool remove)
{
	int fd = openat(
		root, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	bool left;

	if (fd < 0)
		return false;
	left = flock(fd, LOCK_EX | LOCK_NB) == 0 &&
	       (!remove || unlinkat(root, name, 0) == 0);
	close(fd);
	return left;
}

int
kb_temp_sweep(int root, const char *where, bool remove, size_t *out_count)
{
	int fd = openat(root, KB_STORE_TEMP,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	const struct dirent *e;
	size_t count = 0;
	DIR *dir;

	if (fd < 0 && errno == ENOENT)
		return 0;
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		int r = -errno;

		if (fd >= 0)
			close(fd);
		return kb_err(
			r, "%s/%s: %s", where, KB_STORE_TEMP, strerror(-r));
	}
	while ((e = readdir(dir))) {
		char name[sizeof(KB_STORE_TEMP) + sizeof(e->d_name)];

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		snprintf(name, sizeof(name), "%s/%s", KB_STORE_TEMP, e->d_name);
		count += sweep_one(root, name, remove);
	}
	closedir(dir);
	*out_count = count;
	return 0;
}
