/* kbak reindex: the index made anew from the objects. */
#include <argp.h>
#include <stdio.h>

#include "backup/verb.h"
#include "common/err.h"
#include "common/log.h"
#include "index/index.h"
#include "store/repo.h"

struct arguments {
	const char *repo;
	int verbose;
	bool quiet;
};

static const struct argp_option options[] = {
	{"verbose", 'v', NULL, 0, "say more; twice: even more", 0},
	{"quiet", 'q', NULL, 0, "errors only", 0},
	{0},
};

static error_t
parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;

	switch (key) {
	case 'v':
		a->verbose++;
		return 0;
	case 'q':
		a->quiet = true;
		return 0;
	case ARGP_KEY_ARG:
		if (a->repo)
			argp_error(state, "more than one REPO: %s", arg);
		a->repo = arg;
		return 0;
	case ARGP_KEY_END:
		if (!a->repo)
			argp_error(state, "REPO is missing");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "REPO",
	.doc = "Make the index of a repository anew from its objects, with all "
	       "their checksums checked on the way.\vDamaged objects are named "
	       "and left out; the status is then 1.",
};

static void
print_problem(void *ctx, const char *object, const char *sentence)
{
	(void)ctx;
	(void)object;
	kb_log_warn("%s", sentence);
}

int
kb_verb_reindex(int argc, char **argv)
{
	struct kb_repo *repo = NULL;
	struct arguments a = {0};
	int r;

	argp_parse(&argp, argc, argv, 0, NULL, &a);
	kb_verb_verbosity(a.verbose, a.quiet);
	r = kb_repo_open(a.repo, &repo);
	if (r == 0)
		r = kb_index_rebuild(
			repo, kb_verb_cancel(), print_problem, NULL);
	kb_repo_close(repo);
	return kb_verb_finish(r);
}
