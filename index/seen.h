/* A set of names that may be larger than memory. */
#ifndef KB_INDEX_SEEN_H
#define KB_INDEX_SEEN_H

struct kb_seen;

int
kb_seen_new(struct kb_seen **out);
void
kb_seen_free(struct kb_seen *s);

/* Puts name into the set. 0: it is new. 1: it was there. */
int
kb_seen_add(struct kb_seen *s, const char *name);

#endif
