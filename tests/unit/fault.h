/* A store over another that fails as told, for tests. */
#ifndef KB_TESTS_UNIT_FAULT_H
#define KB_TESTS_UNIT_FAULT_H

#include <stdatomic.h>

#include "store/store.h"

enum kb_fault_call {
	KB_FAULT_CREATE,
	KB_FAULT_WRITE,
	KB_FAULT_PUBLISH,
	KB_FAULT_SETTLE,
	KB_FAULT_OPEN,
	KB_FAULT_READ,
	KB_FAULT_LIST,
	KB_FAULT_REMOVE,
	KB_FAULT_CALLS,
};

/* Counts calls of each kind; the fail_at-th of a kind (from 1) fails. */
struct kb_fault {
	atomic_int seen[KB_FAULT_CALLS];
	int fail_at[KB_FAULT_CALLS]; /* 0: never */
	int code[KB_FAULT_CALLS];    /* -errno */
};

/* inner is taken; plan is borrowed while the store lives. */
int
kb_fault_new(
	struct kb_store *inner, struct kb_fault *plan, struct kb_store **out);

#endif
