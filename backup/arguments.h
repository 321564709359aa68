/* What verbs that read a repository are given: REPO [TOPIC[/PARTITION]]. */
#ifndef KB_BACKUP_ARGUMENTS_H
#define KB_BACKUP_ARGUMENTS_H

#include <argp.h>
#include <stdbool.h>

#include "backup/operand.h"

#define KB_ARGUMENTS_JSON 256 /* the key of --json */

struct kb_arguments {
	/* Said beforehand. */
	bool takes_topic;

	const char *repo;
	bool has_topic;
	struct kb_operand topic;
	int verbose;
	bool quiet;
	bool json;
};

/*
 * The parser of such a verb: input is a struct kb_arguments, or begins with
 * one. Of the options -v, -q and --json the verb lists those that it has.
 */
error_t
kb_arguments_parse(int key, char *arg, struct argp_state *state);

#endif
