/* Lines of text into a target cluster. */
#ifndef KB_RESTORE_RESTORE_H
#define KB_RESTORE_RESTORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"

struct kb_cancel;
struct kb_conf;
struct kb_index;
struct kb_repo;
struct kb_restore;
struct kb_sink;

struct kb_restore_options {
	const struct kb_conf *conf; /* checked; outlives the restore */
	struct kb_repo *repo;	    /* whose topics may be named */
	struct kb_index *index;
	struct kb_cancel *cancel; /* ends all waits */
	bool append; /* into partitions that hold other people's records */
	bool exact_settings; /* settings=exact: the originals as they are */
	size_t batch_bytes;  /* raw bytes a batch; 0: just under 1 MiB */
	size_t memory;	     /* bytes of all sinks together; 0: 64 MiB */
};

/*
 * Connects to the target and checks that it answers. Any thread may use the
 * restore; one sink is used by one thread at a time.
 */
int
kb_restore_open(const struct kb_restore_options *o, struct kb_restore **out);
void
kb_restore_close(struct kb_restore *r);

/*
 * Creates `topic` at the target as the backup knows it (newest incarnation):
 * partitions, and settings as DESIGN.md says; the log prints the command that
 * sets the originals. 0 when it exists already. -ENOENT: not in
 * the backup: nothing is done. -EINTR: `interrupt` fired first.
 */
int
kb_restore_make_topic(
	struct kb_restore *r, const char *topic, struct kb_cancel *interrupt);

/*
 * Begins a file of lines for one partition. Nothing is sent before data
 * comes. `label` names it in messages ("other/3/x.jsonl").
 */
int
kb_sink_open(struct kb_restore *r, const char *topic, int32_t partition,
	const char *label, struct kb_sink **out);

/*
 * Adds bytes at `pos`, which must be the end so far (-ESPIPE otherwise).
 * Whole lines are parsed and produced as batches fill up; this may wait for
 * the broker. A sink that failed stays failed with the same error: a line that
 * does not parse (-EIO; the sentence names label, line and column), the
 * target topic cannot be known (-ENOENT) or is refused (-EACCES: it holds
 * records that we did not put there, or is the source topic itself),
 * -EMSGSIZE, -EREMOTEIO, -ETIMEDOUT, -ENOSPC, -EBUSY. -EINTR: `interrupt`
 * fired before anything of these bytes was taken; *out_taken > 0 and 0 when
 * some were. Each failure is logged once, whole.
 */
int
kb_sink_write(struct kb_sink *s, uint64_t pos, struct kb_slice bytes,
	struct kb_cancel *interrupt, size_t *out_taken);

/*
 * Sends what is left, an unterminated last line included when it is a whole
 * object, and waits until everything is acknowledged. 0 means that (invariant
 * "close() tells the truth"). May be called often; without data it does
 * nothing. -EINTR: not all acknowledged yet, call again.
 */
int
kb_sink_flush(struct kb_sink *s, struct kb_cancel *interrupt);

/* Bytes taken and records acknowledged so far. */
uint64_t
kb_sink_size(const struct kb_sink *s);
uint64_t
kb_sink_records(const struct kb_sink *s);

/* Sends nothing more; frees s. */
void
kb_sink_close(struct kb_sink *s);

#endif
