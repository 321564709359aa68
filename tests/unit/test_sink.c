#include "restore/sink.h"

#include <errno.h>
#include <stdio.h>

#include "common/budget.h"
#include "common/cancel.h"
#include "common/log.h"
#include "format/batch.h"
#include "format/record.h"
#include "restore/delivery.h"
#include "restore/packer.h"
#include "restore/restore.h"
#include "suite.h"

#define MEMORY (1 << 20)

/*
 * A broker of our own: takes batches of at most `largest` records, and fails
 * the calls that it is told to. What it acknowledged is a row of values.
 */
static struct fake {
	struct kb_delivery delivery;
	struct kb_budget budget;
	struct kb_cancel interrupt;
	struct kb_buf values; /* each with a comma behind it */
	struct kb_buf tried;  /* the batch that was interrupted */
	char source[300];
	int32_t largest;
	int open_result;
	int send_result;
	int fail_in; /* the how many-th send from now gives send_result */
	int opened, closed, sent;
} fake;

static struct kb_sink *sink;

static int
fake_open(struct kb_delivery *o, const char *topic, int32_t partition,
	const char *source, struct kb_cancel *interrupt, void **out_channel)
{
	(void)interrupt;
	ck_assert_ptr_eq(o, &fake.delivery);
	ck_assert_str_eq(topic, "other");
	ck_assert_int_eq(partition, 3);
	if (fake.open_result)
		return kb_err(fake.open_result, "told to fail");
	snprintf(fake.source, sizeof(fake.source), "%s", source);
	fake.opened++;
	*out_channel = &fake;
	return 0;
}

static void
acknowledge(const struct kb_parcel *parcel)
{
	struct kb_decoder *d;
	struct kb_records it;
	struct kb_record r;
	struct kb_slice raw;
	struct kb_batch b;

	ck_ok(kb_decoder_new(&d));
	ck_ok(kb_batch_parse(kb_slice_of(parcel->batch, parcel->len), &b));
	ck_ok(kb_batch_check(&b));
	ck_ok(kb_decoder_run(
		d, kb_batch_codec(&b), b.body, KB_DECODE_MAX, &raw));
	kb_records_init(&it, &b, raw);
	while (kb_records_next(&it, &r) == 0) {
		size_t n = r.value.len < 8 ? r.value.len : 8;

		ck_ok(kb_buf_put(&fake.values, r.value.data, n));
		ck_ok(kb_buf_put(&fake.values, ",", 1));
	}
	kb_decoder_free(d);
}

static int
fake_send(void *channel, const void *owner, const struct kb_parcel *parcel,
	struct kb_cancel *interrupt)
{
	ck_assert_ptr_eq(channel, &fake);
	ck_assert_ptr_eq(owner, sink);
	if (fake.tried.len) { /* the same bytes again */
		ck_assert_uint_eq(parcel->len, fake.tried.len);
		ck_assert_mem_eq(parcel->batch, fake.tried.data, parcel->len);
		kb_buf_clear(&fake.tried);
	}
	if (fake.fail_in && --fake.fail_in == 0) {
		if (fake.send_result == -ECANCELED) {
			ck_ok(kb_buf_put(
				&fake.tried, parcel->batch, parcel->len));
			if (interrupt)
				kb_cancel_fire(interrupt, 1);
		}
		return kb_err(fake.send_result, "told to fail");
	}
	if (fake.largest && parcel->count > fake.largest)
		return kb_err(-EMSGSIZE, "too many");
	fake.sent++;
	acknowledge(parcel);
	return 0;
}

static void
fake_close(void *channel, const void *owner)
{
	ck_assert_ptr_eq(channel, &fake);
	ck_assert_ptr_eq(owner, sink);
	fake.closed++;
}

static const struct kb_delivery_ops fake_ops = {
	.open = fake_open,
	.send = fake_send,
	.close = fake_close,
};

static void
setup(size_t batch_bytes)
{
	kb_log_set_level(KB_LOG_ERROR);
	kb_log_to_file("/dev/null");
	kb_budget_init(&fake.budget, MEMORY);
	ck_ok(kb_cancel_init(&fake.interrupt));
	fake.delivery = (struct kb_delivery){
		.ops = &fake_ops,
		.budget = &fake.budget,
		.batch_bytes = batch_bytes,
		.timeout_ms = 60 * 1000,
	};
	ck_ok(kb_sink_new(
		&fake.delivery, "other", 3, "other/3/x.jsonl", &sink));
}

static void
teardown(void)
{
	kb_sink_close(sink);
	ck_assert_int_eq(fake.opened, fake.closed);
	ck_assert_uint_eq(fake.budget.used, 0);
	kb_budget_release(&fake.budget);
	kb_cancel_release(&fake.interrupt);
	kb_buf_release(&fake.values);
	kb_buf_release(&fake.tried);
}

/* A new request: nobody has interrupted it yet. */
static void
rearm(void)
{
	kb_cancel_release(&fake.interrupt);
	ck_ok(kb_cancel_init(&fake.interrupt));
}

static int
put(const char *text)
{
	size_t taken = 0;
	int r = kb_sink_write(sink, kb_sink_size(sink), kb_slice_str(text),
		&fake.interrupt, &taken);

	if (r == 0)
		ck_assert_uint_eq(taken, strlen(text));
	return r;
}

static void
assert_sent(const char *values)
{
	ck_assert_uint_eq(fake.values.len, strlen(values));
	ck_assert(fake.values.len == 0 ||
		  memcmp(fake.values.data, values, fake.values.len) == 0);
}

/* The call failed so, in these words, and so will every call from now. */
static void
assert_failed(int r, int code, const char *words)
{
	size_t taken;

	ck_assert_int_eq(r, code);
	ck_assert_msg(strstr(kb_err_text(), words), "%s", kb_err_text());
	kb_err(-EIO, "something else");
	ck_assert_int_eq(kb_sink_flush(sink, NULL), code);
	ck_assert_msg(strstr(kb_err_text(), words), "%s", kb_err_text());
	ck_assert_int_eq(kb_sink_write(sink, kb_sink_size(sink),
				 kb_slice_str("{}\n"), NULL, &taken),
		code);
	ck_assert_uint_eq(fake.budget.used, 0);
}

#define LINE(value) "{\"topic\":\"src\",\"payload\":\"" value "\"}\n"

START_TEST(sink__produces_whole_lines_at_flush)
{
	setup(MEMORY);
	ck_ok(kb_sink_flush(sink, NULL)); /* nothing yet: nothing happens */
	ck_assert_int_eq(fake.opened, 0);
	ck_ok(put(LINE("a") LINE("b")));
	ck_assert_str_eq(fake.source, "src");
	assert_sent("");
	ck_ok(kb_sink_flush(sink, NULL));
	assert_sent("a,b,");
	ck_assert_int_eq(fake.sent, 1);
	ck_assert_uint_eq(kb_sink_records(sink), 2);
	ck_ok(kb_sink_flush(sink, NULL));
	ck_assert_int_eq(fake.sent, 1);
	ck_ok(put(LINE("c")));
	ck_ok(kb_sink_flush(sink, NULL));
	assert_sent("a,b,c,");
	teardown();
}
END_TEST

START_TEST(sink__joins_pieces_of_any_size)
{
	static const char text[] = LINE("abc") LINE("") LINE("d");
	char c[2] = "";

	setup(MEMORY);
	for (size_t i = 0; i + 1 < sizeof(text); i++) {
		c[0] = text[i];
		ck_ok(put(c));
		ck_assert_uint_eq(kb_sink_size(sink), i + 1);
	}
	ck_ok(kb_sink_flush(sink, NULL));
	assert_sent("abc,,d,");
	teardown();
}
END_TEST

START_TEST(sink__sends_while_it_fills)
{
	char text[2000], want[8000] = "";

	setup(4000);
	for (int i = 0; i < 20; i++) {
		snprintf(text, sizeof(text), "{\"payload\":\"%08d%1500s\"}\n",
			i, "");
		ck_ok(put(text));
		snprintf(text, sizeof(text), "%08d,", i);
		strcat(want, text);
	}
	ck_assert_int_eq(fake.sent, 9);
	ck_ok(kb_sink_flush(sink, NULL));
	ck_assert_int_eq(fake.sent, 10);
	assert_sent(want);
	teardown();
}
END_TEST

START_TEST(sink__halves_what_is_too_large)
{
	setup(MEMORY);
	fake.largest = 1;
	ck_ok(put(LINE("a") LINE("b") LINE("c") LINE("d") LINE("e")));
	ck_ok(kb_sink_flush(sink, NULL));
	assert_sent("a,b,c,d,e,");
	ck_assert_uint_eq(kb_sink_records(sink), 5);
	teardown();
}
END_TEST

START_TEST(sink__fails_when_a_single_record_is_too_large)
{
	setup(MEMORY);
	ck_ok(put(LINE("a")));
	ck_ok(kb_sink_flush(sink, NULL));
	ck_ok(put(LINE("b")));
	fake.send_result = -EMSGSIZE;
	fake.fail_in = 1;
	assert_failed(kb_sink_flush(sink, NULL), -EMSGSIZE,
		"other/3/x.jsonl: line 2: told to fail");
	teardown();
}
END_TEST

START_TEST(sink__names_the_lines_of_a_batch_that_is_refused)
{
	setup(MEMORY);
	ck_ok(put(LINE("a")));
	ck_ok(kb_sink_flush(sink, NULL));
	ck_ok(put(LINE("b") LINE("c")));
	fake.send_result = -EREMOTEIO;
	fake.fail_in = 1;
	assert_failed(kb_sink_flush(sink, NULL), -EREMOTEIO,
		"other/3/x.jsonl: lines 2 to 3: told to fail");
	teardown();
}
END_TEST

START_TEST(sink__names_line_and_column)
{
	setup(MEMORY);
	assert_failed(put(LINE("a") LINE("b") "{\"payload\":\"a\",}\n"), -EIO,
		"other/3/x.jsonl: line 3, column 16: expected a string");
	teardown();
}
END_TEST

START_TEST(sink__refuses_what_is_no_text_at_its_first_byte)
{
	setup(MEMORY);
	assert_failed(put(LINE("a") " x"), -EIO,
		"other/3/x.jsonl: line 2, column 2: expected an object");
	teardown();
	setup(MEMORY);
	assert_failed(kb_sink_write(sink, 0, kb_slice_of("\0", 1), NULL,
			      &(size_t){0}),
		-EIO, "line 1, column 1: expected an object");
	teardown();
}
END_TEST

START_TEST(sink__refuses_an_empty_line)
{
	setup(MEMORY);
	assert_failed(put(LINE("a") "\n"), -EIO, "line 2, column");
	teardown();
}
END_TEST

START_TEST(sink__appends_only)
{
	size_t taken;

	setup(MEMORY);
	ck_ok(put("{"));
	ck_assert_int_eq(
		kb_sink_write(sink, 0, kb_slice_str("x"), NULL, &taken),
		-ESPIPE);
	ck_assert_int_eq(
		kb_sink_write(sink, 2, kb_slice_str("x"), NULL, &taken),
		-ESPIPE);
	ck_ok(put("}\n"));
	ck_ok(kb_sink_flush(sink, NULL));
	assert_sent(",");
	teardown();
}
END_TEST

START_TEST(sink__flushes_a_last_line_without_newline)
{
	setup(MEMORY);
	ck_ok(put("{\"payload\":\"a\"}"));
	ck_ok(kb_sink_flush(sink, NULL));
	assert_sent("a,");
	ck_ok(put("\n" LINE("b")));
	ck_ok(kb_sink_flush(sink, NULL));
	assert_sent("a,b,");
	ck_ok(put("{\"payload\":\"c\"}"));
	ck_ok(kb_sink_flush(sink, NULL));
	assert_failed(put("{}\n"), -EIO, "line 3: goes on behind its object");
	teardown();
}
END_TEST

START_TEST(sink__tells_of_a_cut_off_line_at_every_flush)
{
	setup(MEMORY);
	ck_ok(put(LINE("a") "{\"payload\":"));
	ck_assert_int_eq(kb_sink_flush(sink, NULL), -EIO);
	ck_assert_ptr_nonnull(strstr(kb_err_text(), "line 2, column 12"));
	assert_sent("a,"); /* what is whole is there */
	ck_assert_int_eq(kb_sink_flush(sink, NULL), -EIO);
	ck_ok(put("\"b\"}\n"));
	ck_ok(kb_sink_flush(sink, NULL));
	assert_sent("a,b,");
	teardown();
}
END_TEST

START_TEST(sink__passes_on_why_a_target_is_refused)
{
	setup(MEMORY);
	fake.open_result = -EACCES;
	assert_failed(put(LINE("a")), -EACCES, "told to fail");
	ck_assert_int_eq(fake.opened, 0);
	teardown();
}
END_TEST

START_TEST(sink__sends_an_interrupted_batch_again_unchanged)
{
	setup(MEMORY);
	ck_ok(put(LINE("a") LINE("b")));
	fake.send_result = -ECANCELED;
	fake.fail_in = 1;
	ck_assert_int_eq(kb_sink_flush(sink, &fake.interrupt), -EINTR);
	ck_assert_uint_eq(kb_sink_records(sink), 0);
	rearm();
	ck_ok(put(LINE("c")));
	ck_ok(kb_sink_flush(sink, &fake.interrupt));
	assert_sent("a,b,c,");
	ck_assert_uint_eq(kb_sink_records(sink), 3);
	teardown();
}
END_TEST

/*
 * Writes text as a tool does, from where the sink says it is, in pieces of
 * `step` bytes; every send is interrupted once.
 */
static void
write_interrupted(const char *text, size_t step)
{
	size_t len = strlen(text), pos = 0, taken;
	bool again = false;

	fake.send_result = -ECANCELED;
	while (pos < len) {
		size_t part = len - pos < step ? len - pos : step;
		int r;

		rearm();
		fake.fail_in = again ? 0 : 1;
		r = kb_sink_write(sink, pos, kb_slice_of(text + pos, part),
			&fake.interrupt, &taken);
		again = r == -EINTR;
		if (again)
			continue;
		ck_ok(r);
		ck_assert_uint_gt(taken, 0);
		pos += taken;
		ck_assert_uint_eq(kb_sink_size(sink), pos);
	}
}

START_TEST(sink__takes_every_byte_once_however_interrupted)
{
	char text[40 * 600] = "", line[600], want[1000] = "";

	for (int i = 0; i < 40; i++) {
		snprintf(line, sizeof(line), "{\"payload\":\"%02d%500s\"}\n", i,
			"");
		strcat(text, line);
		snprintf(line, sizeof(line), "%02d      ,", i);
		strcat(want, line);
	}
	for (size_t step = 50; step < 5000; step += 433) {
		setup(1200);
		kb_buf_clear(&fake.values);
		write_interrupted(text, step);
		fake.fail_in = 0;
		rearm();
		ck_ok(kb_sink_flush(sink, &fake.interrupt));
		assert_sent(want);
		teardown();
		memset(&fake, 0, sizeof(fake));
	}
}
END_TEST

START_TEST(sink__ends_when_the_restore_is_shut_down)
{
	struct kb_cancel other;

	setup(MEMORY);
	ck_ok(kb_cancel_init(&other)); /* not the one of the request */
	ck_ok(put(LINE("a")));
	fake.send_result = -ECANCELED;
	fake.fail_in = 1;
	ck_assert_int_eq(kb_sink_flush(sink, NULL), -ECANCELED);
	fake.fail_in = 0;
	ck_assert_int_eq(kb_sink_flush(sink, &other), -ECANCELED);
	kb_cancel_release(&other);
	teardown();
}
END_TEST

START_TEST(sink__admits_a_line_larger_than_all_memory)
{
	static char piece[1 << 16];
	int n = 4 * MEMORY / (int)sizeof(piece);

	setup(MEMORY / 4);
	memset(piece, 'x', sizeof(piece) - 1);
	ck_ok(put(LINE("a") "{\"payload\":\""));
	for (int i = 0; i < n; i++)
		ck_ok(put(piece));
	ck_ok(put("\"}\n" LINE("b")));
	ck_ok(kb_sink_flush(sink, NULL));
	assert_sent("a,xxxxxxxx,b,");
	ck_assert_uint_lt(fake.budget.used, MEMORY / 4);
	teardown();
}
END_TEST

START_TEST(sink__sends_early_when_others_hold_the_memory)
{
	struct kb_share other = {0};

	setup(MEMORY);
	ck_ok(put(LINE("a")));
	kb_budget_set(&fake.budget, &other, MEMORY);
	ck_ok(put(LINE("b")));
	assert_sent("a,");
	kb_budget_set(&fake.budget, &other, 0);
	ck_ok(kb_sink_flush(sink, NULL));
	assert_sent("a,b,");
	teardown();
}
END_TEST

KB_SUITE("sink", sink__produces_whole_lines_at_flush,
	sink__joins_pieces_of_any_size, sink__sends_while_it_fills,
	sink__halves_what_is_too_large,
	sink__fails_when_a_single_record_is_too_large,
	sink__names_the_lines_of_a_batch_that_is_refused,
	sink__names_line_and_column,
	sink__refuses_what_is_no_text_at_its_first_byte,
	sink__refuses_an_empty_line, sink__appends_only,
	sink__flushes_a_last_line_without_newline,
	sink__tells_of_a_cut_off_line_at_every_flush,
	sink__passes_on_why_a_target_is_refused,
	sink__sends_an_interrupted_batch_again_unchanged,
	sink__takes_every_byte_once_however_interrupted,
	sink__ends_when_the_restore_is_shut_down,
	sink__admits_a_line_larger_than_all_memory,
	sink__sends_early_when_others_hold_the_memory)
