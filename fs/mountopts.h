/* What a mount is asked for: `kbakfs REPO MOUNTPOINT [-o ...]`. */
#ifndef KB_FS_MOUNTOPTS_H
#define KB_FS_MOUNTOPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct kb_mountopts {
	char *repo; /* as given */
	char *mountpoint;
	bool foreground;
	bool debug;
	bool help;
	bool version;
	bool read_only; /* -o ro */
	bool append;
	bool exact_settings;
	size_t cache;  /* bytes */
	char *brokers; /* of restore=, commas between; NULL: none */
	char *config;  /* file of properties, or NULL */
	char *log;     /* file, or NULL */
	uid_t uid;
	gid_t gid;
	mode_t umask;
	char *passed; /* options for libfuse, commas between, or NULL */
};

/*
 * Reads a command line. -EINVAL with a sentence that names what is not
 * understood or does not go together. Release in every case.
 */
int
kb_mountopts_read(struct kb_mountopts *o, int argc, const char *const *argv);
void
kb_mountopts_release(struct kb_mountopts *o);

/*
 * The options of the session, for libfuse's `-o`, malloc'd: who the mount
 * says it is (source is shown by findmnt), and what is always on. NULL without
 * memory.
 */
char *
kb_mountopts_session(const struct kb_mountopts *o, const char *source);

#endif
