/*
 * kprobe MOUNTED COPY STEPS [SEED]: reads files of a mounted directory in all
 * the ways there are, at places and in sizes made by chance, and compares with
 * plain copies of the same names. Then lists each directory through small
 * buffers and from places that it has been at. The seed is printed; the same
 * one does the same again.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define PAGE 4096
#define READ_MAX (300 << 10)
#define PIPE_MAX (64 << 10)

struct file {
	char *name; /* below both directories */
	int fd, direct;
	uint8_t *data; /* of the copy */
	size_t size;
};

static const char *mounted, *copies;
static struct file *files;
static char **dirs;
static size_t file_count, dir_count;
static uint64_t seed;
static int outside, pipes[2];

static void __attribute__((noreturn, format(printf, 1, 2)))
die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, " (%s)\n", strerror(errno));
	exit(1);
}

static uint64_t
chance(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return below ? (seed >> 11) % below : 0;
}

/* ---- reading ---- */

/* A place in the file, often near its end, sometimes behind it. */
static size_t
some_place(const struct file *f)
{
	size_t near = f->size < 200 ? f->size : f->size - 200;

	return chance(4) ? chance(f->size + 1) : near + chance(400);
}

static size_t
some_size(void)
{
	return chance(3) ? chance(5000) : chance(READ_MAX);
}

/* How much of len bytes there is at pos. */
static size_t
left(const struct file *f, size_t pos, size_t len)
{
	if (pos >= f->size)
		return 0;
	return len < f->size - pos ? len : f->size - pos;
}

static void
compare(const char *how, const struct file *f, size_t pos, size_t len,
	const void *got, ssize_t n)
{
	if (n < 0 || (size_t)n != left(f, pos, len))
		die("%s: %s of %zu at %zu: %zd, should be %zu", f->name, how,
			len, pos, n, left(f, pos, len));
	if (n && memcmp(got, f->data + pos, (size_t)n) != 0)
		die("%s: %s of %zu at %zu: other bytes", f->name, how, len,
			pos);
}

static void
by_pread(struct file *f, uint8_t *buffer)
{
	size_t pos = some_place(f), len = some_size();

	compare("pread", f, pos, len, buffer,
		pread(f->fd, buffer, len, (off_t)pos));
}

static void
by_preadv(struct file *f, uint8_t *buffer)
{
	size_t pos = some_place(f), a = chance(50), b = chance(9000);
	struct iovec iov[] = {{buffer, a}, {buffer + a, b}};

	compare("preadv", f, pos, a + b, buffer,
		preadv(f->fd, iov, 2, (off_t)pos));
}

static void
by_read(struct file *f, uint8_t *buffer)
{
	size_t pos = some_place(f), len = some_size();

	for (int i = 0; i < 3; i++) {
		if (i == 0 && lseek(f->fd, (off_t)pos, SEEK_SET) < 0)
			die("%s: lseek", f->name);
		compare("read", f, pos, len, buffer, read(f->fd, buffer, len));
		pos += left(f, pos, len);
	}
}

static void
by_direct(struct file *f, uint8_t *buffer)
{
	size_t pos = some_place(f) / PAGE * PAGE;
	size_t len = some_size() / PAGE * PAGE + PAGE;

	compare("O_DIRECT", f, pos, len, buffer,
		pread(f->direct, buffer, len, (off_t)pos));
}

static void
by_mmap(struct file *f, uint8_t *buffer)
{
	size_t pos = chance(f->size) / PAGE * PAGE;
	size_t len = left(f, pos, some_size() + 1), whole;
	uint8_t *map = mmap(NULL, len, PROT_READ,
		chance(2) ? MAP_SHARED : MAP_PRIVATE, f->fd, (off_t)pos);

	(void)buffer;
	if (map == MAP_FAILED)
		die("%s: mmap of %zu at %zu", f->name, len, pos);
	compare("mmap", f, pos, len, map, (ssize_t)len);
	/* Behind the end of the file its last page is zeros. */
	whole = (len + PAGE - 1) / PAGE * PAGE;
	for (size_t i = len; pos + len == f->size && i < whole; i++)
		if (map[i])
			die("%s: mmap: byte behind the end", f->name);
	munmap(map, len);
}

static void
by_splice(struct file *f, uint8_t *buffer)
{
	size_t pos = some_place(f), len = chance(PIPE_MAX) + 1, got = 0;
	off_t at = (off_t)pos;
	ssize_t n, m;

	n = splice(f->fd, &at, pipes[1], NULL, len, 0);
	if (n < 0 || (n == 0) != (left(f, pos, len) == 0))
		die("%s: splice of %zu at %zu: %zd", f->name, len, pos, n);
	while (got < (size_t)n) {
		m = read(pipes[0], buffer + got, (size_t)n - got);
		if (m <= 0)
			die("pipe");
		got += (size_t)m;
	}
	compare("splice", f, pos, got, buffer, n);
}

/* What has come into the file outside. */
static void
compare_outside(
	const char *how, struct file *f, size_t pos, uint8_t *buffer, ssize_t n)
{
	if (n < 0 || pread(outside, buffer, (size_t)n, 0) != n)
		die("%s: %s at %zu: %zd", f->name, how, pos, n);
	compare(how, f, pos, (size_t)n, buffer, n);
	if (ftruncate(outside, 0) < 0)
		die("ftruncate");
}

static void
by_sendfile(struct file *f, uint8_t *buffer)
{
	size_t pos = some_place(f), len = some_size() + 1;
	off_t at = (off_t)pos;
	ssize_t n;

	if (lseek(outside, 0, SEEK_SET) < 0)
		die("lseek");
	n = sendfile(outside, f->fd, &at, len);
	if ((n == 0) != (left(f, pos, len) == 0))
		die("%s: sendfile of %zu at %zu: %zd", f->name, len, pos, n);
	compare_outside("sendfile", f, pos, buffer, n);
}

/* The kernel may refuse it between two file systems, and nothing else. */
static void
by_copy(struct file *f, uint8_t *buffer)
{
	size_t pos = some_place(f), len = some_size() + 1;
	off_t at = (off_t)pos, to = 0;
	ssize_t n = copy_file_range(f->fd, &at, outside, &to, len, 0);

	if (n < 0 && errno == EXDEV)
		return;
	if ((n == 0) != (left(f, pos, len) == 0))
		die("%s: copy_file_range of %zu at %zu: %zd", f->name, len, pos,
			n);
	compare_outside("copy_file_range", f, pos, buffer, n);
}

static void
by_seek(struct file *f, uint8_t *buffer)
{
	off_t pos = (off_t)chance(f->size);

	(void)buffer;
	if (lseek(f->fd, pos, SEEK_DATA) != pos ||
		lseek(f->fd, pos, SEEK_HOLE) != (off_t)f->size ||
		lseek(f->fd, 0, SEEK_END) != (off_t)f->size)
		die("%s: SEEK_DATA, SEEK_HOLE, SEEK_END", f->name);
}

/* Not reading, but what is read next comes from the mount again. */
static void
by_forgetting(struct file *f, uint8_t *buffer)
{
	(void)buffer;
	posix_fadvise(f->fd, 0, 0, POSIX_FADV_DONTNEED);
}

static void
read_about(uint64_t steps)
{
	static void (*const ways[])(struct file *, uint8_t *) = {by_pread,
		by_preadv, by_read, by_direct, by_mmap, by_splice, by_sendfile,
		by_copy, by_seek, by_forgetting};
	uint8_t *buffer = aligned_alloc(PAGE, READ_MAX + 2 * PAGE);

	outside = open(copies, O_TMPFILE | O_RDWR, 0600);
	if (!buffer || outside < 0 || pipe(pipes) < 0)
		die("%s", copies);
	while (steps--)
		ways[chance(sizeof(ways) / sizeof(*ways))](
			&files[chance(file_count)], buffer);
	free(buffer);
}

/* ---- listing ---- */

struct entry {
	uint64_t ino;
	int64_t off;
	unsigned short len;
	unsigned char type;
	char name[];
};

/* All names in order, a newline behind each; through small buffers. */
static char *
list_small(const char *path)
{
	_Alignas(8) char buffer[512];
	char *all = NULL;
	size_t size;
	FILE *out = open_memstream(&all, &size);
	int fd = open(path, O_RDONLY | O_DIRECTORY);
	long n;

	if (fd < 0 || !out)
		die("%s", path);
	while ((n = syscall(SYS_getdents64, fd, buffer, 100 + chance(400)))) {
		if (n < 0)
			die("%s: getdents64", path);
		for (long i = 0; i < n;) {
			struct entry *e = (struct entry *)(void *)(buffer + i);

			fprintf(out, "%s\n", e->name);
			i += e->len;
		}
	}
	close(fd);
	fclose(out);
	return all;
}

static char *
list_whole(const char *path)
{
	char *all = NULL;
	size_t size;
	FILE *out = open_memstream(&all, &size);
	DIR *d = opendir(path);
	struct dirent *e;

	if (!d || !out)
		die("%s", path);
	while ((e = readdir(d)))
		fprintf(out, "%s\n", e->d_name);
	closedir(d);
	fclose(out);
	return all;
}

/* From every place that was told the listing goes on as it did. */
static void
seek_about(const char *path)
{
	enum { PLACES = 100 };
	char names[PLACES][256];
	long places[PLACES];
	struct dirent *e;
	DIR *d = opendir(path);
	int n = 0;

	if (!d)
		die("%s", path);
	for (places[0] = telldir(d); n < PLACES && (e = readdir(d));) {
		snprintf(names[n++], sizeof(names[0]), "%s", e->d_name);
		if (n < PLACES)
			places[n] = telldir(d);
	}
	for (int i = 0; i < 3 * n; i++) {
		int at = (int)chance((uint64_t)n);

		seekdir(d, places[at]);
		e = readdir(d);
		if (!e || strcmp(e->d_name, names[at]) != 0)
			die("%s: seekdir: %s, should be %s", path,
				e ? e->d_name : "the end", names[at]);
	}
	closedir(d);
}

static void
list_about(const char *name)
{
	char path[PATH_MAX], *small, *whole;

	snprintf(path, sizeof(path), "%s%s", mounted, name);
	small = list_small(path);
	whole = list_whole(path);
	if (strcmp(small, whole) != 0)
		die("%s: small buffers list something else", path);
	free(small);
	free(whole);
	seek_about(path);
}

/* ---- setting out ---- */

static void
open_file(struct file *f, const char *name, size_t size)
{
	char path[PATH_MAX];
	int fd;

	f->name = strdup(name);
	f->size = size;
	snprintf(path, sizeof(path), "%s%s", copies, name);
	fd = open(path, O_RDONLY);
	f->data = malloc(size + 1);
	if (fd < 0 || !f->data || read(fd, f->data, size) != (ssize_t)size)
		die("%s", path);
	close(fd);
	snprintf(path, sizeof(path), "%s%s", mounted, name);
	f->fd = open(path, O_RDONLY);
	f->direct = open(path, O_RDONLY | O_DIRECT);
	if (f->fd < 0 || f->direct < 0)
		die("%s", path);
}

static int
meet(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	const char *name = path + strlen(copies);

	(void)ftw;
	if (type == FTW_D) {
		dirs = reallocarray(dirs, dir_count + 1, sizeof(*dirs));
		dirs[dir_count++] = strdup(name);
	} else if (st->st_size) {
		files = reallocarray(files, file_count + 1, sizeof(*files));
		open_file(&files[file_count++], name, (size_t)st->st_size);
	}
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc < 4)
		die("usage: kprobe MOUNTED COPY STEPS [SEED]");
	mounted = argv[1];
	copies = argv[2];
	seed = argc > 4 ? strtoull(argv[4], NULL, 10)
			: (uint64_t)getpid() << 16;
	seed |= 1;
	printf("seed %" PRIu64 "\n", seed);
	fflush(stdout);
	if (nftw(copies, meet, 16, FTW_PHYS) != 0 || !file_count)
		die("%s", copies);
	read_about(strtoull(argv[3], NULL, 10));
	for (size_t i = 0; i < dir_count; i++)
		list_about(dirs[i]);
	return 0;
}
