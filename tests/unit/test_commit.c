#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/log.h"
#include "fault.h"
#include "index/stack.h"
#include "rows.h"
#include "store/local.h"

#define WRITERS 4
#define COMMITS 50

/* ---- several processes ---- */

/*
 * A process that opens the store at dir and runs body. ends is a pipe whose
 * write end only the parent keeps.
 */
static pid_t
start(const char *dir, const int ends[2], int number,
	int (*body)(struct kb_repo *repo, int number, int fd))
{
	struct kb_repo repo = {0};
	pid_t pid = fork();
	int r;

	ck_assert_int_ge(pid, 0);
	if (pid)
		return pid;
	close(ends[1]);
	r = kb_store_open_local(dir, false, &repo.store);
	if (r == 0)
		r = body(&repo, number, ends[0]);
	if (r)
		fprintf(stderr, "# process %d: %s\n", number, kb_err_text());
	kb_store_free(repo.store);
	_exit(r ? 1 : 0);
}

static int
write_commits(struct kb_repo *repo, int number, int fd)
{
	struct kb_index_delta *d = NULL;
	struct kb_index *x = NULL;
	int r = kb_index_open(repo, &x);

	(void)fd;
	if (r == 0)
		r = kb_index_delta_new(&d);
	for (int i = 0; r == 0 && i < COMMITS; i++) {
		struct rows_segment s;

		rows_make(&s, &rows_orders, number, ROWS_STEP * i, i);
		r = kb_index_delta_segment(
			d, &rows_orders, number, &s.row, s.blocks);
		if (r == 0)
			r = kb_index_commit(x, d);
	}
	kb_index_delta_free(d);
	kb_index_close(x);
	return r;
}

/* True until the other end of the pipe is closed. */
static bool
others_live(int fd)
{
	char c;

	return read(fd, &c, 1) < 0 && errno == EAGAIN;
}

static int
compact_always(struct kb_repo *repo, int number, int fd)
{
	struct kb_index *x = NULL;
	int r = kb_index_open(repo, &x);

	(void)number;
	while (r == 0 && others_live(fd))
		r = kb_index_compact(x);
	kb_index_close(x);
	return r;
}

static int
count_segment(void *ctx, const struct kb_index_segment *s)
{
	int64_t *n = ctx;

	return s->s.start == ROWS_STEP * (*n)++ ? 0 : -ERANGE;
}

/* What was there once must be there always, in order, without holes. */
static int
read_always(struct kb_repo *repo, int number, int fd)
{
	int64_t seen[WRITERS] = {0};
	struct kb_index *x = NULL;
	int r = kb_index_open(repo, &x);

	(void)number;
	while (r >= 0 && others_live(fd)) {
		r = kb_index_refresh(x);
		for (int p = 0; r >= 0 && p < WRITERS; p++) {
			int64_t n = 0;

			r = kb_index_segments(
				x, &rows_orders, p, 0, count_segment, &n);
			if (r == 0 && n < seen[p])
				r = kb_err(-ERANGE, "segments are gone");
			seen[p] = n;
		}
	}
	kb_index_close(x);
	return r < 0 ? r : 0;
}

START_TEST(commit__by_many_processes_loses_nothing)
{
	char *dir = stores_make_dir();
	struct kb_repo repo = {0};
	struct kb_index *x;
	pid_t pids[WRITERS + 2];
	int64_t n;
	int ends[2];

	ck_ok(kb_store_open_local(dir, true, &repo.store));
	ck_ok(pipe2(ends, O_CLOEXEC | O_NONBLOCK));
	for (int i = 0; i < WRITERS; i++)
		pids[i] = start(dir, ends, i, write_commits);
	pids[WRITERS] = start(dir, ends, WRITERS, compact_always);
	pids[WRITERS + 1] = start(dir, ends, WRITERS + 1, read_always);
	for (int i = 0; i < WRITERS + 2; i++) {
		int status;

		if (i == WRITERS)
			close(ends[1]);
		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert_int_eq(status, 0);
	}
	close(ends[0]);
	ck_ok(kb_index_open(&repo, &x));
	for (int p = 0; p < WRITERS; p++) {
		n = 0;
		ck_ok(kb_index_segments(
			x, &rows_orders, p, 0, count_segment, &n));
		ck_assert_int_eq(n, COMMITS);
	}
	kb_index_close(x);
	kb_store_free(repo.store);
	stores_remove_dir(dir);
}
END_TEST

/* ---- one process ---- */

STORE_TEST(commit__keeps_the_stack_low)
{
	struct kb_repo repo = {.store = s};
	struct kb_index *x;

	ck_ok(kb_index_open(&repo, &x));
	for (int i = 0; i < 70; i++) {
		rows_commit(x, &rows_orders, 0, ROWS_STEP * i, i);
		ck_assert_uint_le(rows_files(s), 9);
	}
	ck_ok(kb_index_compact(x));
	ck_assert_uint_le(rows_files(s), 3);
	kb_index_close(x);
}

STORE_TEST(commit__of_nothing_does_nothing)
{
	struct kb_repo repo = {.store = s};
	struct kb_index_delta *d;
	struct kb_index *x;

	ck_ok(kb_index_open(&repo, &x));
	ck_ok(kb_index_delta_new(&d));
	ck_assert(kb_index_delta_empty(d));
	ck_ok(kb_index_commit(x, d));
	ck_assert_uint_eq(rows_files(s), 0);
	kb_index_delta_free(d);
	kb_index_close(x);
}

STORE_TEST(commit__takes_the_next_number_when_one_is_taken)
{
	struct kb_repo repo = {.store = s};
	struct kb_index *x, *other;

	ck_ok(kb_index_open(&repo, &x));
	ck_ok(kb_index_open(&repo, &other));
	rows_commit(x, &rows_orders, 0, 0, 1);
	rows_commit(other, &rows_orders, 0, 10, 1);
	rows_commit(x, &rows_orders, 0, 20, 1);
	ck_assert_str_eq(rows_starts(x, &rows_orders, 0, 0), "0,10,20,");
	kb_index_close(x);
	kb_index_close(other);
}

/* Copies a file of generation 1 under another range. */
static void
copy_file(
	struct kb_store *s, struct kb_stack_file from, struct kb_stack_file to)
{
	char name[KB_STACK_NAME];
	struct kb_blob_writer *w;
	struct kb_buf b = {0};

	kb_stack_name(name, 1, &from);
	ck_ok(kb_store_read_all(s, name, 1 << 20, &b));
	kb_stack_name(name, 1, &to);
	ck_ok(kb_store_create(s, name, &w));
	ck_ok(kb_blob_write(w, kb_buf_slice(&b)));
	ck_ok(kb_blob_publish(w));
	kb_buf_release(&b);
}

STORE_TEST(commit__clears_what_a_killed_merge_left)
{
	struct kb_repo repo = {.store = s};
	struct kb_stack k = {0};
	struct kb_index *x;

	ck_ok(kb_index_open(&repo, &x));
	for (int i = 0; i < 4; i++)
		rows_commit(x, &rows_orders, 0, ROWS_STEP * i, i);
	copy_file(
		s, (struct kb_stack_file){1, 4}, (struct kb_stack_file){3, 3});
	copy_file(
		s, (struct kb_stack_file){1, 4}, (struct kb_stack_file){1, 2});
	ck_ok(kb_index_refresh(x));
	ck_assert_str_eq(rows_starts(x, &rows_orders, 0, 0), "0,10,20,30,");
	rows_commit(x, &rows_orders, 0, 40, 4);
	ck_ok(kb_stack_list(s, &k));
	ck_assert_uint_eq(k.count, 2);
	ck_assert_uint_eq(k.spare_count, 0);
	kb_stack_release(&k);
	kb_index_close(x);
}

/* Five commits, each repeated when it fails, with one failure on the way. */
static void
commit_in_spite(enum kb_fault_call call, int at)
{
	struct kb_fault plan = {0};
	struct kb_repo repo = {0};
	struct kb_index_delta *d;
	struct kb_store *inner;
	struct kb_index *x;

	plan.fail_at[call] = at;
	plan.code[call] = -ENOSPC;
	ck_ok(kb_store_new_memory(&inner));
	ck_ok(kb_fault_new(inner, &plan, &repo.store));
	if (kb_index_open(&repo, &x) < 0)
		ck_ok(kb_index_open(&repo, &x));
	ck_ok(kb_index_delta_new(&d));
	for (int i = 0; i < 5; i++) {
		rows_add(d, &rows_orders, 0, 10 * i, i);
		if (kb_index_commit(x, d) < 0)
			ck_ok(kb_index_commit(x, d));
	}
	ck_assert_str_eq(rows_starts(x, &rows_orders, 0, 0), "0,10,20,30,40,");
	kb_index_delta_free(d);
	kb_index_close(x);
	kb_store_free(repo.store);
}

START_TEST(commit__that_failed_can_be_repeated)
{
	kb_log_set_level(KB_LOG_ERROR);
	for (int call = 0; call < KB_FAULT_CALLS; call++) {
		for (int at = 1; at < 20; at++)
			commit_in_spite((enum kb_fault_call)call, at);
	}
}
END_TEST

KB_SUITE("commit", commit__by_many_processes_loses_nothing,
	commit__keeps_the_stack_low, commit__of_nothing_does_nothing,
	commit__takes_the_next_number_when_one_is_taken,
	commit__clears_what_a_killed_merge_left,
	commit__that_failed_can_be_repeated)
