#include "kafka/txn.h"

#include <errno.h>

#include "format/batch.h"
#include "suite.h"

static const uint8_t abort_key[] = {0, 0, 0, 0};
static const uint8_t commit_key[] = {0, 0, 0, 1};
static const struct kb_slice no_key;

static struct kb_batch
data(int64_t base, int32_t records, int64_t pid)
{
	return (struct kb_batch){
		.base_offset = base,
		.last_offset_delta = records - 1,
		.count = records,
		.producer_id = pid,
		.attributes = pid < 0 ? 0 : KB_BATCH_TRANSACTIONAL,
	};
}

static struct kb_batch
marker(int64_t offset, int64_t pid)
{
	struct kb_batch b = data(offset, 1, pid);

	b.attributes = KB_BATCH_TRANSACTIONAL | KB_BATCH_CONTROL;
	return b;
}

static enum kb_txn_verdict
judge(struct kb_txn *t, struct kb_batch b, bool abort)
{
	enum kb_txn_verdict v;
	struct kb_slice key = no_key;

	if (b.attributes & KB_BATCH_CONTROL)
		key = kb_slice_of(abort ? abort_key : commit_key, 4);
	ck_ok(kb_txn_judge(t, &b, key, &v));
	return v;
}

START_TEST(txn__drops_aborted_batches_and_all_markers)
{
	struct kb_txn t = {0};
	const struct kb_aborted list[] = {{7, 10}};

	ck_ok(kb_txn_answer(&t, list, 1));
	ck_assert_int_eq(judge(&t, data(8, 2, 7), 0), KB_TXN_KEEP);
	ck_assert_int_eq(judge(&t, data(10, 2, 7), 0), KB_TXN_ABORTED);
	ck_assert_int_eq(judge(&t, data(12, 1, 8), 0), KB_TXN_KEEP);
	ck_assert_int_eq(judge(&t, data(13, 1, -1), 0), KB_TXN_KEEP);
	ck_assert_int_eq(judge(&t, marker(14, 8), 0), KB_TXN_MARKER);
	ck_assert_int_eq(judge(&t, data(15, 1, 7), 0), KB_TXN_ABORTED);
	ck_assert_int_eq(judge(&t, marker(16, 7), 1), KB_TXN_MARKER);
	ck_assert_int_eq(judge(&t, data(17, 1, 7), 0), KB_TXN_KEEP);
	kb_txn_release(&t);
}
END_TEST

START_TEST(txn__one_producer_aborts_several_in_one_answer)
{
	struct kb_txn t = {0};
	const struct kb_aborted list[] = {{7, 30}, {7, 10}};

	ck_ok(kb_txn_answer(&t, list, 2));
	ck_assert_int_eq(judge(&t, data(10, 1, 7), 0), KB_TXN_ABORTED);
	ck_assert_int_eq(judge(&t, marker(11, 7), 1), KB_TXN_MARKER);
	ck_assert_int_eq(judge(&t, data(20, 1, 7), 0), KB_TXN_KEEP);
	ck_assert_int_eq(judge(&t, marker(21, 7), 0), KB_TXN_MARKER);
	ck_assert_int_eq(judge(&t, data(30, 1, 7), 0), KB_TXN_ABORTED);
	ck_assert_int_eq(judge(&t, marker(31, 7), 1), KB_TXN_MARKER);
	ck_assert_int_eq(judge(&t, data(32, 1, 7), 0), KB_TXN_KEEP);
	kb_txn_release(&t);
}
END_TEST

START_TEST(txn__keeps_data_of_the_same_producer_outside_a_transaction)
{
	struct kb_txn t = {0};
	const struct kb_aborted list[] = {{7, 10}};
	struct kb_batch b = data(11, 1, 7);

	b.attributes = 0;
	ck_ok(kb_txn_answer(&t, list, 1));
	ck_assert_int_eq(judge(&t, data(10, 1, 7), 0), KB_TXN_ABORTED);
	ck_assert_int_eq(judge(&t, b, 0), KB_TXN_KEEP);
	kb_txn_release(&t);
}
END_TEST

START_TEST(txn__marker_that_compaction_removed_taints_no_later_answer)
{
	struct kb_txn t = {0};
	const struct kb_aborted list[] = {{7, 10}};

	ck_ok(kb_txn_answer(&t, list, 1));
	ck_assert_int_eq(judge(&t, data(10, 1, 7), 0), KB_TXN_ABORTED);
	ck_ok(kb_txn_answer(&t, NULL, 0));
	ck_assert_int_eq(judge(&t, data(20, 1, 7), 0), KB_TXN_KEEP);
	kb_txn_release(&t);
}
END_TEST

START_TEST(txn__marker_without_records_ends_nothing)
{
	struct kb_txn t = {0};
	const struct kb_aborted list[] = {{7, 10}};
	struct kb_batch empty = marker(11, 7);
	enum kb_txn_verdict v;

	empty.count = 0;
	ck_ok(kb_txn_answer(&t, list, 1));
	ck_ok(kb_txn_judge(&t, &empty, no_key, &v));
	ck_assert_int_eq(v, KB_TXN_MARKER);
	ck_assert_int_eq(judge(&t, data(12, 1, 7), 0), KB_TXN_ABORTED);
	kb_txn_release(&t);
}
END_TEST

START_TEST(txn__refuses_a_key_that_is_no_marker)
{
	struct kb_txn t = {0};
	struct kb_batch b = marker(1, 7);
	enum kb_txn_verdict v;

	ck_assert_int_eq(kb_txn_judge(&t, &b, no_key, &v), -EBADMSG);
	ck_assert_int_eq(
		kb_txn_judge(&t, &b, kb_slice_of(abort_key, 3), &v), -EBADMSG);
	kb_txn_release(&t);
}
END_TEST

/*
 * The property: a log of random transactions, interleaved, cut into random
 * answers by a broker that lists exactly what Kafka lists.
 */

#define LOG_MAX 160
#define PRODUCERS 5

struct entry {
	struct kb_batch batch;
	bool abort;   /* of a marker */
	bool aborted; /* of data: what the oracle says */
};

struct history {
	struct entry log[LOG_MAX];
	size_t count;
	struct {
		int64_t pid, first, last;
	} aborted[LOG_MAX];
	size_t aborted_count;
};

static unsigned
roll(unsigned *state, unsigned n)
{
	*state = *state * 1664525u + 1013904223u;
	return (*state >> 16) % n;
}

static void
end_transaction(struct history *h, int64_t pid, size_t first, int64_t offset,
	bool abort)
{
	struct entry *e = &h->log[h->count++];

	*e = (struct entry){marker(offset, pid), abort, false};
	if (!abort)
		return;
	for (size_t i = first; i < h->count - 1; i++)
		if (h->log[i].batch.producer_id == pid &&
			h->log[i].batch.attributes == KB_BATCH_TRANSACTIONAL)
			h->log[i].aborted = true;
	h->aborted[h->aborted_count].pid = pid;
	h->aborted[h->aborted_count].first = h->log[first].batch.base_offset;
	h->aborted[h->aborted_count++].last = offset;
}

/* Up to the last stable offset: every transaction is ended in the end. */
static void
make_history(struct history *h, unsigned *seed)
{
	size_t open[PRODUCERS]; /* index of its first batch, or SIZE_MAX */
	int64_t offset = roll(seed, 50);

	h->count = h->aborted_count = 0;
	for (int p = 0; p < PRODUCERS; p++)
		open[p] = SIZE_MAX;
	while (h->count < LOG_MAX - PRODUCERS) {
		unsigned p = roll(seed, PRODUCERS + 1);
		int32_t n = 1 + (int32_t)roll(seed, 6);

		offset += roll(seed, 8) ? 0 : roll(seed, 20);
		if (p < PRODUCERS && open[p] != SIZE_MAX && !roll(seed, 3)) {
			end_transaction(h, p, open[p], offset++, roll(seed, 2));
			open[p] = SIZE_MAX;
			continue;
		}
		if (p < PRODUCERS && open[p] == SIZE_MAX)
			open[p] = h->count;
		h->log[h->count++] = (struct entry){
			data(offset, n, p < PRODUCERS ? (int64_t)p : -1)};
		offset += n;
	}
	for (int p = 0; p < PRODUCERS; p++)
		if (open[p] != SIZE_MAX)
			end_transaction(h, p, open[p], offset++, roll(seed, 2));
}

/* As Kafka: last >= asked and first < upper; sometimes more than is there. */
static size_t
list_aborted(const struct history *h, int64_t asked, int64_t upper,
	unsigned *seed, struct kb_aborted *out)
{
	size_t n = 0;

	for (size_t i = 0; i < h->aborted_count; i++)
		if (h->aborted[i].last >= asked && h->aborted[i].first < upper)
			out[n++] = (struct kb_aborted){
				h->aborted[i].pid, h->aborted[i].first};
	for (size_t i = n; i > 1; i--) {
		size_t j = roll(seed, (unsigned)i);
		struct kb_aborted swap = out[j];

		out[j] = out[i - 1];
		out[i - 1] = swap;
	}
	return n;
}

static void
read_history(const struct history *h, size_t at, unsigned *seed)
{
	struct kb_txn t = {0};
	struct kb_aborted list[LOG_MAX];

	while (at < h->count) {
		const struct kb_batch *first = &h->log[at].batch;
		size_t until = at + 1 + roll(seed, 12);
		/* asked for: the batch's base, before it, or inside it */
		int64_t asked =
			first->base_offset +
			roll(seed, 2) *
				roll(seed,
					(unsigned)first->last_offset_delta + 1);
		int64_t upper;

		if (until > h->count)
			until = h->count;
		upper = kb_batch_last(&h->log[until - 1].batch) + 1 +
			roll(seed, 2) * roll(seed, 30);
		ck_ok(kb_txn_answer(
			&t, list, list_aborted(h, asked, upper, seed, list)));
		for (; at < until; at++) {
			const struct entry *e = &h->log[at];
			enum kb_txn_verdict want =
				e->aborted ? KB_TXN_ABORTED
				: e->batch.attributes & KB_BATCH_CONTROL
					? KB_TXN_MARKER
					: KB_TXN_KEEP;

			ck_assert_int_eq(judge(&t, e->batch, e->abort), want);
		}
	}
	kb_txn_release(&t);
}

START_TEST(txn__agrees_with_the_oracle_however_answers_are_cut)
{
	static struct history h;
	unsigned seed = 1;

	for (int round = 0; round < 2000; round++) {
		make_history(&h, &seed);
		read_history(&h, 0, &seed);
		read_history(&h, roll(&seed, (unsigned)h.count), &seed);
	}
}
END_TEST

KB_SUITE("txn", txn__drops_aborted_batches_and_all_markers,
	txn__one_producer_aborts_several_in_one_answer,
	txn__keeps_data_of_the_same_producer_outside_a_transaction,
	txn__marker_that_compaction_removed_taints_no_later_answer,
	txn__marker_without_records_ends_nothing,
	txn__refuses_a_key_that_is_no_marker,
	txn__agrees_with_the_oracle_however_answers_are_cut)
