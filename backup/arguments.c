/* Only options that a verb lists get here, so all are known here. */
#include "backup/arguments.h"

#include "common/err.h"

static void
take_operand(struct kb_arguments *a, const char *arg, struct argp_state *state)
{
	if (!a->repo)
		a->repo = arg;
	else if (!a->takes_topic)
		argp_error(state, "more than one REPO: %s", arg);
	else if (a->has_topic)
		argp_error(state, "one operand too many: %s", arg);
	else if (kb_operand_parse(arg, &a->topic) < 0)
		argp_error(state, "%s", kb_err_text());
	else
		a->has_topic = true;
}

error_t
kb_arguments_parse(int key, char *arg, struct argp_state *state)
{
	struct kb_arguments *a = state->input;

	switch (key) {
	case 'v':
		a->verbose++;
		return 0;
	case 'q':
		a->quiet = true;
		return 0;
	case KB_ARGUMENTS_JSON:
		a->json = true;
		return 0;
	case ARGP_KEY_ARG:
		take_operand(a, arg, state);
		return 0;
	case ARGP_KEY_END:
		if (!a->repo)
			argp_error(state, "REPO is missing");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}
