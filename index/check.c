/* The seals of the files that make up the index, for whoever verifies. */
#include <errno.h>

#include "common/err.h"
#include "index/index.h"
#include "index/seal.h"
#include "index/stack.h"
#include "store/repo.h"

int
kb_index_check(struct kb_repo *repo, kb_index_problem_fn *problem, void *ctx)
{
	struct kb_stack stack;
	char name[KB_STACK_NAME];
	int r = kb_stack_list(repo->store, &stack);

	if (r < 0)
		return r;
	for (size_t i = 0; i < stack.count && r == 0; i++) {
		kb_stack_name(name, stack.generation, &stack.files[i]);
		r = kb_seal_check(repo->store, name);
		if (r < 0 && r != -ENOMEM) {
			if (r != -ENOENT) /* else merged with others just now */
				problem(ctx, name, kb_err_text());
			r = 0;
		}
	}
	kb_stack_release(&stack);
	return r;
}
