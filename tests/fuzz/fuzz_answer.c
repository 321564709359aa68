/*
 * Answers to Fetch and Produce. The first byte chooses request and version.
 * Whatever is handed out lies inside the input, and nothing is handed out
 * twice.
 */
#include <errno.h>
#include <stdbool.h>

#include "kafka/fetch.h"
#include "kafka/produce.h"
#include "tests/fuzz/fuzz.h"

/* A byte from here on: Produce. */
#define PRODUCE 32

static struct kb_slice input;

static void
require_inside(struct kb_slice s)
{
	if (!s.len)
		return;
	fuzz_require(s.data >= input.data);
	fuzz_require(s.data + s.len <= input.data + input.len);
}

static void
look_at(const struct kb_fetched *f)
{
	struct kb_aborted *list;

	require_inside(f->topic);
	require_inside(f->aborted);
	require_inside(f->records);
	fuzz_require(f->aborted_count <= f->aborted.len / 16);
	list = calloc(f->aborted_count + 1, sizeof(*list));
	fuzz_require(list);
	kb_fetched_aborted(f, list);
	free(list);
}

static void
read_fetch(int version)
{
	struct kb_fetch_answer a;
	struct kb_fetched f;
	const uint8_t *end = input.data;
	int r = kb_fetch_answer_init(&a, version, input);

	while (!r) {
		r = kb_fetch_answer_next(&a, &f);
		if (r)
			break;
		look_at(&f);
		if (f.records.len) {
			fuzz_require(f.records.data >= end);
			end = f.records.data + f.records.len;
		}
	}
	fuzz_require(r == 1 || r == -EBADMSG);
}

static void
read_produce(int version)
{
	struct kb_produced p;
	int r = kb_produce_answer_read(input, version, "t", 3, &p);

	fuzz_require(r == 0 || r == -EBADMSG);
	if (!r)
		require_inside(p.words);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	input = kb_slice_of(data + 1, size - 1);
	if (data[0] < PRODUCE)
		read_fetch(data[0] % (KB_FETCH_ID_MAX + 1));
	else
		read_produce(data[0] % (KB_PRODUCE_MAX + 1));
	return 0;
}
