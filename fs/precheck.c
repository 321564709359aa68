/* Questions about paths, asked while an answer still reaches the terminal. */
#include "fs/precheck.h"

#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>

#include "common/err.h"

static int
path_error(const char *path)
{
	int e = errno;

	if (e == ENOTCONN)
		return kb_err(-e,
			"%s: a mount whose program has died is still there: "
			"clear it with `fusermount3 -u %s` or `umount -l %s`",
			path, path, path);
	return kb_err(-e, "%s: %s", path, strerror(e));
}

/* Is this the root of a mounted FUSE file system? */
static bool
is_mounted(const char *path, const struct stat *st)
{
	char above[PATH_MAX];
	struct statfs fs;
	struct stat up;

	if (snprintf(above, sizeof(above), "%s/..", path) >= PATH_MAX)
		return false;
	return statfs(path, &fs) == 0 && fs.f_type == FUSE_SUPER_MAGIC &&
	       stat(above, &up) == 0 && up.st_dev != st->st_dev;
}

int
kb_precheck_mountpoint(const char *given, char **out)
{
	struct statvfs fs;
	struct stat st;
	char *path;

	/* Attributes of a dead mount may be cached; statvfs always asks. */
	if (stat(given, &st) < 0 || statvfs(given, &fs) < 0)
		return errno == ENOENT
			       ? kb_err(-ENOENT,
					 "%s: no such directory to mount on: "
					 "make it with `mkdir`",
					 given)
			       : path_error(given);
	if (!S_ISDIR(st.st_mode))
		return kb_err(-ENOTDIR, "%s: not a directory", given);
	if (is_mounted(given, &st))
		return kb_err(-EBUSY,
			"%s: something is mounted there already: unmount it "
			"with `umount %s`, or mount elsewhere",
			given, given);
	path = realpath(given, NULL);
	if (!path)
		return path_error(given);
	*out = path;
	return 0;
}

int
kb_precheck_repo(const char *given, char **out)
{
	char *path = realpath(given, NULL);

	if (!path)
		return path_error(given);
	*out = path;
	return 0;
}

static bool
is_inside(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	if (n == 1) /* the root directory */
		return true;
	return strncmp(path, dir, n) == 0 && (!path[n] || path[n] == '/');
}

int
kb_precheck_apart(const char *repo, const char *mountpoint)
{
	if (is_inside(mountpoint, repo))
		return kb_err(-EINVAL,
			"%s: lies inside the repository %s: mount elsewhere",
			mountpoint, repo);
	if (is_inside(repo, mountpoint))
		return kb_err(-EINVAL,
			"%s: the repository %s lies inside: mount elsewhere",
			mountpoint, repo);
	return 0;
}
