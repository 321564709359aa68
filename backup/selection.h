/* Which topics a backup means: globs, literal names, exclusions. */
#ifndef KB_BACKUP_SELECTION_H
#define KB_BACKUP_SELECTION_H

#include <stdbool.h>
#include <stddef.h>

struct kb_metadata;

/* Patterns as given by -t and --exclude; borrowed. */
struct kb_selection {
	const char *const *topics;
	size_t topic_count;
	const char *const *excludes;
	size_t exclude_count;
};

/*
 * Sets out_picked[i] for every topic of m (m->topic_count of them). A pattern
 * without `*`, `?` or `[` is a literal name. Internal topics are picked by
 * their literal name only. -ENOENT: a literal topic does not exist, a glob
 * matches nothing, or nothing is left after the exclusions (F13); the
 * sentence names the pattern.
 */
int
kb_selection_pick(const struct kb_selection *s, const struct kb_metadata *m,
	bool *out_picked);

#endif
