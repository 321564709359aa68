/*
 * kbak cat: the text of a partition, block by block. Memory is that of the
 * largest block and its text.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backup/archive.h"
#include "backup/arguments.h"
#include "backup/verb.h"
#include "common/err.h"
#include "common/file.h"
#include "common/log.h"
#include "index/text.h"
#include "store/repo.h"
#include "store/store.h"

/* Text goes out in pieces of at least this, and memory above it is freed. */
#define PIECE ((size_t)1 << 20)
#define KEEP_MAX (16 * PIECE)

struct arguments {
	struct kb_arguments common; /* first */
	int64_t first;
	int64_t last;
};

static const struct argp_option options[] = {
	{"offsets", 'o', "FIRST[-LAST]", 0,
		"from FIRST on, up to and including LAST", 0},
	{"verbose", 'v', NULL, 0, "also tell of offsets that are lost", 0},
	{0},
};

static void
check(const struct kb_arguments *a, struct argp_state *state)
{
	if (!a->repo || !a->has_topic)
		argp_error(state, "REPO or TOPIC/PARTITION is missing");
	else if (a->topic.partition < 0)
		argp_error(state, "%s: which partition? (%s/0)", a->topic.topic,
			a->topic.topic);
}

static error_t
parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;

	switch (key) {
	case 'o':
		if (kb_operand_parse_range(arg, &a->first, &a->last) < 0)
			argp_error(state, "-o %s", kb_err_text());
		return 0;
	case ARGP_KEY_END:
		check(&a->common, state);
		return 0;
	default:
		return kb_arguments_parse(key, arg, state);
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "REPO TOPIC/PARTITION",
	.doc = "Print the records of a partition, one JSON object a line, as "
	       "the files of a mount show them.",
};

struct reader {
	struct kb_archive archive;
	struct kb_topic_ref topic;
	int32_t partition;
	int64_t first;
	int64_t last;
	struct kb_text *text;
	struct kb_buf out;
	bool missing; /* some of these offsets, and no gap tells why */
	/* of the segment being read */
	struct kb_index_segment segment;
	struct kb_blob *blob;
};

static int
write_out(struct reader *c, size_t at_least)
{
	int r;

	if (c->out.len < at_least || !c->out.len)
		return 0;
	r = kb_file_write(STDOUT_FILENO, c->out.data, c->out.len);
	if (c->out.cap > KEEP_MAX)
		kb_buf_release(&c->out);
	kb_buf_clear(&c->out);
	return r < 0 ? kb_err(r, "standard output: %s", strerror(-r)) : 0;
}

static int
print_block(void *ctx, const struct kb_block *b)
{
	struct reader *c = ctx;
	int r;

	if (b->last < c->first)
		return 0;
	if (b->first > c->last)
		return 1;
	r = kb_text_block(c->text, c->blob, c->segment.object, &c->topic,
		c->partition, b, c->first, c->last, &c->out);
	return r < 0 ? r : write_out(c, PIECE);
}

static int
print_segment(struct reader *c)
{
	int r = kb_store_open(
		c->archive.repo->store, c->segment.object, &c->blob, NULL);

	if (r == -ENOENT)
		return kb_err(-ESTALE,
			"%s: in the index but not there: run `kbak verify`",
			c->segment.object);
	if (r < 0)
		return r;
	r = kb_index_blocks(c->archive.index, &c->topic, c->partition,
		c->segment.s.start, print_block, c);
	kb_blob_close(c->blob);
	return r < 0 ? r : 0;
}

static int
print_segments(struct reader *c)
{
	int64_t next = c->first;

	for (;;) {
		int r = kb_index_segment_at(c->archive.index, &c->topic,
			c->partition, next, &c->segment);

		if (r == -ENOENT)
			return 0;
		if (r < 0)
			return r;
		if (c->segment.s.first > c->last)
			return 0;
		r = print_segment(c);
		if (r < 0 || c->segment.s.last >= c->last)
			return r;
		next = c->segment.s.last + 1;
	}
}

static int
tell_gap(void *ctx, const struct kb_gap *g)
{
	const struct reader *c = ctx;

	if (g->end > c->first && g->start <= c->last)
		kb_log_info("offsets %" PRId64 "-%" PRId64 " are lost: %s",
			g->start, g->end - 1, kb_gap_reason_name(g->reason));
	return 0;
}

static int
tell_hole(void *ctx, int64_t start, int64_t end)
{
	struct reader *c = ctx;

	if (end <= c->first || start > c->last)
		return 0;
	kb_log_error("%s/%" PRId32 ": offsets %" PRId64 "-%" PRId64
		     " are missing, in no segment and no gap: `kbak verify` "
		     "tells what is damaged",
		c->topic.name, c->partition, start, end - 1);
	c->missing = true;
	return 0;
}

static int
print_all(struct reader *c, const struct kb_operand *o)
{
	struct kb_index_topic topic;
	struct kb_index_partition p;
	int r = kb_archive_topic(&c->archive, o->topic, &topic), written;

	if (r < 0)
		return r;
	c->topic = kb_archive_ref(&topic);
	c->partition = o->partition;
	r = kb_archive_partition(&c->archive, &topic, o->partition, &p);
	if (r == 0)
		r = kb_index_gaps(
			c->archive.index, &c->topic, c->partition, tell_gap, c);
	if (r == 0)
		r = kb_index_holes(c->archive.index, &c->topic, c->partition,
			tell_hole, c);
	if (r < 0)
		return r;
	r = print_segments(c);
	if (r < 0) { /* what was sound comes out all the same */
		struct kb_failure why;

		kb_failure_take(&why, r);
		written = write_out(c, 0);
		return written == -EPIPE ? written : kb_failure_raise(&why);
	}
	r = write_out(c, 0);
	return r == 0 && c->missing ? KB_EXIT_FAILED : r;
}

int
kb_verb_cat(int argc, char **argv)
{
	struct arguments args = {.common.takes_topic = true, .last = INT64_MAX};
	struct reader c = {0};
	int r;

	argp_parse(&argp, argc, argv, 0, NULL, &args);
	kb_verb_verbosity(args.common.verbose, false);
	c.first = args.first;
	c.last = args.last;
	r = kb_archive_open(args.common.repo, &c.archive);
	if (r == 0)
		r = kb_text_new(&c.text);
	if (r == 0)
		r = print_all(&c, &args.common.topic);
	kb_text_free(c.text);
	kb_buf_release(&c.out);
	kb_archive_close(&c.archive);
	return kb_verb_finish(r);
}
