/*
 * The descriptor is created exclusively and never changed: it tells a
 * repository from a directory that happens to be there, and one cluster's from
 * another's. Of two creators one publishes; both then read what is there.
 */
#include "store/repo.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/uuid.h"
#include "store/document.h"
#include "store/layout.h"
#include "store/store.h"

#define FORMAT 1

static int
check_features(const char *path, const json_t *o)
{
	const json_t *features = json_object_get(o, "features");

	if (!json_is_array(features))
		return kb_err(-EBADMSG, "%s/%s: damaged: no list \"features\"",
			path, KB_DESCRIPTOR_NAME);
	if (!json_array_size(features))
		return 0;
	features = json_array_get(features, 0);
	return kb_err(-EPROTONOSUPPORT,
		"%s: the repository uses the feature \"%.40s\", which this "
		"version (%s) does not know; use a newer kbak",
		path,
		json_is_string(features) ? json_string_value(features) : "?",
		KB_VERSION);
}

static int
check_format(const char *path, const json_t *o)
{
	int64_t format;
	int r = kb_document_int(
		KB_DESCRIPTOR_NAME, o, "format", 1, INT32_MAX, &format);

	if (r < 0)
		return kb_err(r, "%s/%s", path, kb_err_text());
	if (format != FORMAT)
		return kb_err(-EPROTONOSUPPORT,
			"%s: a repository of format %d, this version (%s) "
			"reads format %d; use a newer kbak",
			path, (int)format, KB_VERSION, FORMAT);
	return check_features(path, o);
}

static int
read_descriptor(struct kb_repo *repo)
{
	const char *path = kb_store_name(repo->store);
	const char *name = KB_DESCRIPTOR_NAME;
	json_t *o;
	int r = kb_document_load(repo->store, name, &o);

	if (r < 0)
		return r;
	r = check_format(path, o);
	if (r < 0)
		goto out;
	r = kb_document_check(name, o);
	if (r == 0)
		r = kb_document_text(
			name, o, "uuid", sizeof(repo->uuid), repo->uuid);
	if (r == 0)
		r = kb_document_text(name, o, "cluster_id",
			sizeof(repo->cluster_id), repo->cluster_id);
	if (r == 0)
		r = kb_document_time(name, o, "created", &repo->created);
	if (r < 0)
		r = kb_err(r, "%s/%s", path, kb_err_text());
out:
	json_decref(o);
	return r;
}

static json_t *
new_descriptor(const char *cluster_id)
{
	struct kb_uuid u;
	char text[40];

	kb_uuid_random(&u);
	snprintf(text, sizeof(text),
		"%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
		"%02x%02x%02x%02x%02x%02x",
		u.b[0], u.b[1], u.b[2], u.b[3], u.b[4], u.b[5], u.b[6], u.b[7],
		u.b[8], u.b[9], u.b[10], u.b[11], u.b[12], u.b[13], u.b[14],
		u.b[15]);
	return json_pack("{s:i, s:[], s:s, s:o, s:o}", "format", FORMAT,
		"features", "uuid", text, "cluster_id",
		kb_document_of_text(cluster_id), "created",
		kb_document_of_time(kb_clock_wall_ms()));
}

/* The first name that is not a file system's own. */
static int
see_foreign(void *ctx, const char *name, bool is_dir)
{
	char *first = ctx;

	if (strcmp(name, "lost+found") == 0)
		return 0;
	snprintf(first, 260, "%s%s", name, is_dir ? "/" : "");
	return 1;
}

static bool
is_ours(const char *name)
{
	static const char *const ours[] = {
		"data/", "groups/", "index/", "meta/", "runs/"};

	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++) {
		if (strcmp(name, ours[i]) == 0)
			return true;
	}
	return false;
}

/* 0: empty. -ENOTEMPTY: the sentence says what is there. */
static int
check_empty(struct kb_store *s)
{
	char first[260];
	int r = kb_store_list(s, "", see_foreign, first);

	if (r != 1)
		return r;
	if (is_ours(first))
		return kb_err(-ENOTEMPTY,
			"%s: holds %s but no %s, its descriptor is lost: put "
			"that back from a copy, or name another directory",
			kb_store_name(s), first, KB_DESCRIPTOR_NAME);
	return kb_err(-ENOTEMPTY,
		"%s: not a repository, and not empty (it holds \"%s\"): name "
		"another directory, absent or empty",
		kb_store_name(s), first);
}

/* A clear sentence for what open(2) says of a path. */
static int
explain(const char *path, int r)
{
	switch (r) {
	case -ENOENT:
		return kb_err(r,
			"%s: no such directory; `kbak backup` makes a "
			"repository",
			path);
	case -ENOTDIR:
		return kb_err(r, "%s: not a directory, and a repository is one",
			path);
	case -EACCES:
		return kb_err(r,
			"%s: no permission to read it; run as its owner, or "
			"have its owner allow it",
			path);
	default:
		return r;
	}
}

static int
new_repo(const char *path, bool create, struct kb_repo **out)
{
	struct kb_repo *repo = calloc(1, sizeof(*repo));
	int r;

	if (!repo)
		return kb_err(-ENOMEM, "%s: out of memory", path);
	r = kb_store_open_local(path, create, &repo->store);
	if (r < 0) {
		free(repo);
		return create ? r : explain(path, r);
	}
	*out = repo;
	return 0;
}

int
kb_repo_open(const char *path, struct kb_repo **out)
{
	struct kb_repo *repo = NULL;
	int r = new_repo(path, false, &repo);

	if (r < 0)
		return r;
	r = read_descriptor(repo);
	if (r == -ENOENT)
		r = kb_err(r,
			"%s: not a repository (it has no %s); `kbak backup` "
			"makes one in an empty directory",
			path, KB_DESCRIPTOR_NAME);
	if (r < 0)
		kb_repo_close(repo);
	else
		*out = repo;
	return r;
}

static int
check_cluster(const struct kb_repo *repo, const char *cluster_id)
{
	if (!*repo->cluster_id || !*cluster_id ||
		strcmp(repo->cluster_id, cluster_id) == 0)
		return 0;
	return kb_err(-EACCES,
		"%s: holds backups of the cluster %s, but the brokers belong "
		"to %s: name another directory",
		kb_store_name(repo->store), repo->cluster_id, cluster_id);
}

/*
 * The descriptor, made when it is missing. A creator that was faster leaves
 * the name taken, or files that make the directory look foreign: look again
 * before complaining.
 */
static int
read_or_publish(struct kb_repo *repo, const char *cluster_id)
{
	struct kb_failure made = {0};
	int r = read_descriptor(repo);

	if (r != -ENOENT)
		return r;
	r = check_empty(repo->store);
	if (r == 0)
		r = kb_document_publish(repo->store, KB_DESCRIPTOR_NAME,
			new_descriptor(cluster_id));
	if (r < 0 && r != -EEXIST && r != -ENOTEMPTY)
		return r;
	kb_failure_take(&made, r);
	r = read_descriptor(repo);
	return r == -ENOENT && made.code ? kb_failure_raise(&made) : r;
}

int
kb_repo_open_or_create(
	const char *path, const char *cluster_id, struct kb_repo **out)
{
	struct kb_repo *repo = NULL;
	int r = new_repo(path, true, &repo);

	if (r < 0)
		return r;
	r = read_or_publish(repo, cluster_id);
	if (r == 0)
		r = check_cluster(repo, cluster_id);
	if (r < 0)
		kb_repo_close(repo);
	else
		*out = repo;
	return r;
}

void
kb_repo_close(struct kb_repo *r)
{
	if (!r)
		return;
	kb_store_free(r->store);
	free(r);
}
