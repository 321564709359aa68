/*
 * sqlite resolves symbolic links before it opens a file, so neither O_TMPFILE
 * nor /proc/self/fd will do: the file has a name for the blink until sqlite
 * has opened it. /var/tmp goes first as /tmp may well be memory.
 */
#include "index/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"

int
kb_scratch_open(char out_path[KB_SCRATCH_PATH], int *out_fd)
{
	const char *dirs[] = {getenv("TMPDIR"), "/var/tmp", "/tmp"};
	int r = -ENOENT;

	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++) {
		int n;

		if (!dirs[i] || !*dirs[i])
			continue;
		n = snprintf(
			out_path, KB_SCRATCH_PATH, "%s/kbakfs-XXXXXX", dirs[i]);
		if (n < 0 || n >= KB_SCRATCH_PATH)
			continue;
		*out_fd = mkostemp(out_path, O_CLOEXEC);
		if (*out_fd >= 0)
			return 0;
		r = -errno;
	}
	return kb_err(
		r, "cannot make a temporary file (TMPDIR): %s", strerror(-r));
}
