/*
 * kbakfs REPO MOUNTPOINT: opens and checks everything, then mounts, then
 * serves. Until the mount is there, what fails is said on stderr and nothing
 * has changed; from then on the log is the only channel.
 */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cancel.h"
#include "common/err.h"
#include "common/log.h"
#include "fs/adaptor.h"
#include "fs/daemon.h"
#include "fs/mountopts.h"
#include "fs/precheck.h"
#include "fs/restore_tree.h"
#include "fs/sources.h"
#include "fs/tree.h"
#include "fs/vitals.h"
#include "fs/watch.h"
#include "index/index.h"
#include "kafka/conf.h"
#include "restore/restore.h"
#include "store/repo.h"

enum { EXIT_USAGE = 1, EXIT_NO_MOUNT = 32 };

#define MMAP_FROM (128 << 10)
#define ARENAS 4

static const char usage[] =
	"Usage: kbakfs REPO MOUNTPOINT [-f] [-d] [-o OPTION,...]\n"
	"Shows a repository of Kafka backups as files.\n"
	"\n"
	"  -f                   stay in the foreground, log to stderr\n"
	"  -d                   -f, and log every request\n"
	"  -o ro                read-only, without restore/\n"
	"  -o restore=HOST:PORT records copied into MOUNTPOINT/restore/ are\n"
	"                       produced there (several: repeat, or `;`)\n"
	"  -o config=FILE       properties of that cluster's client\n"
	"  -o append            restore into partitions that hold records\n"
	"  -o settings=exact    give new topics the original settings\n"
	"  -o cache=BYTES       memory for decoded text (64M)\n"
	"  -o log=FILE          log there (else syslog)\n"
	"  -o allow_other       let other users in\n"
	"  -o uid=N,gid=N,umask=N\n"
	"                       owner and permissions of the files\n"
	"\n"
	"Options of mount(8) and fstab(5) are accepted; see kbakfs(8).\n";

struct mount {
	struct kb_mountopts options;
	char *repo_path;
	char *mountpoint;
	struct kb_repo *repo;
	struct kb_index *index;
	struct kb_sources *sources;
	struct kb_tree *tree;
	struct kb_conf *conf;
	struct kb_restore *restore;
	struct kb_restore_tree *restore_tree;
	struct kb_vitals *vitals;
	struct kb_adaptor *adaptor;
	struct kb_watch *watch;
	struct kb_cancel cancel;
};

static bool
restores(const struct mount *m)
{
	return m->options.brokers && !m->options.read_only;
}

/* ---- opening ---- */

static int
open_archive(struct mount *m)
{
	int r;

	r = kb_precheck_repo(m->options.repo, &m->repo_path);
	if (r == 0)
		r = kb_precheck_mountpoint(
			m->options.mountpoint, &m->mountpoint);
	if (r == 0)
		r = kb_precheck_apart(m->repo_path, m->mountpoint);
	if (r == 0)
		r = kb_repo_open(m->repo_path, &m->repo);
	if (r == 0)
		r = kb_index_open(m->repo, &m->index);
	if (r == 0)
		r = kb_index_require(m->index);
	if (r == 0)
		r = kb_sources_new(
			m->repo, m->index, m->options.cache, &m->sources);
	if (r == 0)
		r = kb_tree_new(
			m->repo, m->index, m->sources, restores(m), &m->tree);
	if (r == 0)
		r = kb_vitals_new(m->repo_path, m->repo->uuid, m->index,
			m->sources, &m->vitals);
	return r;
}

static int
open_restore(struct mount *m)
{
	struct kb_restore_options o = {
		.cancel = &m->cancel,
		.append = m->options.append,
		.exact_settings = m->options.exact_settings,
	};
	int r;

	if (m->options.brokers && m->options.read_only)
		kb_log_warn("option restore: there is no restore/ with ro");
	if (!restores(m))
		return 0;
	r = kb_conf_new(&m->conf);
	if (r == 0 && m->options.config)
		r = kb_conf_read_file(m->conf, m->options.config);
	if (r == 0)
		r = kb_conf_set(
			m->conf, "bootstrap.servers", m->options.brokers);
	if (r == 0)
		r = kb_conf_check(m->conf);
	o.conf = m->conf;
	o.repo = m->repo;
	o.index = m->index;
	if (r == 0)
		r = kb_restore_open(&o, &m->restore);
	if (r == 0)
		r = kb_restore_tree_new(m->restore, &m->restore_tree);
	return r;
}

/* The kernel has the mount: terminal and parent are no longer needed. */
static void
on_ready(void *ctx)
{
	const struct mount *m = ctx;

	if (!m->options.foreground && !m->options.log)
		kb_log_to_syslog("kbakfs");
	kb_daemon_ready();
}

static int
mount_it(struct mount *m)
{
	char *options = kb_mountopts_session(&m->options, m->repo_path);
	struct kb_adaptor_setup setup = {
		.tree = m->tree,
		.restore = m->restore_tree,
		.vitals = m->vitals,
		.uid = m->options.uid,
		.gid = m->options.gid,
		.umask = m->options.umask,
		.options = options,
		.ready = on_ready,
		.ctx = m,
	};
	int r;

	if (!options)
		return kb_err(-ENOMEM, "mount: out of memory");
	r = kb_adaptor_mount(&setup, m->mountpoint, &m->adaptor);
	free(options);
	return r;
}

/* On the watch's thread. */
static void
look(void *ctx)
{
	struct mount *m = ctx;

	if (kb_tree_refresh(m->tree))
		kb_adaptor_renew(m->adaptor);
}

static void
close_all(struct mount *m)
{
	kb_watch_stop(m->watch);
	kb_adaptor_close(m->adaptor);
	kb_vitals_free(m->vitals);
	kb_restore_tree_free(m->restore_tree);
	kb_restore_close(m->restore);
	kb_conf_free(m->conf);
	if (m->sources)
		kb_sources_stop(m->sources);
	kb_tree_free(m->tree);
	kb_sources_free(m->sources);
	kb_index_close(m->index);
	kb_repo_close(m->repo);
	free(m->repo_path);
	free(m->mountpoint);
	kb_mountopts_release(&m->options);
}

/* A second signal: open files and restores end as they are. */
static void
on_stop(void *ctx)
{
	struct mount *m = ctx;

	kb_cancel_fire(&m->cancel, SIGTERM);
	if (m->adaptor)
		kb_adaptor_stop(m->adaptor);
}

static int
run(struct mount *m)
{
	int r = kb_cancel_init(&m->cancel);

	if (r < 0)
		return kb_err(r, "eventfd: %s", strerror(-r));
	if (!m->options.foreground)
		r = kb_daemon_fork();
	if (r == 0)
		r = kb_daemon_watch(on_stop, m);
	if (r == 0 && m->options.log)
		r = kb_log_to_file(m->options.log);
	if (r == 0)
		r = open_archive(m);
	if (r == 0)
		r = open_restore(m);
	if (r == 0)
		r = mount_it(m);
	if (r == 0)
		r = kb_watch_start(m->repo->store, look, m, &m->watch);
	if (r < 0) {
		fprintf(stderr, "kbakfs: %s\n", kb_err_text());
		return EXIT_NO_MOUNT;
	}
	kb_daemon_mounted(m->mountpoint);
	r = kb_adaptor_serve(m->adaptor);
	if (r < 0) {
		kb_log_error("%s", kb_err_text());
		return EXIT_NO_MOUNT;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	struct mount m = {0};
	int status;

	/* texts and decoders are few and large: what is freed is given back */
	mallopt(M_MMAP_THRESHOLD, MMAP_FROM);
	/* nor does each of many threads keep some of the rest */
	mallopt(M_ARENA_MAX, ARENAS);
	kb_log_set_name("kbakfs");
	kb_log_set_level(KB_LOG_INFO);
	if (kb_mountopts_read(&m.options, argc, (const char *const *)argv) <
		0) {
		fprintf(stderr, "kbakfs: %s\n", kb_err_text());
		kb_mountopts_release(&m.options);
		return EXIT_USAGE;
	}
	if (m.options.help || m.options.version) {
		fputs(m.options.help ? usage : "kbakfs " KB_VERSION "\n",
			stdout);
		kb_mountopts_release(&m.options);
		return 0;
	}
	if (m.options.debug)
		kb_log_set_level(KB_LOG_DEBUG);
	status = run(&m);
	close_all(&m);
	return status;
}
