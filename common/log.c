/*
 * A line is formatted into one buffer and leaves in one write(2), so lines of
 * several threads and processes do not mix. Line breaks inside become spaces.
 */
#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "common/err.h"

static const char *const words[] = {"error", "warning", "info", "debug"};
static const int priorities[] = {LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG};

static atomic_int level_max = KB_LOG_WARN;
static atomic_int sink_fd = STDERR_FILENO;
static atomic_bool use_syslog;
static const char *line_name = "kbakfs";

void
kb_log_set_level(enum kb_log_level level)
{
	atomic_store(&level_max, level);
}

int
kb_log_to_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);

	if (fd < 0) {
		int e = errno;

		return kb_err(-e, "log file %s: %s", path, strerror(e));
	}
	atomic_store(&sink_fd, fd);
	atomic_store(&use_syslog, false);
	return 0;
}

void
kb_log_to_syslog(const char *ident)
{
	openlog(ident, LOG_PID, LOG_DAEMON);
	atomic_store(&use_syslog, true);
}

void
kb_log_set_name(const char *name)
{
	line_name = name;
}

static size_t
put_stamp(char *line, size_t size)
{
	struct timespec now;
	struct tm tm;
	size_t n;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	n = strftime(line, size, "%Y-%m-%dT%H:%M:%S", &tm);
	n += (size_t)snprintf(
		line + n, size - n, ".%03ldZ ", now.tv_nsec / 1000000);
	return n;
}

void
kb_log(enum kb_log_level level, const char *fmt, ...)
{
	char line[1024];
	size_t n = 0, from;
	int fd = atomic_load(&sink_fd);
	va_list ap;

	if ((int)level > atomic_load(&level_max))
		return;
	if (fd != STDERR_FILENO)
		n = put_stamp(line, sizeof(line));
	n += (size_t)snprintf(line + n, sizeof(line) - n, "%s: ", line_name);
	if (level != KB_LOG_INFO)
		n += (size_t)snprintf(
			line + n, sizeof(line) - n, "%s: ", words[level]);
	from = n;
	va_start(ap, fmt);
	n += (size_t)vsnprintf(line + n, sizeof(line) - n, fmt, ap);
	va_end(ap);
	if (n > sizeof(line) - 2)
		n = sizeof(line) - 2;
	for (size_t i = from; i < n; i++)
		if (line[i] == '\n' || line[i] == '\r')
			line[i] = ' ';
	line[n] = '\0';
	if (atomic_load(&use_syslog)) {
		syslog(priorities[level], "%s", line + from);
		return;
	}
	line[n++] = '\n';
	if (write(fd, line, n) < 0)
		return; /* nowhere is left to say it */
}
