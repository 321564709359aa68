/*
 * A decoded body: two bytes of header (count, attributes), then records. What
 * can be walked is encoded again, and gives the same records and headers.
 */
#include <errno.h>
#include <stdbool.h>

#include "format/batch.h"
#include "format/encoder.h"
#include "format/record.h"
#include "tests/fuzz/fuzz.h"

static bool
same(struct kb_slice a, struct kb_slice b)
{
	return a.len == b.len && !a.data == !b.data &&
	       (!a.len || !memcmp(a.data, b.data, a.len));
}

/* All headers can be read, and put() writes what reads the same. */
static void
walk_headers(const struct kb_record *r)
{
	struct kb_slice name, value, name2, value2;
	struct kb_headers it, again;
	struct kb_record copy = *r;
	struct kb_buf made = {0};
	uint32_t n = 0;

	kb_headers_init(&it, r);
	while (kb_headers_next(&it, &name, &value) == 0) {
		fuzz_require(name.data);
		fuzz_require(kb_headers_put(&made, name, value) == 0);
		n++;
	}
	fuzz_require(n == r->header_count);
	fuzz_require(made.len <= r->headers.len);
	copy.headers = kb_buf_slice(&made);
	kb_headers_init(&it, r);
	kb_headers_init(&again, &copy);
	while (kb_headers_next(&it, &name, &value) == 0) {
		fuzz_require(kb_headers_next(&again, &name2, &value2) == 0);
		fuzz_require(same(name, name2) && same(value, value2));
	}
	kb_buf_release(&made);
}

/* Walks to the end; how many records, or -EBADMSG. */
static int
walk(const struct kb_batch *b, struct kb_slice raw, struct kb_encoder *e)
{
	int64_t last = b->base_offset - 1;
	struct kb_records it;
	struct kb_record rec;
	int r, n = 0;

	kb_records_init(&it, b, raw);
	while ((r = kb_records_next(&it, &rec)) == 0) {
		fuzz_require(rec.offset > last);
		fuzz_require(rec.offset <= kb_batch_last(b));
		last = rec.offset;
		walk_headers(&rec);
		r = kb_encoder_add(e, &rec);
		fuzz_require(r == 0 || r == 1);
		n += r == 0;
	}
	fuzz_require(r == 1 || r == -EBADMSG);
	return r == 1 ? n : r;
}

static void
compare(const struct kb_batch *b, struct kb_slice raw, struct kb_slice made)
{
	struct kb_records it, again;
	struct kb_record a, c;
	struct kb_batch m;

	fuzz_require(kb_batch_parse(made, &m) == 0);
	fuzz_require(kb_batch_check(&m) == 0 && m.count == b->count);
	kb_records_init(&it, b, raw);
	kb_records_init(&again, &m, m.body);
	while (kb_records_next(&it, &a) == 0) {
		fuzz_require(kb_records_next(&again, &c) == 0);
		fuzz_require(a.offset == c.offset);
		fuzz_require(a.timestamp == c.timestamp);
		fuzz_require(same(a.key, c.key) && same(a.value, c.value));
		fuzz_require(a.header_count == c.header_count);
		fuzz_require(same(a.headers, c.headers));
	}
	fuzz_require(kb_records_next(&again, &c) == 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kb_batch_header h = {0};
	struct kb_encoder e = {0};
	struct kb_buf made = {0};
	struct kb_batch b = {.base_offset = 1LL << 40,
		.base_timestamp = 1700000000000,
		.max_timestamp = 1800000000000,
		.last_offset_delta = 100000};
	struct kb_slice raw;
	int n;

	if (size < 2)
		return 0;
	b.count = data[0];
	b.attributes = data[1];
	raw = kb_slice_of(data + 2, size - 2);
	n = walk(&b, raw, &e);
	if (n > 0 && n == b.count) {
		fuzz_require(kb_encoder_finish(&e, NULL, 0, &h, &made) == 0);
		compare(&b, raw, kb_buf_slice(&made));
	}
	kb_encoder_release(&e);
	kb_buf_release(&made);
	return 0;
}
