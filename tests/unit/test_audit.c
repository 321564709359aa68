#include "backup/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/cancel.h"
#include "common/file.h"
#include "repos.h"
#include "store/store.h"
#include "stores.h"

#define ORDERS "data/orders/AQAAAAAAAAAAAAAAAAAAAA/0/"
#define FIRST ORDERS "00000000000000000010.log"
#define SECOND ORDERS "00000000000000000110.log"
#define GAP ORDERS "00000000000000000000-00000000000000000010.gap"

static char *dir;
static char said[1 << 16]; /* `D object: ...` or `W object: ...`, a line each */
static struct kb_audit_totals totals;

static void
setup(void)
{
	dir = stores_make_dir();
	repos_make_sample(dir);
}

static void
teardown(void)
{
	stores_remove_dir(dir);
}

static const char *
in_dir(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%.300s", dir, name);
	return path;
}

static void
keep(void *ctx, bool damage, const char *object, const char *sentence)
{
	size_t len = strlen(said);

	(void)ctx;
	ck_assert_msg(
		strstr(sentence, object) != NULL, "%s: %s", object, sentence);
	snprintf(said + len, sizeof(said) - len, "%c %s\n", damage ? 'D' : 'W',
		sentence);
}

/* Number of damages; negative when even the descriptor cannot be read. */
static int
audit(void)
{
	struct kb_repo *repo;
	int r;

	*said = '\0';
	r = kb_repo_open(dir, &repo);
	if (r < 0) {
		snprintf(said, sizeof(said), "%s", kb_err_text());
		return r;
	}
	ck_ok(kb_audit_run(repo, NULL, keep, NULL, &totals));
	kb_repo_close(repo);
	return (int)totals.damages;
}

static void
says(const char *word)
{
	ck_assert_msg(
		strstr(said, word) != NULL, "\"%s\" not in:\n%s", word, said);
}

START_TEST(audit__finds_nothing_in_a_sound_repository)
{
	setup();
	ck_assert_msg(audit() == 0, "%s", said);
	ck_assert_str_eq(said, "");
	ck_assert_uint_eq(totals.segments, 4);
	ck_assert_uint_eq(totals.gaps, 1);
	ck_assert_uint_eq(totals.records, 150);
	ck_assert_uint_eq(totals.warnings, 0);
	teardown();
}
END_TEST

START_TEST(audit__names_a_lost_object)
{
	setup();
	ck_assert_int_eq(unlink(in_dir(FIRST)), 0);
	ck_assert_int_eq(audit(), 2);
	says("D " SECOND ": offsets 10-109 before it are neither");
	says("D " FIRST ": in the index, but not in the repository");
	teardown();
}
END_TEST

START_TEST(audit__names_a_lost_gap_and_a_lost_tail)
{
	setup();
	ck_assert_int_eq(unlink(in_dir(GAP)), 0);
	ck_assert_int_eq(unlink(in_dir(SECOND)), 0);
	ck_assert_int_eq(audit(), 3);
	says("D " FIRST ": offsets 0-9 before it are neither");
	says("D " GAP ": in the index, but not");
	says("D " SECOND ": in the index, but not");
	teardown();
}
END_TEST

START_TEST(audit__goes_on_after_damage)
{
	setup();
	ck_assert_int_eq(truncate(in_dir(FIRST), 100), 0);
	ck_assert_int_eq(truncate(in_dir(SECOND), 61), 0);
	ck_assert_int_eq(truncate(in_dir(GAP), 10), 0);
	ck_assert_int_eq(audit(), 3);
	says(FIRST ": position 0: ");
	says(SECOND ": position 0: ");
	says(GAP ": damaged: ");
	teardown();
}
END_TEST

START_TEST(audit__sees_a_segment_swapped_for_another)
{
	char second[PATH_MAX];

	setup();
	strcpy(second, in_dir(SECOND));
	ck_assert_int_eq(rename(second, in_dir(FIRST)), 0);
	ck_assert_msg(audit() == 2, "%s", said);
	says("D " FIRST);
	says("D " SECOND);
	teardown();
}
END_TEST

START_TEST(audit__warns_of_what_means_nothing)
{
	const char *orphans[] = {"notes.txt", "data/notes.txt", "data/orders/x",
		"data/orders/AQAAAAAAAAAAAAAAAAAAAA/x", ORDERS "x.log",
		"meta/x", "meta/orders/x",
		"meta/orders/AQAAAAAAAAAAAAAAAAAAAA/x.json", "runs/x",
		"tmp/crashed"};
	struct kb_store *s;

	setup();
	mkdir(in_dir("tmp"), 0777);
	for (size_t i = 0; i < sizeof(orphans) / sizeof(*orphans); i++)
		close(open(in_dir(orphans[i]), O_CREAT | O_WRONLY, 0666));
	ck_assert_int_eq(audit(), 0);
	ck_assert_uint_eq(totals.warnings, sizeof(orphans) / sizeof(*orphans));
	for (size_t i = 0; i + 1 < sizeof(orphans) / sizeof(*orphans); i++) {
		char line[200];

		snprintf(line, sizeof(line), "W %s: ", orphans[i]);
		says(line);
	}
	says("W tmp: 1 leftovers");
	ck_assert_int_eq(access(in_dir("tmp/crashed"), F_OK), 0);
	ck_ok(kb_store_open_local(dir, false, &s));
	ck_ok(kb_store_sweep(s, NULL));
	kb_store_free(s);
	teardown();
}
END_TEST

START_TEST(audit__warns_of_what_is_published_but_not_indexed)
{
	static const struct kb_topic_ref orders = {"orders", {{1}}};
	struct repos r;

	setup();
	repos_make(&r, dir);
	repos_segment(&r, &orders, 0, 140, 10, false);
	repos_segment(&r, &orders, 1, 0, 10, false);
	repos_close(&r);
	ck_assert_int_eq(audit(), 0);
	ck_assert_uint_eq(totals.warnings, 2);
	says("W " ORDERS "00000000000000000140.log: published, but not in");
	says("/1/00000000000000000000.log: published, but not in");
	teardown();
}
END_TEST

START_TEST(audit__finds_a_hole_in_the_index)
{
	static const struct kb_topic_ref orders = {"orders", {{1}}};
	struct repos r;

	setup();
	repos_make(&r, dir);
	repos_segment(&r, &orders, 1, 0, 10, false);
	repos_segment(&r, &orders, 1, 10, 10, true);
	repos_close(&r);
	ck_assert_int_eq(audit(), 1);
	says("/1/00000000000000000000.log: not in the index, though");
	teardown();
}
END_TEST

START_TEST(audit__misses_a_lost_index)
{
	char command[400];

	setup();
	snprintf(command, sizeof(command), "rm -r %s/index", dir);
	ck_assert_int_eq(system(command), 0);
	ck_assert_int_eq(audit(), 1);
	says("D index: empty, and there is data: run `kbak reindex`");
	teardown();
}
END_TEST

START_TEST(audit__ends_when_cancelled)
{
	struct kb_cancel cancel;
	struct kb_repo *repo;

	setup();
	ck_ok(kb_cancel_init(&cancel));
	kb_cancel_fire(&cancel, 2);
	ck_ok(kb_repo_open(dir, &repo));
	ck_assert_int_eq(
		kb_audit_run(repo, &cancel, keep, NULL, &totals), -ECANCELED);
	kb_repo_close(repo);
	kb_cancel_release(&cancel);
	teardown();
}
END_TEST

/* ---- every file, damaged in every manner ---- */

static char files[100][NAME_MAX]; /* relative to dir */
static size_t file_count;

static int
keep_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	if (type == FTW_F)
		snprintf(files[file_count++], sizeof(files[0]), "%s",
			path + strlen(dir) + 1);
	return 0;
}

static void
put_file(const char *name, const void *data, size_t len)
{
	int fd = open(in_dir(name), O_WRONLY | O_TRUNC);

	ck_assert_int_ge(fd, 0);
	ck_ok(kb_file_write(fd, data, len));
	close(fd);
}

/* The audit reports damage, and what it says holds the file's name. */
static void
must_see(const char *file, const char *what, size_t at)
{
	int r = audit();

	ck_assert_msg(
		r != 0, "%s: %s at %zu: not seen\n%s", file, what, at, said);
	if (strcmp(file, "kbakfs.json") == 0) /* may look like a newer one */
		file = dir;
	ck_assert_msg(strstr(said, file) != NULL,
		"%s: %s at %zu: not named\n%s", file, what, at, said);
}

static void
damage_every_way(const char *file)
{
	struct kb_buf b = {0};

	ck_ok(kb_file_read_all(in_dir(file), 1 << 20, &b));
	for (size_t len = 0; len < b.len; len += 1 + b.len / 6) {
		put_file(file, b.data, len);
		must_see(file, "cut", len);
	}
	for (size_t at = 0; at < b.len; at += 1 + b.len / 40) {
		b.data[at] ^= 0x04;
		put_file(file, b.data, b.len);
		b.data[at] ^= 0x04;
		must_see(file, "flip", at);
	}
	put_file(file, b.data, b.len);
	kb_buf_release(&b);
}

START_TEST(audit__sees_damage_in_every_file)
{
	setup();
	file_count = 0;
	nftw(dir, keep_file, 16, FTW_PHYS);
	ck_assert_uint_ge(file_count, 11);
	for (size_t i = 0; i < file_count; i++)
		damage_every_way(files[i]);
	ck_assert_int_eq(audit(), 0);
	teardown();
}
END_TEST

KB_SUITE("audit", audit__finds_nothing_in_a_sound_repository,
	audit__names_a_lost_object, audit__names_a_lost_gap_and_a_lost_tail,
	audit__goes_on_after_damage, audit__sees_a_segment_swapped_for_another,
	audit__warns_of_what_means_nothing,
	audit__warns_of_what_is_published_but_not_indexed,
	audit__finds_a_hole_in_the_index, audit__misses_a_lost_index,
	audit__ends_when_cancelled, audit__sees_damage_in_every_file)
