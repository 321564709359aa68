/*
 * The records of a segment are a pure function of its description, so their
 * text can be told without reading it back.
 */
#include "specimen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/uuid.h"
#include "format/encoder.h"
#include "format/segment.h"
#include "store/store.h"

int
specimen_open(struct specimen *a, const char *dir)
{
	int r;

	*a = (struct specimen){.dir = strdup(dir)};
	r = kb_repo_open_or_create(dir, "test-cluster", &a->repo);
	return r < 0 ? r : kb_index_open(a->repo, &a->index);
}

void
specimen_close(struct specimen *a)
{
	kb_index_close(a->index);
	kb_repo_close(a->repo);
	free(a->dir);
}

struct kb_topic_ref
specimen_topic(const char *name)
{
	struct kb_topic_ref t = {.name = name};

	for (size_t i = 0; name[i]; i++)
		t.id.b[i % sizeof(t.id.b)] ^= (uint8_t)((size_t)name[i] + i);
	return t;
}

int
specimen_meta(struct specimen *a, const struct kb_topic_ref *t, int64_t seen,
	int32_t partitions)
{
	struct kb_meta m = {.id = t->id,
		.seen = seen,
		.partitions = partitions,
		.replication_factor = 1};
	struct kb_index_delta *d;
	uint64_t n;
	int r;

	snprintf(m.topic, sizeof(m.topic), "%s", t->name);
	r = kb_meta_publish(a->repo->store, &m, &n);
	if (r >= 0)
		r = kb_index_delta_new(&d);
	if (r < 0)
		return r;
	r = kb_index_delta_meta(d, &m, n);
	if (r == 0)
		r = kb_index_commit(a->index, d);
	kb_index_delta_free(d);
	return r;
}

/* A value of len bytes that says its offset; no two are alike. */
static void
make_value(int64_t offset, size_t len, uint8_t *out)
{
	uint64_t x = (uint64_t)offset * 0x9e3779b97f4a7c15u + 1;
	int n = snprintf(
		(char *)out, len + 1, "value \"%lld\" ", (long long)offset);

	for (size_t i = (size_t)n; i < len; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		out[i] = (uint8_t)(' ' + x % 94);
	}
}

static void
make_record(const struct specimen_segment *s, int i, uint8_t *value,
	struct kb_record *out)
{
	int64_t offset = s->start + i * (s->step ? s->step : 1);

	make_value(offset, s->value, value);
	if (s->newline && s->newline == offset)
		value[s->value - 1] = '\n';
	*out = (struct kb_record){.offset = offset,
		.timestamp = s->time ? s->time(offset) : specimen_time(offset),
		.value = kb_slice_of(value, s->value)};
}

/* ---- a segment ---- */

struct maker {
	const struct specimen_segment *s;
	struct kb_blob_writer *blob;
	struct kb_summary *sum;
	struct kb_encoder encoder;
	struct kb_compressor *zstd;
	struct kb_decoder *decoder;
	struct kb_buf batch;
	uint8_t *value;
};

static int
write_batch(struct maker *m)
{
	struct kb_batch_header h = {
		.producer_id = -1, .producer_epoch = -1, .base_sequence = -1};
	struct kb_batch b;
	struct kb_slice raw;
	int r;

	kb_buf_clear(&m->batch);
	r = kb_encoder_finish(&m->encoder, m->zstd, 1, &h, &m->batch);
	if (r == 0)
		r = kb_batch_parse(kb_buf_slice(&m->batch), &b);
	if (r == 0)
		r = kb_decoder_run(m->decoder, kb_batch_codec(&b), b.body,
			KB_DECODE_MAX, &raw);
	if (r == 0)
		r = kb_summary_add(m->sum, &b, raw);
	return r ? r : kb_blob_write(m->blob, b.bytes);
}

static int
write_records(struct maker *m)
{
	int batch = m->s->batch ? m->s->batch : m->s->records, r = 0;

	for (int i = 0; r == 0 && i < m->s->records; i++) {
		struct kb_record record;

		make_record(m->s, i, m->value, &record);
		r = kb_encoder_add(&m->encoder, &record);
		if (r == 0 && ((i + 1) % batch == 0 || i + 1 == m->s->records))
			r = write_batch(m);
	}
	return r;
}

static int
begin(struct maker *m)
{
	int r = kb_summary_new(&m->sum);

	if (r == 0)
		r = kb_compressor_new(&m->zstd);
	if (r == 0)
		r = kb_decoder_new(&m->decoder);
	m->value = malloc(m->s->value + 64);
	kb_encoder_init(&m->encoder);
	kb_summary_begin(m->sum, m->s->topic, m->s->partition, m->s->start);
	return r == 0 && !m->value ? -ENOMEM : r;
}

static void
end(struct maker *m)
{
	kb_summary_free(m->sum);
	kb_compressor_free(m->zstd);
	kb_decoder_free(m->decoder);
	kb_encoder_release(&m->encoder);
	kb_buf_release(&m->batch);
	free(m->value);
}

int
specimen_add(struct specimen *a, struct kb_index_delta *d,
	const struct specimen_segment *s, int64_t *out_end)
{
	struct kb_topic_ref t = specimen_topic(s->topic);
	struct kb_index_segment row = {0};
	const struct kb_block *blocks;
	struct maker m = {.s = s};
	int r = begin(&m);

	kb_layout_segment(row.object, &t, s->partition, s->start);
	if (r == 0)
		r = kb_store_create(a->repo->store, row.object, &m.blob);
	if (r == 0)
		r = write_records(&m);
	if (r == 0)
		r = kb_summary_finish(m.sum, &row.s, &blocks);
	if (r == 0)
		r = kb_blob_publish(m.blob);
	if (r == 0)
		r = kb_index_delta_segment(d, &t, s->partition, &row, blocks);
	end(&m);
	if (r == 0 && out_end)
		*out_end = row.s.end;
	return r;
}

int
specimen_put(
	struct specimen *a, const struct specimen_segment *s, int64_t *out_end)
{
	struct kb_index_delta *d;
	int r = kb_index_delta_new(&d);

	if (r < 0)
		return r;
	r = specimen_add(a, d, s, out_end);
	if (r == 0)
		r = kb_index_commit(a->index, d);
	kb_index_delta_free(d);
	return r;
}

int
specimen_text(const struct specimen_segment *s, struct kb_buf *out)
{
	uint8_t *value = malloc(s->value + 64);
	struct kb_jsonl v;
	int r = value ? 0 : -ENOMEM;

	kb_jsonl_init(&v, s->topic, s->partition);
	for (int i = 0; r == 0 && i < s->records; i++) {
		struct kb_record record;

		make_record(s, i, value, &record);
		r = kb_buf_reserve(
			out, kb_jsonl_measure(&v, &record) + KB_JSONL_SLACK);
		if (r == 0)
			out->len += kb_jsonl_render(
				&v, &record, (char *)out->data + out->len);
	}
	free(value);
	return r;
}

int
specimen_values(const struct specimen_segment *s, struct kb_buf *out)
{
	uint8_t *value = malloc(s->value + 64);
	int r = value ? 0 : -ENOMEM;

	for (int i = 0; r == 0 && i < s->records; i++) {
		struct kb_record record;

		make_record(s, i, value, &record);
		r = kb_buf_put(out, value, s->value);
		if (r == 0)
			r = kb_buf_put(out, "\n", 1);
	}
	free(value);
	return r;
}
