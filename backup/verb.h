/* The verbs of kbak, and what main() gives them. */
#ifndef KB_BACKUP_VERB_H
#define KB_BACKUP_VERB_H

#include <stdbool.h>

struct kb_cancel;

/* Exit statuses; 0 is complete, 128 + n ended by signal n. */
enum {
	KB_EXIT_FAILED = 1, /* something is missing or failed */
	KB_EXIT_USAGE = 2,
};

/* A verb: argv[0] is `kbak VERB`; gives the exit status. */
typedef int
kb_verb_fn(int argc, char **argv);

kb_verb_fn kb_verb_backup;
kb_verb_fn kb_verb_cat;
kb_verb_fn kb_verb_ls;
kb_verb_fn kb_verb_reindex;
kb_verb_fn kb_verb_verify;

/* What -v, given that many times, and -q mean to the log. */
void
kb_verb_verbosity(int verbose, bool quiet);

/*
 * Fired by SIGINT and SIGTERM, with the signal's number, where main.c says
 * that the verb ends in order.
 */
struct kb_cancel *
kb_verb_cancel(void);

/*
 * The status of a verb that ended with r (0, -errno, or a status > 0), once
 * stdout is flushed. Says the sentence of an error. An ended reader of our
 * output (EPIPE) is not worth a word.
 */
int
kb_verb_finish(int r);

#endif
