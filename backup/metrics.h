/*
 * A small HTTP server beside a run, in a thread of its own: /metrics for
 * Prometheus, /health for whoever watches. It only looks; it never holds the
 * run up.
 */
#ifndef KB_BACKUP_METRICS_H
#define KB_BACKUP_METRICS_H

struct kb_deposit;
struct kb_metrics;
struct kb_plan;

/*
 * Serves at ADDRESS:PORT ([ADDRESS]:PORT for IPv6) from now on. -EINVAL: that
 * is none. -EADDRINUSE, -EADDRNOTAVAIL, -EACCES: bind(2)'s.
 */
int
kb_metrics_open(const char *address, struct kb_metrics **out);

/* What to tell of; both may be called once, before which all is zero. */
void
kb_metrics_watch(struct kb_metrics *m, const struct kb_deposit *deposit);

/* The plan's lanes are all there, and keep their cuts. */
void
kb_metrics_plan(struct kb_metrics *m, const struct kb_plan *plan);

/* Drops requests under way and returns at once. NULL is fine everywhere. */
void
kb_metrics_close(struct kb_metrics *m);

#endif
