/* The names found in one directory, gathered compactly and then sorted. */
#ifndef KB_STORE_NAMES_H
#define KB_STORE_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"

/* {0} is empty. */
struct kb_names {
	struct kb_buf text;  /* a type byte, the name, a zero; and so on */
	struct kb_buf index; /* size_t positions in text */
};

void
kb_names_release(struct kb_names *n);

/* 0 or -ENOMEM. */
int
kb_names_add(struct kb_names *n, const char *name, size_t len, bool is_dir);

/* Byte order; equal names become one. */
void
kb_names_sort(struct kb_names *n);

size_t
kb_names_count(const struct kb_names *n);

/* Borrowed until the next add. */
const char *
kb_names_get(const struct kb_names *n, size_t i, bool *out_is_dir);

#endif
