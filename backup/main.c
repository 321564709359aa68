/*
 * kbak VERB: finds the verb and leaves the rest to it. The first SIGINT or
 * SIGTERM asks a verb that has something to put in order to end; a second one
 * ends it at once, as the first does all other verbs.
 */
#include <argp.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup/verb.h"
#include "common/cancel.h"
#include "common/err.h"
#include "common/log.h"

const char *argp_program_version = "kbak " KB_VERSION;

static struct kb_cancel cancel;

struct verb {
	const char *name;
	kb_verb_fn *run;
	bool orderly; /* ends in order when asked by a signal */
	const char *synopsis;
	const char *summary;
};

static const struct verb verbs[] = {
	{"backup", kb_verb_backup, true, "-b BROKERS -t GLOB... REPO",
		"store topics, up to now"},
	{"cat", kb_verb_cat, false, "REPO TOPIC/PARTITION",
		"print records as JSON lines"},
	{"ls", kb_verb_ls, false, "REPO [TOPIC[/PARTITION]]",
		"list what is there"},
	{"reindex", kb_verb_reindex, true, "REPO", "make the index anew"},
	{"verify", kb_verb_verify, false, "REPO", "read and check everything"},
	{0},
};

void
kb_verb_verbosity(int verbose, bool quiet)
{
	if (quiet)
		kb_log_set_level(KB_LOG_ERROR);
	else if (verbose)
		kb_log_set_level(verbose > 1 ? KB_LOG_DEBUG : KB_LOG_INFO);
}

struct kb_cancel *
kb_verb_cancel(void)
{
	return &cancel;
}

/* What stdout has kept back is a part of the answer. */
static int
flush(int r)
{
	if ((fflush(stdout) < 0 || ferror(stdout)) && r >= 0)
		return kb_err(errno ? -errno : -EIO, "standard output: %s",
			strerror(errno ? errno : EIO));
	return r;
}

int
kb_verb_finish(int r)
{
	errno = 0;
	r = flush(r);
	if (r == -EPIPE)
		return 128 + SIGPIPE;
	if (r && kb_cancel_fired(&cancel))
		return 128 + kb_cancel_fired(&cancel);
	if (r >= 0)
		return r;
	kb_log_error("%s", kb_err_text());
	return r == -EINVAL ? KB_EXIT_USAGE : KB_EXIT_FAILED;
}

static void
on_signal(int signal)
{
	kb_cancel_fire(&cancel, signal);
}

static void
catch_signals(void)
{
	struct sigaction ask = {.sa_handler = on_signal};

	ask.sa_flags = (int)SA_RESETHAND;
	sigaction(SIGINT, &ask, NULL);
	sigaction(SIGTERM, &ask, NULL);
}

static void
print_help(FILE *to)
{
	fputs("Usage: kbak VERB [OPTION...] ...\n"
	      "Backups of Kafka topics that you can look at.\n\n",
		to);
	for (const struct verb *v = verbs; v->name; v++)
		fprintf(to, "  kbak %-8s %-34s %s\n", v->name, v->synopsis,
			v->summary);
	fputs("\n`kbak VERB --help` has the options of a verb, `man kbak` the "
	      "rest;\n`kbakfs` mounts a repository.\n",
		to);
}

static int
run_verb(const struct verb *v, int argc, char **argv)
{
	char name[32];

	if (kb_cancel_init(&cancel) < 0)
		return kb_verb_finish(-EIO);
	if (v->orderly)
		catch_signals();
	snprintf(name, sizeof(name), "kbak %s", v->name);
	argv[0] = name;
	return v->run(argc, argv);
}

static bool
is_either(const char *arg, const char *a, const char *b)
{
	return strcmp(arg, a) == 0 || strcmp(arg, b) == 0;
}

int
main(int argc, char **argv)
{
	kb_log_set_name("kbak");
	argp_err_exit_status = KB_EXIT_USAGE;
	signal(SIGPIPE, SIG_IGN);
	if (argc < 2) {
		print_help(stderr);
		return KB_EXIT_USAGE;
	}
	if (is_either(argv[1], "--help", "-?") ||
		is_either(argv[1], "help", "-h")) {
		print_help(stdout);
		return kb_verb_finish(0);
	}
	if (is_either(argv[1], "--version", "-V")) {
		puts(argp_program_version);
		return kb_verb_finish(0);
	}
	for (const struct verb *v = verbs; v->name; v++) {
		if (strcmp(argv[1], v->name) == 0)
			return run_verb(v, argc - 1, argv + 1);
	}
	kb_log_error("%s: no such verb; `kbak --help` lists them", argv[1]);
	return KB_EXIT_USAGE;
}
