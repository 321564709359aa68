/* Thin wrappers that finish what read(2) and write(2) may leave half done. */
#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/err.h"

int
kb_file_write(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

ssize_t
kb_file_pread(int fd, void *data, size_t len, uint64_t pos)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, (char *)data + done, len - done,
			(off_t)(pos + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

int
kb_file_read_all(const char *path, size_t max, struct kb_buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), r = 0;
	size_t before = out->len;

	if (fd < 0) {
		r = -errno;
		return kb_err(r, "%s: %s", path, strerror(-r));
	}
	for (;;) {
		ssize_t n;

		r = kb_buf_reserve(out, 64 << 10);
		if (r < 0)
			break;
		n = read(fd, out->data + out->len, 64 << 10);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			r = kb_err(-errno, "%s: %s", path, strerror(errno));
		if (n <= 0)
			break;
		out->len += (size_t)n;
		if (out->len - before > max) {
			r = kb_err(
				-EFBIG, "%s: more than %zu bytes", path, max);
			break;
		}
	}
	close(fd);
	return r;
}

int
kb_file_sync_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;

	if (fd < 0 || fsync(fd) < 0) {
		r = -errno;
		kb_err(r, "%s: %s", path, strerror(-r));
	}
	if (fd >= 0)
		close(fd);
	return r;
}

/* The length of path's parent; 0 when the parent is the working directory. */
static size_t
parent_length(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return 0;
	return slash == path ? 1 : (size_t)(slash - path);
}

int
kb_file_make_dirs(const char *path)
{
	char parent[PATH_MAX];
	size_t n = parent_length(path);
	int r;

	if (n >= sizeof(parent))
		return kb_err(-ENAMETOOLONG, "%s: path too long", path);
	memcpy(parent, n ? path : ".", n ? n : 1);
	parent[n ? n : 1] = '\0';
	if (mkdir(path, 0755) == 0)
		return kb_file_sync_dir(parent);
	if (errno == EEXIST)
		return 0;
	if (errno != ENOENT || !n || strcmp(parent, path) == 0) {
		r = -errno;
		return kb_err(
			r, "%s: cannot make directory: %s", path, strerror(-r));
	}
	r = kb_file_make_dirs(parent);
	if (r < 0)
		return r;
	if (mkdir(path, 0755) < 0 && errno != EEXIST) {
		r = -errno;
		return kb_err(
			r, "%s: cannot make directory: %s", path, strerror(-r));
	}
	return kb_file_sync_dir(parent);
}
