/* What the parts of an audit share; see audit.h. */
#ifndef KB_BACKUP_AUDITOR_H
#define KB_BACKUP_AUDITOR_H

#include "backup/audit.h"
#include "index/index.h"
#include "index/scan.h"

struct kb_auditor {
	struct kb_store *store;
	struct kb_index *index; /* NULL: cannot be used, said already */
	struct kb_cancel *cancel;
	struct kb_scan *scan;
	kb_audit_report_fn *report;
	void *ctx;
	struct kb_audit_totals totals;
	char last[1200]; /* the sentence reported last, not said twice */
};

/* sentence holds object. The same again is not said twice. */
void
kb_auditor_report(struct kb_auditor *a, bool damage, const char *object,
	const char *sentence);

/* Reports in printf's format, object first. */
void
kb_auditor_damage(struct kb_auditor *a, const char *object, const char *fmt,
	...) __attribute__((format(printf, 3, 4)));
void
kb_auditor_warn(struct kb_auditor *a, const char *object, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * r < 0: reports the current sentence as damage of object and gives 0, so that
 * the audit goes on; what must end it is given back.
 */
int
kb_auditor_note(struct kb_auditor *a, const char *object, int r);

/* Every object below data/ is read, and compared with the index's rows. */
int
kb_audit_data(struct kb_auditor *a);

/* Every row of the index has its object. */
int
kb_audit_rows(struct kb_auditor *a);

/* Every object below meta/ and runs/ is read, and the index knows it. */
int
kb_audit_meta(struct kb_auditor *a);
int
kb_audit_runs(struct kb_auditor *a);

#endif
