/* What must be so before anything is mounted. */
#ifndef KB_FS_PRECHECK_H
#define KB_FS_PRECHECK_H

/*
 * The absolute, resolved path of a mount point, malloc'd. -ENOENT, -ENOTDIR;
 * -ENOTCONN: a dead mount is there (the sentence says how to clear it).
 */
int
kb_precheck_mountpoint(const char *given, char **out);

/* The absolute, resolved path of a repository, malloc'd. -ENOENT... */
int
kb_precheck_repo(const char *given, char **out);

/*
 * -EINVAL when one lies inside the other: reading the repository would then
 * wait for the mount, and the mount for the repository. Both are resolved.
 */
int
kb_precheck_apart(const char *repo, const char *mountpoint);

#endif
