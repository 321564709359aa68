/* kbak reindex: the index made anew from the objects. */
#include "backup/arguments.h"
#include "backup/verb.h"
#include "common/err.h"
#include "common/log.h"
#include "index/index.h"
#include "store/repo.h"

static const struct argp_option options[] = {
	{"verbose", 'v', NULL, 0, "say more; twice: even more", 0},
	{"quiet", 'q', NULL, 0, "errors only", 0},
	{0},
};

static const struct argp argp = {
	.options = options,
	.parser = kb_arguments_parse,
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
	struct kb_arguments a = {0};
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
