/* kbak verify: an audit, said line by line as damage is found. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "backup/arguments.h"
#include "backup/audit.h"
#include "backup/table.h"
#include "backup/verb.h"
#include "common/err.h"
#include "store/repo.h"

static const struct argp_option options[] = {
	{"json", KB_ARGUMENTS_JSON, NULL, 0, "print one JSON object", 0},
	{"quiet", 'q', NULL, 0, "print damage only", 0},
	{0},
};

static const struct argp argp = {
	.options = options,
	.parser = kb_arguments_parse,
	.args_doc = "REPO",
	.doc = "Read a whole repository and check it: the checksum of every "
	       "batch and segment, every record, the continuity of offsets, "
	       "and the agreement of index and objects.\vThe status is 1 when "
	       "there is damage; warnings do not count.",
};

/* Damage as it is found: a line of text, or an element of a JSON array. */
struct out {
	const struct kb_arguments *args;
	uint64_t lines;
};

static void
print_finding(void *ctx, bool damage, const char *object, const char *sentence)
{
	struct out *o = ctx;
	json_t *j;

	if (!o->args->json) {
		if (damage || !o->args->quiet)
			printf("%s: %s\n", damage ? "damaged" : "warning",
				sentence);
		fflush(stdout);
		return;
	}
	j = json_pack("{s:s, s:s, s:s}", "kind", damage ? "damage" : "warning",
		"object", object, "sentence", sentence);
	fputs(o->lines++ ? ",\n" : "\n", stdout);
	json_dumpf(j, stdout, 0);
	json_decref(j);
}

static const char *
plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static void
print_totals(const struct kb_audit_totals *t, const struct kb_arguments *args)
{
	char segments[KB_TABLE_CELL], records[KB_TABLE_CELL];
	char size[KB_TABLE_CELL], damages[KB_TABLE_CELL];

	if (args->json) {
		printf("\n],\n\"sound\": %s, \"segments\": %" PRIu64
		       ", \"gaps\": %" PRIu64 ", \"records\": %" PRIu64
		       ", \"bytes\": %" PRIu64 ", \"damages\": %" PRIu64
		       ", \"warnings\": %" PRIu64 "}\n",
			t->damages ? "false" : "true", t->segments, t->gaps,
			t->records, t->bytes, t->damages, t->warnings);
		return;
	}
	if (args->quiet)
		return;
	printf("%s segment%s, %s record%s, %s: ",
		kb_table_count(segments, t->segments), plural(t->segments),
		kb_table_count(records, t->records), plural(t->records),
		kb_table_size(size, t->bytes));
	if (t->damages)
		printf("%s place%s damaged\n",
			kb_table_count(damages, t->damages),
			plural(t->damages));
	else
		printf("sound\n");
}

int
kb_verb_verify(int argc, char **argv)
{
	struct kb_arguments args = {0};
	struct kb_audit_totals totals = {0};
	struct out out = {.args = &args};
	struct kb_repo *repo = NULL;
	int r;

	argp_parse(&argp, argc, argv, 0, NULL, &args);
	r = kb_repo_open(args.repo, &repo);
	if (r < 0)
		return kb_verb_finish(r);
	if (args.json)
		fputs("{\"findings\": [", stdout);
	r = kb_audit_run(repo, NULL, print_finding, &out, &totals);
	if (r == 0)
		print_totals(&totals, &args);
	kb_repo_close(repo);
	if (r == 0 && totals.damages)
		r = KB_EXIT_FAILED;
	return kb_verb_finish(r);
}
