/* What users write: `orders@1/3`, `5-9`. */
#ifndef KB_BACKUP_OPERAND_H
#define KB_BACKUP_OPERAND_H

#include <stdint.h>

/* TOPIC[/PARTITION]; the topic as shown: `orders`, `orders@1`. */
struct kb_operand {
	char topic[272];
	int32_t partition; /* -1: all */
};

/* -EINVAL with a sentence. */
int
kb_operand_parse(const char *text, struct kb_operand *out);

/* FIRST or FIRST-LAST, both ends included; no LAST is INT64_MAX. -EINVAL. */
int
kb_operand_parse_range(const char *text, int64_t *out_first, int64_t *out_last);

#endif
