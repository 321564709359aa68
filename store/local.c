/*
 * Blobs as files below one directory, which is held open: the repository may
 * be renamed or the working directory changed while we run. Files are
 * published by temp.c, their directories made by dirs.c.
 *
 * 1. A name is linked only after the file's fsync returned 0; a file whose
 *    fsync failed is thrown away, since the kernel may have dropped its pages.
 * 2. 0 from publish means: file, name and all new directories are durable.
 * 3. No symbolic link is followed at the last part of a name.
 */
#include "store/local.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/file.h"
#include "store/dirs.h"
#include "store/driver.h"

#define WRITEBACK_EVERY ((uint64_t)8 << 20)

struct local {
	struct kb_store base;
	char *path; /* absolute */
	int root;
	struct kb_dirs dirs;
	pthread_mutex_t lock; /* guards way */
	enum kb_temp_way way;
};

struct local_writer {
	struct kb_blob_writer base;
	struct kb_temp temp;
	enum kb_temp_way way;
	uint64_t written;
	uint64_t started; /* bytes whose way to the disk has begun */
};

struct local_blob {
	struct kb_blob base;
	int fd;
};

static int
failed(const struct kb_store *s, const char *name, const char *doing, int r)
{
	return kb_err(
		r, "%s/%s: cannot %s: %s", s->name, name, doing, strerror(-r));
}

static int
no_blob(const struct kb_store *s, const char *name)
{
	return kb_err(-ENOENT, "%s/%s: no such object", s->name, name);
}

/* What "not there" looks like to openat(2) and unlinkat(2). */
static bool
is_missing(int r)
{
	return r == -ENOENT || r == -ENOTDIR || r == -EISDIR;
}

static void
local_free(struct kb_store *s)
{
	struct local *l = (struct local *)s;

	if (l->root >= 0)
		close(l->root);
	kb_dirs_release(&l->dirs);
	pthread_mutex_destroy(&l->lock);
	free(l->path);
	free(l);
}

static int
find_way(struct local *l, enum kb_temp_way *out)
{
	int r = 0;

	pthread_mutex_lock(&l->lock);
	if (l->way == KB_TEMP_UNKNOWN)
		r = kb_temp_probe(l->root, l->base.name, &l->way);
	*out = l->way;
	pthread_mutex_unlock(&l->lock);
	return r;
}

static int
local_create(struct kb_store *s, const char *name, struct kb_blob_writer **out)
{
	struct local *l = (struct local *)s;
	struct local_writer *w;
	enum kb_temp_way way;
	int r = find_way(l, &way);

	if (r < 0)
		return r;
	w = calloc(1, sizeof(*w));
	if (!w)
		return kb_err(-ENOMEM, "%s: out of memory", name);
	w->way = way;
	r = kb_temp_open(l->root, way, &w->temp);
	if (r < 0) {
		free(w);
		return failed(s, name, "create", r);
	}
	*out = &w->base;
	return 0;
}

/*
 * Lets the kernel write while more comes in, so that the fsync at the end has
 * little left to do. A hint: where it is refused, the fsync does it all.
 */
static void
start_writeback(struct local_writer *w)
{
	if (w->written - w->started < WRITEBACK_EVERY)
		return;
	sync_file_range(w->temp.fd, (off_t)w->started,
		(off_t)(w->written - w->started), SYNC_FILE_RANGE_WRITE);
	w->started = w->written;
}

static int
local_write(struct kb_blob_writer *base, struct kb_slice bytes)
{
	struct local_writer *w = (struct local_writer *)base;
	int r = kb_file_write(w->temp.fd, bytes.data, bytes.len);

	if (r < 0)
		return failed(base->store, base->name, "write", r);
	w->written += bytes.len;
	start_writeback(w);
	return 0;
}

static int
local_publish(struct kb_blob_writer *base)
{
	struct local_writer *w = (struct local_writer *)base;
	struct local *l = (struct local *)base->store;
	const char *slash = strrchr(base->name, '/');
	const char *last = slash ? slash + 1 : base->name;
	int dir, r;

	if (fsync(w->temp.fd) < 0)
		return failed(&l->base, base->name,
			"make durable (fsync), nothing published", -errno);
	dir = kb_dirs_make(
		&l->dirs, base->name, slash ? (size_t)(slash - base->name) : 0);
	if (dir < 0)
		return failed(&l->base, base->name, "publish", dir);
	r = kb_temp_link(l->root, w->way, &w->temp, dir, last);
	if (r == -EEXIST) {
		kb_err(r, "%s/%s: already published by somebody else",
			l->base.name, base->name);
	} else if (r < 0) {
		failed(&l->base, base->name, "publish", r);
	} else if (fsync(dir) < 0) {
		r = -errno;
		unlinkat(dir, last, 0);
		failed(&l->base, base->name, "make its directory durable", r);
	}
	close(dir);
	return r;
}

static int
local_settle(struct kb_store *s, const char *name)
{
	struct local *l = (struct local *)s;
	const char *slash = strrchr(name, '/');
	int dir = -1, r = 0;

	if (faccessat(l->root, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		r = -errno;
	if (is_missing(r))
		return no_blob(s, name);
	if (r == 0)
		r = dir = kb_dirs_make(
			&l->dirs, name, slash ? (size_t)(slash - name) : 0);
	if (dir >= 0) {
		r = fsync(dir) < 0 ? -errno : 0;
		close(dir);
	}
	return r < 0 ? failed(s, name, "make its directory durable", r) : 0;
}

static void
local_discard(struct kb_blob_writer *base)
{
	struct local_writer *w = (struct local_writer *)base;

	kb_temp_close(((struct local *)base->store)->root, &w->temp);
	free(w);
}

static int
local_open(struct kb_store *s, const char *name, struct kb_blob **out,
	uint64_t *out_size)
{
	struct local *l = (struct local *)s;
	int fd = openat(
		l->root, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	int r = fd < 0 ? -errno : 0;
	struct local_blob *b = NULL;
	struct stat st;

	if (r == -ELOOP)
		return kb_err(-EACCES, "%s/%s: a symbolic link, not followed",
			s->name, name);
	if (r == 0 && fstat(fd, &st) < 0)
		r = -errno;
	if (r == 0 && S_ISDIR(st.st_mode))
		r = -ENOENT;
	if (r < 0) {
		r = is_missing(r) ? no_blob(s, name)
				  : failed(s, name, "open", r);
	} else if (!S_ISREG(st.st_mode)) {
		r = kb_err(
			-EBADMSG, "%s/%s: not a regular file", s->name, name);
	} else if (!(b = calloc(1, sizeof(*b)))) {
		r = kb_err(-ENOMEM, "%s: out of memory", name);
	}
	if (r < 0) {
		if (fd >= 0)
			close(fd);
		return r;
	}
	b->fd = fd;
	*out_size = (uint64_t)st.st_size;
	*out = &b->base;
	return 0;
}

static ssize_t
local_read(struct kb_blob *base, uint64_t pos, void *out, size_t len)
{
	ssize_t n =
		kb_file_pread(((struct local_blob *)base)->fd, out, len, pos);

	return n < 0 ? failed(base->store, base->name, "read", (int)n) : n;
}

static void
local_close(struct kb_blob *base)
{
	close(((struct local_blob *)base)->fd);
	free(base);
}

static bool
is_dir(DIR *dir, const struct dirent *e)
{
	struct stat st;

	if (e->d_type != DT_UNKNOWN)
		return e->d_type == DT_DIR;
	return fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(st.st_mode);
}

static int
read_dir(DIR *dir, struct kb_names *out)
{
	const struct dirent *e;
	int r = 0;

	while (r == 0 && (errno = 0, e = readdir(dir))) {
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			r = kb_names_add(out, e->d_name, strlen(e->d_name),
				is_dir(dir, e));
	}
	return r < 0 ? r : -errno;
}

static int
local_list(struct kb_store *s, const char *prefix, struct kb_names *out)
{
	const struct local *l = (const struct local *)s;
	int fd = kb_dirs_open(&l->dirs, prefix, strlen(prefix)), r;
	DIR *dir;

	if (is_missing(fd))
		return 0;
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		r = fd < 0 ? fd : -errno;
		if (fd >= 0)
			close(fd);
		return failed(s, prefix, "list", r);
	}
	r = read_dir(dir, out);
	closedir(dir);
	return r < 0 && r != -ENOMEM ? failed(s, prefix, "list", r) : r;
}

static int
local_remove(struct kb_store *s, const char *name)
{
	struct local *l = (struct local *)s;
	const char *slash = strrchr(name, '/');
	int r = unlinkat(l->root, name, 0) < 0 ? -errno : 0;

	if (is_missing(r))
		return no_blob(s, name);
	if (r == 0)
		r = kb_dirs_sync(
			&l->dirs, name, slash ? (size_t)(slash - name) : 0);
	return r < 0 ? failed(s, name, "remove", r) : 0;
}

static int
local_sweep(struct kb_store *s, bool remove, size_t *out_count)
{
	return kb_temp_sweep(
		((struct local *)s)->root, s->name, remove, out_count);
}

static int
local_path(struct kb_store *s, const char *name, char **out)
{
	struct local *l = (struct local *)s;
	char *path;

	if (faccessat(l->root, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return is_missing(-errno) ? no_blob(s, name)
					  : failed(s, name, "find", -errno);
	if (asprintf(&path, "%s/%s", l->path, name) < 0)
		return kb_err(-ENOMEM, "%s: out of memory", name);
	*out = path;
	return 0;
}

static const struct kb_store_driver local_driver = {
	.free = local_free,
	.create = local_create,
	.write = local_write,
	.publish = local_publish,
	.discard = local_discard,
	.settle = local_settle,
	.open = local_open,
	.read = local_read,
	.close = local_close,
	.list = local_list,
	.remove = local_remove,
	.sweep = local_sweep,
	.path = local_path,
};

void
kb_local_set_way(struct kb_store *s, enum kb_temp_way way)
{
	struct local *l = (struct local *)s;

	pthread_mutex_lock(&l->lock);
	l->way = way;
	pthread_mutex_unlock(&l->lock);
}

/* Messages say "repo/data", not "repo//data". */
static char *
tidy(const char *path)
{
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		len--;
	return strndup(path, len);
}

static int
open_root(struct local *l, const char *path, bool create)
{
	int r = create ? kb_file_make_dirs(path) : 0;

	if (r < 0)
		return r;
	l->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	l->dirs.root = l->root;
	l->path = l->root < 0 ? NULL : realpath(path, NULL);
	r = l->path ? 0 : -errno;
	if (r == -ENOTDIR)
		return kb_err(r, "%s: not a directory", path);
	return r < 0 ? kb_err(r, "%s: %s", path, strerror(-r)) : 0;
}

int
kb_store_open_local(const char *path, bool create, struct kb_store **out)
{
	struct local *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return kb_err(-ENOMEM, "%s: out of memory", path);
	l->root = -1;
	kb_dirs_init(&l->dirs);
	l->base.driver = &local_driver;
	pthread_mutex_init(&l->lock, NULL);
	l->base.name = tidy(path);
	r = l->base.name ? open_root(l, l->base.name, create)
			 : kb_err(-ENOMEM, "%s: out of memory", path);
	if (r < 0) {
		kb_store_free(&l->base);
		return r;
	}
	*out = &l->base;
	return 0;
}
