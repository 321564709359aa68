/* Does a repository hold what it says? Every object read, every row compared.
 */
#ifndef KB_BACKUP_AUDIT_H
#define KB_BACKUP_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

struct kb_cancel;
struct kb_repo;

/* damage, or a warning; object is the place ("" for the whole). */
typedef void
kb_audit_report_fn(
	void *ctx, bool damage, const char *object, const char *sentence);

struct kb_audit_totals {
	uint64_t segments;
	uint64_t gaps;
	uint64_t records; /* of sound segments, likewise bytes */
	uint64_t bytes;
	uint64_t damages;
	uint64_t warnings;
};

/*
 * Reads all of repo: checksums, records, the continuity of segments and gaps,
 * meta and runs, and the agreement of index and objects both ways. All damage
 * is reported; none ends the audit. 0, also then; -ECANCELED (cancel may be
 * NULL), -ENOMEM, -EIO where a directory cannot be listed.
 */
int
kb_audit_run(struct kb_repo *repo, struct kb_cancel *cancel,
	kb_audit_report_fn *report, void *ctx, struct kb_audit_totals *out);

#endif
