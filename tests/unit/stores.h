/* One conformance suite over every kind of store. */
#ifndef KB_TESTS_UNIT_STORES_H
#define KB_TESTS_UNIT_STORES_H

#include "store/store.h"
#include "suite.h"

/*
 * Defines a test whose body runs once over each kind of store, empty each
 * time: `STORE_TEST(store__does_this) { ... s ... } END_STORE_TEST`.
 */
#define STORE_TEST(name)                                                       \
	static void name##_over(struct kb_store *s);                           \
	START_TEST(name)                                                       \
	{                                                                      \
		stores_run(name##_over);                                       \
	}                                                                      \
	END_TEST                                                               \
	static void name##_over(struct kb_store *s)

/* Calls body with each kind. */
void
stores_run(void (*body)(struct kb_store *s));

/* Publishes text under name. What kb_blob_publish() says. */
int
stores_put(struct kb_store *s, const char *name, const char *text);

/* The same for a JSON object, its checksum added; other text as it is. */
int
stores_put_document(struct kb_store *s, const char *name, const char *text);

/* True when name holds exactly text. */
bool
stores_holds(struct kb_store *s, const char *name, const char *text);

/* `a b/ c`: what lies below prefix, directories with a slash. Static. */
const char *
stores_list(struct kb_store *s, const char *prefix);

/* A new directory below /tmp, malloc'd; and its end. */
char *
stores_make_dir(void);
void
stores_remove_dir(char *dir);

#endif
