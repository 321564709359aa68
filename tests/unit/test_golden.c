/*
 * Segments that Kafka wrote, against what another reader made of them:
 * tests/golden/NAME.log and NAME.expect (see expect.py there). Every batch is
 * read as it is, and again after it was trimmed to all of its records and
 * after it was recompressed.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

#include "common/file.h"
#include "format/batch.h"
#include "format/codec.h"
#include "format/encoder.h"
#include "format/record.h"
#include "suite.h"

#define FILE_MAX ((size_t)1 << 20)

static const char *const names[] = {"c-none", "c-gzip", "c-snappy", "c-lz4",
	"c-zstd", "java-none", "java-gzip", "java-snappy", "java-lz4",
	"java-zstd", "odd", "logappend", "txn", "times", "compacted"};
#define NAMES (sizeof(names) / sizeof(*names))

static struct kb_decoder *decoder;
static struct kb_compressor *compressor;

static void
setup(void)
{
	ck_ok(kb_decoder_new(&decoder));
	ck_ok(kb_compressor_new(&compressor));
}

static void
teardown(void)
{
	kb_decoder_free(decoder);
	kb_compressor_free(compressor);
}

static void
load(const char *name, const char *suffix, struct kb_buf *out)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s%s", KB_GOLDEN, name, suffix);
	kb_buf_clear(out);
	ck_ok(kb_file_read_all(path, FILE_MAX, out));
}

/* ---- a record as expect.py shows it ---- */

static void
show_bytes(struct kb_slice s, struct kb_buf *out)
{
	if (!s.data)
		ck_ok(kb_buf_put(out, "-", 1));
	for (size_t i = 0; i < s.len; i++)
		ck_ok(kb_buf_printf(out, "%02x", s.data[i]));
}

static void
show_name(struct kb_slice s, struct kb_buf *out)
{
	for (size_t i = 0; i < s.len; i++) {
		int c = s.data[i];

		if (c && (isalnum(c) || strchr("._-", c)))
			ck_ok(kb_buf_printf(out, "%c", c));
		else
			ck_ok(kb_buf_printf(out, "%%%02X", (unsigned)c));
	}
}

static void
show_headers(const struct kb_record *r, struct kb_buf *out)
{
	struct kb_slice name, value;
	struct kb_headers it;
	const char *comma = "";

	kb_headers_init(&it, r);
	while (kb_headers_next(&it, &name, &value) == 0) {
		ck_ok(kb_buf_printf(out, "%s", comma));
		show_name(name, out);
		ck_ok(kb_buf_put(out, "=", 1));
		show_bytes(value, out);
		comma = ",";
	}
}

static void
show_record(const struct kb_record *r, struct kb_buf *out)
{
	const char *type = r->logappend ? "logappend" : "create";

	ck_ok(kb_buf_printf(out, "%" PRId64 "|%" PRId64 "|%s|", r->offset,
		r->timestamp, r->timestamp == -1 ? "none" : type));
	show_bytes(r->key, out);
	ck_ok(kb_buf_put(out, "|", 1));
	show_bytes(r->value, out);
	ck_ok(kb_buf_put(out, "|", 1));
	show_headers(r, out);
	ck_ok(kb_buf_put(out, "\n", 1));
}

static struct kb_slice
decode(const struct kb_batch *b)
{
	struct kb_slice raw;

	ck_ok(kb_batch_check(b));
	ck_ok(kb_decoder_run(
		decoder, kb_batch_codec(b), b->body, KB_DECODE_MAX, &raw));
	return raw;
}

static void
show_batch(const struct kb_batch *b, struct kb_buf *out)
{
	struct kb_records it;
	struct kb_record rec;
	int r;

	kb_records_init(&it, b, decode(b));
	while ((r = kb_records_next(&it, &rec)) == 0)
		show_record(&rec, out);
	ck_assert_msg(r == 1, "%s", kb_err_text());
}

/* ---- the three readings ---- */

static void
trimmed(const struct kb_batch *b, struct kb_buf *out)
{
	struct kb_buf made = {0};
	struct kb_batch m;
	int r = kb_encoder_trim(
		b, decode(b), 0, INT64_MAX, compressor, 1, &made);

	if (b->count == 0) {
		ck_assert_int_eq(r, 1);
		return;
	}
	ck_ok(r);
	ck_ok(kb_batch_parse(kb_buf_slice(&made), &m));
	ck_assert_uint_eq(m.bytes.len, made.len);
	show_batch(&m, out);
	kb_buf_release(&made);
}

static void
recompressed(const struct kb_batch *b, struct kb_buf *out)
{
	struct kb_buf made = {0};
	struct kb_batch m;

	ck_ok(kb_encoder_recompress(b, decode(b), compressor, 1, &made));
	ck_ok(kb_batch_parse(kb_buf_slice(&made), &m));
	ck_assert_int_eq(m.last_offset_delta, b->last_offset_delta);
	show_batch(&m, out);
	kb_buf_release(&made);
}

static void
read_by(void (*road)(const struct kb_batch *b, struct kb_buf *out))
{
	struct kb_buf log = {0}, expect = {0}, got = {0};
	struct kb_slice left;
	struct kb_batch b;

	setup();
	for (size_t i = 0; i < NAMES; i++) {
		load(names[i], ".log", &log);
		load(names[i], ".expect", &expect);
		kb_buf_clear(&got);
		left = kb_buf_slice(&log);
		while (left.len) {
			ck_ok(kb_batch_parse(left, &b));
			if (!(b.attributes & KB_BATCH_CONTROL))
				road(&b, &got);
			left.data += b.bytes.len;
			left.len -= b.bytes.len;
		}
		ck_assert_msg(got.len == expect.len &&
				      !memcmp(got.data, expect.data, got.len),
			"%s: got\n%.*s", names[i], (int)got.len,
			(char *)got.data);
	}
	kb_buf_release(&log);
	kb_buf_release(&expect);
	kb_buf_release(&got);
	teardown();
}

START_TEST(golden__segments_read_as_another_reader_reads_them)
{
	read_by(show_batch);
}
END_TEST

START_TEST(golden__segments_keep_their_records_when_trimmed)
{
	read_by(trimmed);
}
END_TEST

START_TEST(golden__segments_keep_their_records_when_recompressed)
{
	read_by(recompressed);
}
END_TEST

KB_SUITE("golden", golden__segments_read_as_another_reader_reads_them,
	golden__segments_keep_their_records_when_trimmed,
	golden__segments_keep_their_records_when_recompressed)
