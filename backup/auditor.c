/* Damage is reported where it is found, and the audit goes on. */
#include "backup/auditor.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/err.h"

void
kb_auditor_report(struct kb_auditor *a, bool damage, const char *object,
	const char *sentence)
{
	if (strncmp(a->last, sentence, sizeof(a->last) - 1) == 0)
		return;
	snprintf(a->last, sizeof(a->last), "%s", sentence);
	if (damage)
		a->totals.damages++;
	else
		a->totals.warnings++;
	a->report(a->ctx, damage, object, sentence);
}

static void
report_at(struct kb_auditor *a, bool damage, const char *object,
	const char *fmt, va_list ap)
{
	char what[480], sentence[1200];

	vsnprintf(what, sizeof(what), fmt, ap);
	snprintf(sentence, sizeof(sentence), "%s: %s", object, what);
	kb_auditor_report(a, damage, object, sentence);
}

void
kb_auditor_damage(
	struct kb_auditor *a, const char *object, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report_at(a, true, object, fmt, ap);
	va_end(ap);
}

void
kb_auditor_warn(struct kb_auditor *a, const char *object, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report_at(a, false, object, fmt, ap);
	va_end(ap);
}

int
kb_auditor_note(struct kb_auditor *a, const char *object, int r)
{
	if (r >= 0)
		return 0;
	if (r == -ECANCELED || r == -ENOMEM)
		return r;
	if (strstr(kb_err_text(), object))
		kb_auditor_report(a, true, object, kb_err_text());
	else
		kb_auditor_damage(a, object, "%s", kb_err_text());
	return 0;
}
