/* A repository: a store with a descriptor that says what it holds. */
#ifndef KB_STORE_REPO_H
#define KB_STORE_REPO_H

#include <stdint.h>

struct kb_store;

struct kb_repo {
	struct kb_store *store; /* owned */
	char uuid[40];
	char cluster_id[128]; /* "" until known */
	int64_t created;      /* ms, UTC */
};

/*
 * Opens the repository at path, read from `kbakfs.json`: format 1 and the
 * features this program knows. -ENOENT: no such directory, or no descriptor
 * in it (the sentence says which); -EBADMSG: damaged descriptor;
 * -EPROTONOSUPPORT: a newer format or an unknown feature, named.
 */
int
kb_repo_open(const char *path, struct kb_repo **out);

/*
 * Opens the repository, or makes one for that cluster where path is absent or
 * an empty directory. -ENOTEMPTY: other people's files, no descriptor;
 * -EACCES: a repository of another cluster; and as kb_repo_open(). Two at
 * once: one creates, both open.
 */
int
kb_repo_open_or_create(
	const char *path, const char *cluster_id, struct kb_repo **out);

void
kb_repo_close(struct kb_repo *r);

#endif
