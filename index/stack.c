/*
 * The stack of index files, by their names alone.
 *
 * A commit n is the file n-n. Ranges that were merged are wider, and may stand
 * beside their parts for a while: the widest wins. Ranges are powers of two
 * wide and aligned to that, so two of them are nested or apart, and walking
 * from 1 by the widest file that starts there finds the fewest files.
 *
 * A listing is no snapshot. What makes it good enough: a wider file is there
 * before its parts go, and a newer generation before the older ones go, so a
 * listing that missed something has a hole or is empty, and is repeated.
 */
#include "index/stack.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/cancel.h"
#include "common/err.h"
#include "store/store.h"

#define GENERATION_DIGITS 8
#define NUMBER_DIGITS 10
#define LISTINGS 10
#define DIR_NAME 32

static void
dir_name(char out[DIR_NAME], uint64_t generation)
{
	snprintf(out, DIR_NAME, "index/%0*" PRIu64, GENERATION_DIGITS,
		generation);
}

void
kb_stack_name(char out[KB_STACK_NAME], uint64_t generation,
	const struct kb_stack_file *f)
{
	snprintf(out, KB_STACK_NAME,
		"index/%0*" PRIu64 "/%0*" PRIu64 "-%0*" PRIu64 ".sqlite",
		GENERATION_DIGITS, generation, NUMBER_DIGITS, f->from,
		NUMBER_DIGITS, f->to);
}

/* Reads a number of exactly that many digits, above 0; NULL otherwise. */
static const char *
read_number(const char *s, int digits, uint64_t *out)
{
	*out = 0;
	for (int i = 0; i < digits; i++, s++) {
		if (*s < '0' || *s > '9')
			return NULL;
		*out = *out * 10 + (uint64_t)(*s - '0');
	}
	return *out ? s : NULL;
}

static bool
read_file_name(const char *s, struct kb_stack_file *out)
{
	uint64_t width;

	s = read_number(s, NUMBER_DIGITS, &out->from);
	if (!s || *s != '-')
		return false;
	s = read_number(s + 1, NUMBER_DIGITS, &out->to);
	if (!s || strcmp(s, ".sqlite") != 0 || out->to < out->from)
		return false;
	width = out->to - out->from + 1;
	return (width & (width - 1)) == 0 && (out->from - 1) % width == 0;
}

/* ---- listing ---- */

static int
add_file(void *ctx, const char *name, bool is_dir)
{
	struct kb_stack_file f;

	if (is_dir || !read_file_name(name, &f))
		return 0;
	return kb_buf_put(ctx, &f, sizeof(f));
}

static int
add_generation(void *ctx, const char *name, bool is_dir)
{
	uint64_t n;
	const char *end = read_number(name, GENERATION_DIGITS, &n);

	if (!is_dir || !end || *end)
		return 0;
	return kb_buf_put(ctx, &n, sizeof(n));
}

/* Hands the bytes over as an array, which may be NULL when empty. */
static void *
buf_take(struct kb_buf *b, size_t size, size_t *out_count)
{
	void *p = b->data;

	*out_count = b->len / size;
	*b = (struct kb_buf){0};
	return p;
}

int
kb_stack_generations(struct kb_store *s, uint64_t **out, size_t *out_count)
{
	struct kb_buf b = {0};
	int r = kb_store_list(s, "index", add_generation, &b);

	if (r < 0) {
		kb_buf_release(&b);
		return r;
	}
	*out = buf_take(&b, sizeof(**out), out_count);
	return 0;
}

/* By start, the widest first. */
static int
by_range(const void *a, const void *b)
{
	const struct kb_stack_file *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	if (x->to != y->to)
		return x->to > y->to ? -1 : 1;
	return 0;
}

/* Files of one generation, sorted; malloc'd. */
static int
list_files(struct kb_store *s, uint64_t generation, struct kb_stack_file **out,
	size_t *out_count)
{
	struct kb_buf b = {0};
	char dir[DIR_NAME];
	int r;

	dir_name(dir, generation);
	r = kb_store_list(s, dir, add_file, &b);
	if (r < 0) {
		kb_buf_release(&b);
		return r;
	}
	*out = buf_take(&b, sizeof(**out), out_count);
	if (*out_count)
		qsort(*out, *out_count, sizeof(**out), by_range);
	return 0;
}

/*
 * Splits k's files into those that cover all numbers and spare ones. False
 * when a number is missing, which is then put into *out_hole.
 */
static bool
split(struct kb_stack *k, uint64_t *out_hole)
{
	uint64_t next = 1;
	size_t n = 0, kept = 0;

	for (; n < k->count; n++) {
		struct kb_stack_file f = k->files[n];

		if (f.from > next) {
			*out_hole = next;
			return false;
		}
		if (f.from < next) {
			k->spare[k->spare_count++] = f;
			continue;
		}
		k->files[kept++] = f;
		next = f.to + 1;
	}
	k->count = kept;
	return true;
}

/*
 * One try. 0; -EAGAIN: a listing that cannot be true, *out_hole tells why (0:
 * no file at all although there are directories).
 */
static int
list_once(struct kb_store *s, struct kb_stack *k, uint64_t *out_hole)
{
	uint64_t *generations = NULL;
	size_t n = 0;
	int r = kb_stack_generations(s, &generations, &n);

	*out_hole = 0;
	if (r == 0 && n)
		r = -EAGAIN;
	while (r == -EAGAIN && n && !k->count) {
		k->generation = generations[--n];
		r = list_files(s, k->generation, &k->files, &k->count);
		if (r == 0 && !k->count)
			r = -EAGAIN;
	}
	free(generations);
	if (r < 0)
		return r;
	if (!k->count)
		return 0;
	k->spare = calloc(k->count, sizeof(*k->spare));
	if (!k->spare)
		return kb_err(-ENOMEM, "index: out of memory");
	return split(k, out_hole) ? 0 : -EAGAIN;
}

int
kb_stack_list(struct kb_store *s, struct kb_stack *out)
{
	struct kb_stack k = {0};
	uint64_t hole = 0;
	int r = -EAGAIN;

	for (int i = 0; i < LISTINGS && r == -EAGAIN; i++) {
		if (i > 1)
			kb_cancel_sleep(NULL, i);
		kb_stack_release(&k);
		r = list_once(s, &k, &hole);
	}
	if (r == -EAGAIN && hole) {
		char dir[DIR_NAME];

		dir_name(dir, k.generation);
		r = kb_err(-ESTALE,
			"%s: file number %" PRIu64
			" is missing; `kbak reindex` makes a new index",
			dir, hole);
	} else if (r == -EAGAIN) {
		k.generation = 0;
		r = 0;
	}
	if (r == 0)
		*out = k;
	else
		kb_stack_release(&k);
	return r;
}

void
kb_stack_release(struct kb_stack *k)
{
	free(k->files);
	free(k->spare);
	*k = (struct kb_stack){0};
}

/* ---- numbers ---- */

uint64_t
kb_stack_top(const struct kb_stack *k)
{
	return k->count ? k->files[k->count - 1].to : 0;
}

const struct kb_stack_file *
kb_stack_find(const struct kb_stack *k, uint64_t n)
{
	for (size_t i = 0; i < k->count; i++) {
		if (n >= k->files[i].from && n <= k->files[i].to)
			return &k->files[i];
	}
	return NULL;
}

/* How many files from i on tile a range of that width; 0: not exactly. */
static size_t
tiles(const struct kb_stack *k, size_t i, uint64_t width)
{
	uint64_t end = k->files[i].from + width - 1;

	if ((k->files[i].from - 1) % width)
		return 0;
	for (size_t n = i; n < k->count && k->files[n].to <= end; n++) {
		if (k->files[n].to == end)
			return n - i + 1;
	}
	return 0;
}

int
kb_stack_pick(const struct kb_stack *k, size_t parts, size_t *out_first,
	size_t *out_count)
{
	uint64_t width = 1;

	while (width < kb_stack_top(k))
		width *= 2;
	for (; width >= 2; width /= 2) {
		for (size_t i = 0; i < k->count; i++) {
			size_t n = tiles(k, i, width);

			if (n < parts || n > KB_STACK_PARTS)
				continue;
			*out_first = i;
			*out_count = n;
			return 0;
		}
	}
	return 1;
}

int
kb_stack_remove_generation(struct kb_store *s, uint64_t generation)
{
	struct kb_stack_file *files = NULL;
	size_t n = 0;
	int r = list_files(s, generation, &files, &n);

	for (size_t i = 0; r == 0 && i < n; i++) {
		char name[KB_STACK_NAME];

		kb_stack_name(name, generation, &files[i]);
		r = kb_store_remove(s, name);
		if (r == -ENOENT)
			r = 0;
	}
	free(files);
	return r;
}
