/*
 * A fuzzer as an ordinary test: every file of a directory is fed to it as it
 * is, then mutations of them, the same in every run. Each input is a fresh
 * allocation of exactly its size, for the sanitizer to guard.
 */
#include <dirent.h>
#include <string.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/file.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/random.h"

#define FILES_MAX 1000
#define SIZE_MAX_INPUT ((size_t)64 << 10)
#define MUTANTS 20000

static struct kb_buf files[FILES_MAX];
static size_t file_count;

static void
feed(const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len);

	fuzz_require(copy || !len);
	if (len)
		memcpy(copy, data, len);
	LLVMFuzzerTestOneInput(copy, len);
	free(copy);
}

static void
load(const char *dir)
{
	struct dirent **names;
	int n = scandir(dir, &names, NULL, alphasort);
	char path[4096];

	fuzz_require(n >= 0 && n <= FILES_MAX);
	for (int i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.') {
			snprintf(path, sizeof(path), "%s/%s", dir,
				names[i]->d_name);
			fuzz_require(kb_file_read_all(path, SIZE_MAX_INPUT,
					     &files[file_count++]) == 0);
		}
		free(names[i]);
	}
	free(names);
	fuzz_require(file_count > 0);
}

/* Overwrites, inserts, removes or repeats a few bytes somewhere. */
static void
mutate(struct random *rnd, struct kb_buf *b)
{
	size_t at = random_below(rnd, b->len + 1);
	size_t n = random_below(rnd, 9);

	fuzz_require(kb_buf_reserve(b, n) == 0);
	if (n > b->len - at)
		n = b->len - at;
	switch (random_below(rnd, 6)) {
	case 0:
		if (n)
			b->data[at] ^= (uint8_t)(1 << n % 8);
		break;
	case 1:
		random_fill(rnd, b->data + at, n);
		break;
	case 2:
		memset(b->data + at, n % 2 ? 0xff : 0, n);
		break;
	case 3:
		memmove(b->data + at, b->data + at + n, b->len - at - n);
		b->len -= n;
		break;
	case 4:
		memmove(b->data + at + n, b->data + at, b->len - at);
		b->len += n;
		break;
	default:
		if (n == 8)
			b->len = at;
	}
}

/* The front of one file, the back of another, and some mutations. */
static void
breed(struct random *rnd, struct kb_buf *b)
{
	const struct kb_buf *from = &files[random_below(rnd, file_count)];
	const struct kb_buf *other = &files[random_below(rnd, file_count)];
	size_t cut;

	kb_buf_clear(b);
	fuzz_require(kb_buf_put(b, from->data, from->len) == 0);
	if (!random_below(rnd, 4)) {
		cut = random_below(rnd, other->len + 1);
		b->len = random_below(rnd, b->len + 1);
		fuzz_require(kb_buf_put(b, other->data + cut,
				     other->len - cut) == 0);
	}
	for (size_t n = random_below(rnd, 6); n; n--)
		mutate(rnd, b);
}

int
main(int argc, char **argv)
{
	struct random rnd = {20261123};
	struct kb_buf b = {0};

	fuzz_require(argc == 2);
	load(argv[1]);
	feed(NULL, 0);
	for (size_t i = 0; i < file_count; i++)
		feed(files[i].data, files[i].len);
	for (int i = 0; i < MUTANTS; i++) {
		breed(&rnd, &b);
		feed(b.data, b.len);
	}
	printf("%zu files, %d mutants\n", file_count, MUTANTS);
	for (size_t i = 0; i < file_count; i++)
		kb_buf_release(&files[i]);
	kb_buf_release(&b);
	return 0;
}
