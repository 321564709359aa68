/* Log lines: lower case, no full stop, `subject: reason`; never payloads. */
#ifndef KB_COMMON_LOG_H
#define KB_COMMON_LOG_H

enum kb_log_level { KB_LOG_ERROR, KB_LOG_WARN, KB_LOG_INFO, KB_LOG_DEBUG };

/* Lines above this level are dropped. Default KB_LOG_WARN. Any thread. */
void
kb_log_set_level(enum kb_log_level level);

/*
 * Sends lines to the file at path (appended, line by line), in place of
 * stderr. -errno when it cannot be opened; the sink is then unchanged.
 */
int
kb_log_to_file(const char *path);

/* Sends lines to syslog(3) under ident, which must live on. */
void
kb_log_to_syslog(const char *ident);

/* The word put before lines on stderr and in files; must live on. */
void
kb_log_set_name(const char *name);

/* One line, whole, from any thread. */
void
kb_log(enum kb_log_level level, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#define kb_log_error(...) kb_log(KB_LOG_ERROR, __VA_ARGS__)
#define kb_log_warn(...) kb_log(KB_LOG_WARN, __VA_ARGS__)
#define kb_log_info(...) kb_log(KB_LOG_INFO, __VA_ARGS__)
#define kb_log_debug(...) kb_log(KB_LOG_DEBUG, __VA_ARGS__)

#endif
