/* What the index says, as JSON for machines. */
#ifndef KB_BACKUP_DESCRIBE_H
#define KB_BACKUP_DESCRIBE_H

#include <jansson.h>
#include <stdio.h>

#include "backup/archive.h"
#include "backup/operand.h"

/*
 * Writes one object: repository, last run, topics with their partitions and
 * gaps; with o only that topic, with its partition also the segments. Only
 * derived data, in a fixed order: the same index gives the same bytes.
 */
int
kb_describe(struct kb_archive *a, const struct kb_operand *o, FILE *to);

#endif
