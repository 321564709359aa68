/*
 * The sentence of an error lives in thread-local storage of fixed size, so
 * that reporting "out of memory" needs no memory. A sentence may quote the one
 * before it: it is formatted aside first.
 */
#include "common/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char text[sizeof(((struct kb_failure *)0)->text)];

int
kb_err(int code, const char *fmt, ...)
{
	char aside[sizeof(text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(aside, sizeof(aside), fmt, ap);
	va_end(ap);
	memcpy(text, aside, sizeof(text));
	return code;
}

const char *
kb_err_text(void)
{
	return text;
}

void
kb_failure_take(struct kb_failure *out, int code)
{
	out->code = code;
	memcpy(out->text, text, sizeof(text));
}

int
kb_failure_raise(const struct kb_failure *f)
{
	memcpy(text, f->text, sizeof(text));
	return f->code;
}
