#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "suite.h"

START_TEST(file__makes_all_missing_directories)
{
	char dir[] = "/tmp/kb-file-XXXXXX", path[200];
	struct stat st;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/a/b/c", dir);
	ck_ok(kb_file_make_dirs(path));
	ck_ok(kb_file_make_dirs(path));
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert(S_ISDIR(st.st_mode));
	for (int i = 0; i < 3; i++) {
		rmdir(path);
		path[strlen(path) - 2] = '\0';
	}
	rmdir(dir);
}
END_TEST

START_TEST(file__reads_what_it_wrote_and_no_more_than_allowed)
{
	char path[] = "/tmp/kb-file-XXXXXX";
	int fd = mkstemp(path);
	struct kb_buf b = {0};
	char two[8];

	ck_assert_int_ge(fd, 0);
	ck_ok(kb_file_write(fd, "hello", 5));
	ck_assert_int_eq(kb_file_pread(fd, two, 8, 3), 2);
	ck_assert_mem_eq(two, "lo", 2);
	ck_ok(kb_file_read_all(path, 5, &b));
	ck_assert_uint_eq(b.len, 5);
	kb_buf_clear(&b);
	ck_assert_int_eq(kb_file_read_all(path, 4, &b), -EFBIG);
	unlink(path);
	ck_assert_int_eq(kb_file_read_all(path, 4, &b), -ENOENT);
	kb_buf_release(&b);
	close(fd);
}
END_TEST

KB_SUITE("file", file__makes_all_missing_directories,
	file__reads_what_it_wrote_and_no_more_than_allowed)
