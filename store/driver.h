/*
 * What a kind of store implements; store.c is the only caller. Names are
 * already validated, handles are the driver's own with the base first.
 */
#ifndef KB_STORE_DRIVER_H
#define KB_STORE_DRIVER_H

#include "common/err.h"
#include "store/layout.h"
#include "store/names.h"
#include "store/store.h"

struct kb_store_driver {
	/* Frees s, its name excepted. */
	void (*free)(struct kb_store *s);

	/* store.c fills in the base of *out. */
	int (*create)(struct kb_store *s, const char *name,
		struct kb_blob_writer **out);
	/* Not called again once it failed. */
	int (*write)(struct kb_blob_writer *w, struct kb_slice bytes);
	/* As kb_blob_publish(), but w lives on until discard. */
	int (*publish)(struct kb_blob_writer *w);
	/* Frees w; what was not published is gone. */
	void (*discard)(struct kb_blob_writer *w);
	int (*settle)(struct kb_store *s, const char *name);

	/* store.c fills in the base of *out. */
	int (*open)(struct kb_store *s, const char *name, struct kb_blob **out,
		uint64_t *out_size);
	ssize_t (*read)(struct kb_blob *b, uint64_t pos, void *out, size_t len);
	void (*close)(struct kb_blob *b);

	/* In any order; a directory may be named more than once. */
	int (*list)(
		struct kb_store *s, const char *prefix, struct kb_names *out);
	int (*remove)(struct kb_store *s, const char *name);
	/* Counts leftovers; removes them when told to. */
	int (*sweep)(struct kb_store *s, bool remove, size_t *out_count);
	int (*path)(struct kb_store *s, const char *name, char **out);
};

struct kb_store {
	const struct kb_store_driver *driver;
	char *name; /* owned */
};

struct kb_blob_writer {
	struct kb_store *store;
	char name[KB_NAME_MAX];
	uint64_t written;
	struct kb_failure failed; /* code 0: not yet */
};

struct kb_blob {
	struct kb_store *store;
	char name[KB_NAME_MAX];
};

/* The directory of temporary files, which no listing shows. */
#define KB_STORE_TEMP "tmp"

#endif
