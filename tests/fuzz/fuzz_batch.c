/*
 * A row of batches as a torn or hostile segment has them: parsed, decoded,
 * walked, summed up, trimmed. Checksums are computed but not obeyed, or no
 * mutation would get past them. The roads must agree: what can be walked can
 * be trimmed to all of its records and be summed up, and nothing else can.
 */
#include <errno.h>
#include <stdbool.h>

#include "format/batch.h"
#include "format/codec.h"
#include "format/encoder.h"
#include "format/record.h"
#include "format/segment.h"
#include "tests/fuzz/fuzz.h"

/* Larger than that would only be slow. */
#define MAX ((size_t)1 << 20)

static struct kb_decoder *decoder;
static struct kb_compressor *compressor;
static struct kb_summary *summary;

static void
setup(void)
{
	if (decoder)
		return;
	fuzz_require(kb_decoder_new(&decoder) == 0);
	fuzz_require(kb_compressor_new(&compressor) == 0);
	fuzz_require(kb_summary_new(&summary) == 0);
}

/* How many records, or -EBADMSG. */
static int
walk(const struct kb_batch *b, struct kb_slice raw)
{
	struct kb_records it;
	struct kb_record rec;
	int r, n = 0;

	kb_records_init(&it, b, raw);
	while ((r = kb_records_next(&it, &rec)) == 0)
		n++;
	fuzz_require(r == 1 ? n == b->count : r == -EBADMSG);
	return r == 1 ? n : r;
}

/* made holds the records of raw, at the same places. */
static void
require_same(const struct kb_batch *b, struct kb_slice raw,
	const struct kb_batch *made)
{
	struct kb_records it, again;
	struct kb_record a, c;

	fuzz_require(kb_batch_check(made) == 0);
	fuzz_require(made->count == b->count);
	kb_records_init(&it, b, raw);
	kb_records_init(&again, made, made->body);
	while (kb_records_next(&it, &a) == 0) {
		fuzz_require(kb_records_next(&again, &c) == 0);
		fuzz_require(a.offset == c.offset);
		fuzz_require(a.timestamp == c.timestamp);
		fuzz_require(a.logappend == c.logappend);
		fuzz_require(a.key.len == c.key.len);
		fuzz_require(a.value.len == c.value.len);
		fuzz_require(a.header_count == c.header_count);
	}
}

static void
trim(const struct kb_batch *b, struct kb_slice raw, int walked)
{
	struct kb_buf made = {0};
	struct kb_batch m;
	int r;

	r = kb_encoder_trim(b, raw, b->base_offset, INT64_MAX, NULL, 0, &made);
	fuzz_require(r == (walked > 0 ? 0 : walked == 0 ? 1 : -EBADMSG));
	if (r == 0) {
		fuzz_require(kb_batch_parse(kb_buf_slice(&made), &m) == 0);
		require_same(b, raw, &m);
	}
	kb_buf_clear(&made);
	r = kb_encoder_trim(b, raw, b->base_offset + 1, kb_batch_last(b),
		compressor, 1, &made);
	fuzz_require(walked >= 0 ? r >= 0 : r == -EBADMSG);
	kb_buf_clear(&made);
	fuzz_require(kb_encoder_recompress(b, raw, compressor, 1, &made) == 0);
	fuzz_require(kb_batch_parse(kb_buf_slice(&made), &m) == 0);
	fuzz_require(m.count == b->count && kb_batch_check(&m) == 0);
	kb_buf_release(&made);
}

static void
look_at(const struct kb_batch *b)
{
	bool above = b->base_offset >= kb_summary_end(summary);
	struct kb_slice raw;
	int r, n;

	r = kb_batch_check(b);
	fuzz_require(r == 0 || r == -EBADMSG);
	r = kb_decoder_run(decoder, kb_batch_codec(b), b->body, MAX, &raw);
	fuzz_require(r == 0 || r == -EBADMSG);
	if (r < 0)
		return;
	fuzz_require(raw.len <= MAX);
	n = walk(b, raw);
	trim(b, raw, n);
	r = kb_summary_add(summary, b, raw);
	fuzz_require(r == (n > 0 && above ? 0 : -EBADMSG));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kb_slice left = {data, size};
	const struct kb_block *blocks;
	struct kb_segment s;
	struct kb_batch b;
	uint64_t records;
	int r;

	setup();
	kb_summary_begin(summary, "t", 0, 0);
	while ((r = kb_batch_parse(left, &b)) == 0) {
		fuzz_require(b.bytes.len <= left.len);
		look_at(&b);
		left.data += b.bytes.len;
		left.len -= b.bytes.len;
	}
	fuzz_require(r == 1 || r == -EBADMSG || r == -EPROTONOSUPPORT);
	records = kb_summary_records(summary);
	r = kb_summary_finish(summary, &s, &blocks);
	fuzz_require(records ? r == 0 && s.records == records : r == -EINVAL);
	return 0;
}
