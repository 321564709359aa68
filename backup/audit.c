/*
 * The order is that of trust: the objects are read first, by themselves; the
 * index is then held against what they say. An index that cannot be read is
 * one damage, not one for every object.
 */
#include "backup/audit.h"

#include <errno.h>
#include <string.h>

#include "backup/auditor.h"
#include "common/err.h"
#include "store/repo.h"
#include "store/store.h"

static bool
is_known(const char *name, bool is_dir)
{
	static const char *const dirs[] = {
		"data", "groups", "index", "lost+found", "meta", "runs"};

	if (!is_dir)
		return strcmp(name, KB_DESCRIPTOR_NAME) == 0;
	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++) {
		if (strcmp(name, dirs[i]) == 0)
			return true;
	}
	return false;
}

struct root {
	struct kb_auditor *a;
	bool has_data;
};

static int
see_root(void *ctx, const char *name, bool is_dir)
{
	struct root *root = ctx;

	if (!is_known(name, is_dir))
		kb_auditor_warn(root->a, name,
			"not a part of a repository; left alone");
	if (strcmp(name, "data") == 0)
		root->has_data = true;
	return 0;
}

static int
check_root(struct kb_auditor *a)
{
	struct root root = {a, false};
	size_t leftovers;
	int r = kb_store_list(a->store, "", see_root, &root);

	if (r == 0)
		r = kb_store_count_leftovers(a->store, &leftovers);
	if (r < 0)
		return r;
	if (leftovers)
		kb_auditor_warn(a, "tmp",
			"%zu leftovers of writers that did not end well; the "
			"next backup removes them",
			leftovers);
	if (a->index && root.has_data && kb_index_empty(a->index)) {
		kb_auditor_damage(a, "index",
			"empty, and there is data: run `kbak reindex`");
		a->index = NULL;
	}
	return 0;
}

static void
see_index(void *ctx, const char *object, const char *sentence)
{
	kb_auditor_report(ctx, true, object, sentence);
}

static int
audit(struct kb_auditor *a)
{
	int r = check_root(a);

	if (r == 0)
		r = kb_audit_data(a);
	if (r == 0)
		r = kb_audit_meta(a);
	if (r == 0)
		r = kb_audit_runs(a);
	if (r == 0 && a->index)
		r = kb_audit_rows(a);
	return r;
}

int
kb_audit_run(struct kb_repo *repo, struct kb_cancel *cancel,
	kb_audit_report_fn *report, void *ctx, struct kb_audit_totals *out)
{
	struct kb_auditor a = {.store = repo->store,
		.cancel = cancel,
		.report = report,
		.ctx = ctx};
	struct kb_index *index = NULL;
	int r = kb_scan_new(cancel, &a.scan);

	if (r < 0)
		return r;
	r = kb_auditor_note(&a, "index", kb_index_check(repo, see_index, &a));
	if (r == 0)
		r = kb_auditor_note(&a, "index", kb_index_open(repo, &index));
	a.index = index;
	if (r == 0)
		r = audit(&a);
	kb_index_close(index);
	kb_scan_free(a.scan);
	*out = a.totals;
	return r;
}
