/*
 * A sink takes bytes and gives acknowledged records. What may be interrupted
 * (waiting for memory, for the broker, for another sink of the partition)
 * comes before the bytes of a line are taken, or leaves that line whole in
 * `line`, to be dealt with first next time:
 *
 * 1. A byte counted in `size` is in `line`, in the packer, or acknowledged.
 * 2. `line` is shorter than a line, unless a call was interrupted.
 * 3. A sealed batch that may have arrived is sent again unchanged before
 *    anything else of this sink is.
 *
 * An error other than an interruption is kept and given back to every later
 * call; only a line that is cut off at a flush is no such error, since several
 * processes may hold the file, and each flushes as it closes.
 */
#include "restore/sink.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/budget.h"
#include "common/cancel.h"
#include "common/err.h"
#include "common/log.h"
#include "format/line.h"
#include "restore/delivery.h"
#include "restore/packer.h"
#include "restore/restore.h"

/* No record of the text view needs a longer line. */
#define LINE_MAX_BYTES ((size_t)3 << 30)

/* Memory above this is given back when the line is done. */
#define LINE_KEEP ((size_t)1 << 20)

struct kb_sink {
	struct kb_delivery *delivery;
	char topic[KB_TOPIC_MAX + 1];
	int32_t partition;
	char *label;
	void *channel; /* NULL until the first line */
	struct kb_packer *packer;
	struct kb_line_parser *parser;
	struct kb_buf line; /* bytes taken that no newline ends yet */
	bool line_done;	    /* a flush has produced it without its newline */
	bool tail_logged;
	struct kb_share share;
	uint64_t size;	  /* bytes taken */
	uint64_t lines;	  /* taken */
	uint64_t records; /* acknowledged */
	struct kb_failure failure;
};

int
kb_sink_new(struct kb_delivery *delivery, const char *topic, int32_t partition,
	const char *label, struct kb_sink **out)
{
	struct kb_sink *s;
	size_t len = strlen(topic);
	int r;

	if (len > KB_TOPIC_MAX)
		return kb_err(-EINVAL, "%s: not a topic's name", topic);
	s = calloc(1, sizeof(*s));
	if (!s)
		return kb_err(-ENOMEM, "out of memory");
	s->delivery = delivery;
	memcpy(s->topic, topic, len);
	s->partition = partition;
	s->label = strdup(label);
	r = s->label ? 0 : kb_err(-ENOMEM, "out of memory");
	if (r == 0)
		r = kb_line_parser_new(&s->parser);
	if (r == 0)
		r = kb_packer_new(delivery->batch_bytes, &s->packer);
	if (r < 0) {
		kb_sink_close(s);
		return r;
	}
	*out = s;
	return 0;
}

static void
close_channel(struct kb_sink *s)
{
	if (s->channel)
		s->delivery->ops->close(s->channel, s);
	s->channel = NULL;
}

void
kb_sink_close(struct kb_sink *s)
{
	if (!s)
		return;
	close_channel(s);
	kb_budget_set(s->delivery->budget, &s->share, 0);
	kb_line_parser_free(s->parser);
	kb_packer_free(s->packer);
	kb_buf_release(&s->line);
	free(s->label);
	free(s);
}

uint64_t
kb_sink_size(const struct kb_sink *s)
{
	return s->size;
}

uint64_t
kb_sink_records(const struct kb_sink *s)
{
	return s->records;
}

/* ---- how a call ends ---- */

/* Keeps the error for ever, says it once, gives back memory and channel. */
static int
fail(struct kb_sink *s, int code)
{
	kb_err(code, "%s: %s", s->label, kb_err_text());
	kb_failure_take(&s->failure, code);
	kb_log_error("%s", s->failure.text);
	close_channel(s);
	kb_line_parser_free(s->parser);
	kb_packer_free(s->packer);
	s->parser = NULL;
	s->packer = NULL;
	kb_buf_release(&s->line);
	kb_budget_set(s->delivery->budget, &s->share, 0);
	return kb_failure_raise(&s->failure);
}

/* What a call returns that ran into r after it had done something, or not. */
static int
outcome(struct kb_sink *s, int r, bool progress, struct kb_cancel *interrupt)
{
	if (r == 0)
		return 0;
	if (r != -ECANCELED || !kb_cancel_fired(interrupt))
		return fail(s, r);
	return progress ? 0 : kb_err(-EINTR, "%s: interrupted", s->label);
}

/* ---- memory ---- */

static size_t
memory(const struct kb_sink *s)
{
	return s->line.cap + kb_packer_memory(s->packer) +
	       kb_line_parser_memory(s->parser);
}

/* Tells the budget of what has grown more than was foreseen. */
static void
account(struct kb_sink *s)
{
	size_t held = memory(s);

	if (held > s->share.held)
		kb_budget_set(s->delivery->budget, &s->share, held);
}

/* Gives back what is not in use now. */
static void
shrink(struct kb_sink *s)
{
	kb_packer_shrink(s->packer);
	if (!s->line.len)
		kb_buf_release(&s->line);
	kb_budget_set(s->delivery->budget, &s->share, memory(s));
}

/* ---- sending ---- */

/* Says which lines a batch that failed was made of: a record is a line. */
static int
blame(const struct kb_sink *s, int32_t count, int r)
{
	uint64_t first = s->records + 1;

	if (count == 1)
		return kb_err(r, "line %" PRIu64 ": %s", first, kb_err_text());
	return kb_err(r, "lines %" PRIu64 " to %" PRIu64 ": %s", first,
		first + (uint64_t)count - 1, kb_err_text());
}

static int
send_sealed(struct kb_sink *s, struct kb_cancel *interrupt)
{
	struct kb_parcel parcel;
	int r;

	while (kb_packer_peek(s->packer, &parcel) == 0) {
		r = s->delivery->ops->send(s->channel, s, &parcel, interrupt);
		if (r == 0) {
			s->records += (uint64_t)parcel.count;
			kb_packer_done(s->packer);
		} else if (r == -EMSGSIZE && parcel.count > 1) {
			r = kb_packer_halve(s->packer);
		}
		if (r < 0)
			return blame(s, parcel.count, r);
	}
	return 0;
}

/* Sends all records that the packer has. */
static int
send_all(struct kb_sink *s, struct kb_cancel *interrupt)
{
	int r = send_sealed(s, interrupt);

	if (r == 0)
		r = kb_packer_seal(s->packer);
	account(s);
	if (r == 0)
		r = send_sealed(s, interrupt);
	if (r == 0 && s->share.held > s->delivery->budget->total / 4)
		shrink(s);
	return r;
}

/* Makes sure that the budget allows `more` bytes than are held. */
static int
make_room(struct kb_sink *s, size_t more, struct kb_cancel *interrupt)
{
	struct kb_budget *b = s->delivery->budget;
	int r;

	if (memory(s) + more <= s->share.held)
		return 0;
	if (kb_budget_try(b, &s->share, memory(s) + more))
		return 0;
	r = send_all(s, interrupt);
	if (r < 0)
		return r;
	kb_line_parser_shrink(s->parser);
	shrink(s);
	r = kb_budget_wait(b, &s->share, memory(s) + more, s->delivery->cancel,
		interrupt, s->delivery->timeout_ms);
	if (r == -ETIMEDOUT)
		r = kb_err(r,
			"other files that are being restored hold all "
			"%zu bytes of memory for lines",
			b->total);
	return r;
}

/* ---- lines ---- */

static int
parse(struct kb_sink *s, struct kb_slice text, struct kb_line *out)
{
	size_t column;
	int r = kb_line_parse(s->parser, text, out, &column);

	if (r == -EINVAL)
		return kb_err(-EIO, "line %" PRIu64 ", column %zu: %s",
			s->lines + 1, column, kb_err_text());
	return r;
}

/* Packs the record of one line; all or nothing. */
static int
add_line(struct kb_sink *s, struct kb_slice text, struct kb_cancel *interrupt)
{
	struct kb_line line;
	int r = make_room(s, 2 * text.len, interrupt);

	if (r == 0)
		r = parse(s, text, &line);
	if (r == 0 && !s->channel)
		r = s->delivery->ops->open(s->delivery, s->topic, s->partition,
			line.topic, interrupt, &s->channel);
	if (r == 0)
		r = kb_packer_add(s->packer, &line.record);
	if (r > 0) {
		r = send_all(s, interrupt);
		if (r == 0)
			r = kb_packer_add(s->packer, &line.record);
	}
	account(s);
	if (r == 0)
		s->lines++;
	return r;
}

/* Deals with a line that an interrupted call has left whole. */
static int
finish_line(struct kb_sink *s, struct kb_cancel *interrupt)
{
	int r;

	if (!s->line.len || s->line.data[s->line.len - 1] != '\n')
		return 0;
	r = add_line(s, kb_buf_slice(&s->line), interrupt);
	if (r < 0)
		return r;
	kb_buf_clear(&s->line);
	if (s->line.cap > LINE_KEEP)
		kb_buf_release(&s->line);
	return 0;
}

/* A file of something else is not read up to its first newline, if any. */
static int
check_begin(const struct kb_sink *s, struct kb_slice bytes)
{
	size_t i = 0;

	while (i < bytes.len && memchr(" \t\r", bytes.data[i], 3))
		i++;
	if (i == bytes.len || bytes.data[i] == '{')
		return 0;
	return kb_err(-EIO, "line %" PRIu64 ", column %zu: expected an object",
		s->lines + 1, i + 1);
}

/* Keeps bytes until the rest of their line comes. */
static int
keep(struct kb_sink *s, struct kb_slice bytes, struct kb_cancel *interrupt)
{
	int r = s->line.len ? 0 : check_begin(s, bytes);

	if (r < 0)
		return r;
	if (bytes.len > LINE_MAX_BYTES - s->line.len)
		return kb_err(-EIO,
			"line %" PRIu64 ": longer than any record's line",
			s->lines + 1);
	r = make_room(s, bytes.len, interrupt);
	if (r == 0)
		r = kb_buf_put(&s->line, bytes.data, bytes.len);
	if (r == 0)
		account(s);
	return r;
}

/* After a line that a flush has produced, only its newline may come. */
static int
take_end(struct kb_sink *s, uint8_t c)
{
	if (c == '\n')
		s->line_done = false;
	else if (c != '\r')
		return kb_err(-EIO,
			"line %" PRIu64 ": goes on behind its object",
			s->lines);
	return 0;
}

/* Takes up to one line's end. *out_taken may be set in spite of an error. */
static int
take(struct kb_sink *s, struct kb_slice bytes, struct kb_cancel *interrupt,
	size_t *out_taken)
{
	const uint8_t *end = memchr(bytes.data, '\n', bytes.len);
	int r;

	if (end)
		bytes.len = (size_t)(end - bytes.data) + 1;
	if (s->line_done) {
		r = take_end(s, bytes.data[0]);
		bytes.len = 1;
	} else if (end && !s->line.len) {
		r = add_line(s, bytes, interrupt);
	} else {
		r = keep(s, bytes, interrupt);
		if (r == 0) {
			*out_taken = bytes.len;
			return finish_line(s, interrupt);
		}
	}
	*out_taken = r == 0 ? bytes.len : 0;
	return r;
}

int
kb_sink_write(struct kb_sink *s, uint64_t pos, struct kb_slice bytes,
	struct kb_cancel *interrupt, size_t *out_taken)
{
	size_t taken = 0, n;
	int r;

	if (s->failure.code)
		return kb_failure_raise(&s->failure);
	if (pos != s->size)
		return kb_err(-ESPIPE,
			"%s: a write at %" PRIu64 ", where %" PRIu64
			" bytes were written: only appending is possible",
			s->label, pos, s->size);
	r = finish_line(s, interrupt);
	while (r == 0 && taken < bytes.len) {
		r = take(s, kb_slice_of(bytes.data + taken, bytes.len - taken),
			interrupt, &n);
		taken += n;
	}
	s->size += taken;
	r = outcome(s, r, taken > 0, interrupt);
	if (r == 0)
		*out_taken = taken;
	return r;
}

/* ---- flushing ---- */

/* A last line without its newline. -EIO is not kept: more may come. */
static int
flush_tail(struct kb_sink *s, struct kb_cancel *interrupt, bool *out_cut_off)
{
	struct kb_line line;
	int r;

	if (!s->line.len)
		return 0;
	r = parse(s, kb_buf_slice(&s->line), &line);
	*out_cut_off = r == -EIO;
	if (*out_cut_off) {
		kb_err(-EIO, "%s: %s, in a last line without a newline",
			s->label, kb_err_text());
		if (!s->tail_logged)
			kb_log_error("%s", kb_err_text());
		s->tail_logged = true;
		return 0;
	}
	if (r == 0)
		r = add_line(s, kb_buf_slice(&s->line), interrupt);
	if (r == 0) {
		kb_buf_clear(&s->line);
		s->line_done = true;
	}
	return r;
}

int
kb_sink_flush(struct kb_sink *s, struct kb_cancel *interrupt)
{
	struct kb_failure tail;
	bool cut_off = false;
	int r;

	if (s->failure.code)
		return kb_failure_raise(&s->failure);
	r = finish_line(s, interrupt);
	if (r == 0)
		r = flush_tail(s, interrupt, &cut_off);
	kb_failure_take(&tail, cut_off ? -EIO : 0);
	if (r == 0)
		r = send_all(s, interrupt);
	r = outcome(s, r, false, interrupt);
	if (r < 0)
		return r;
	kb_line_parser_shrink(s->parser);
	shrink(s);
	return cut_off ? kb_failure_raise(&tail) : 0;
}
