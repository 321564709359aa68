/*
 * libfuse's option parser splits the words; every one of them is named in the
 * table below or refused. Three kinds: our own, those that mount(8) and fstab
 * hand to every helper and that mean nothing here, and those that go on to the
 * kernel through libfuse.
 */
#include "fs/options.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FUSE_USE_VERSION 312
#include <fuse_opt.h>

#include "common/buf.h"
#include "common/err.h"

#define CACHE_DEFAULT ((size_t)64 << 20)

enum key {
	HELP,
	VERSION,
	FOREGROUND,
	DEBUG,
	READ_ONLY,
	APPEND,
	SETTINGS,
	CACHE,
	BROKERS,
	CONFIG,
	LOG,
	UID,
	GID,
	UMASK,
	PASS,
	DROP,
};

#define DROPPED(word) FUSE_OPT_KEY(word, DROP)
#define PASSED(word) FUSE_OPT_KEY(word, PASS)

static const struct fuse_opt table[] = {FUSE_OPT_KEY("-h", HELP),
	FUSE_OPT_KEY("--help", HELP), FUSE_OPT_KEY("-V", VERSION),
	FUSE_OPT_KEY("--version", VERSION), FUSE_OPT_KEY("-f", FOREGROUND),
	FUSE_OPT_KEY("-d", DEBUG), FUSE_OPT_KEY("debug", DEBUG),
	FUSE_OPT_KEY("ro", READ_ONLY), FUSE_OPT_KEY("append", APPEND),
	FUSE_OPT_KEY("settings=", SETTINGS), FUSE_OPT_KEY("cache=", CACHE),
	FUSE_OPT_KEY("restore=", BROKERS), FUSE_OPT_KEY("config=", CONFIG),
	FUSE_OPT_KEY("log=", LOG), FUSE_OPT_KEY("uid=", UID),
	FUSE_OPT_KEY("gid=", GID), FUSE_OPT_KEY("umask=", UMASK),
	PASSED("allow_other"), PASSED("allow_root"), PASSED("auto_unmount"),
	PASSED("noexec"), PASSED("noatime"),
	/* Always so, or always otherwise. */
	DROPPED("default_permissions"), DROPPED("nosuid"), DROPPED("nodev"),
	DROPPED("suid"), DROPPED("dev"), DROPPED("exec"), DROPPED("rw"),
	/* Of mount(8) and fstab(5). */
	DROPPED("defaults"), DROPPED("async"), DROPPED("sync"),
	DROPPED("dirsync"), DROPPED("atime"), DROPPED("diratime"),
	DROPPED("nodiratime"), DROPPED("relatime"), DROPPED("norelatime"),
	DROPPED("strictatime"), DROPPED("nostrictatime"), DROPPED("lazytime"),
	DROPPED("nolazytime"), DROPPED("iversion"), DROPPED("noiversion"),
	DROPPED("mand"), DROPPED("nomand"), DROPPED("silent"), DROPPED("loud"),
	DROPPED("user"), DROPPED("user="), DROPPED("nouser"), DROPPED("users"),
	DROPPED("nousers"), DROPPED("owner"), DROPPED("noowner"),
	DROPPED("group"), DROPPED("nogroup"), DROPPED("nofail"),
	DROPPED("_netdev"), DROPPED("auto"), DROPPED("noauto"),
	DROPPED("comment="), FUSE_OPT_END};

/* ---- values ---- */

static int
bad_value(const char *arg)
{
	return kb_err(-EINVAL, "option %s: not a value it can have", arg);
}

static int
read_number(const char *arg, int base, uint64_t max, uint64_t *out,
	const char **out_rest)
{
	const char *text = strchr(arg, '=') + 1;
	char *end;

	errno = 0;
	*out = strtoull(text, &end, base);
	if (errno || end == text || *text == '-' || *text == '+' || *out > max)
		return bad_value(arg);
	*out_rest = end;
	return 0;
}

static int
read_id(const char *arg, int base, uint64_t max, uint32_t *out)
{
	const char *rest = "";
	uint64_t v;
	int r = read_number(arg, base, max, &v, &rest);

	if (r == 0 && *rest)
		r = bad_value(arg);
	if (r == 0)
		*out = (uint32_t)v;
	return r;
}

/* Bytes, with an optional K, M or G. */
static int
read_size(const char *arg, size_t *out)
{
	static const char units[] = "KMG";
	const char *rest = "", *unit;
	uint64_t v, shift = 0;
	int r = read_number(arg, 10, SIZE_MAX >> 31, &v, &rest);

	if (r < 0)
		return r;
	unit = *rest ? strchr(units, *rest & ~0x20) : NULL;
	if (unit) {
		shift = 10 * (uint64_t)(unit - units + 1);
		rest++;
	}
	if (*rest || v == 0)
		return bad_value(arg);
	*out = (size_t)v << shift;
	return 0;
}

static int
set_text(char **to, const char *text)
{
	free(*to);
	*to = strdup(text);
	return *to ? 0 : kb_err(-ENOMEM, "options: out of memory");
}

/* Appends word behind a comma. */
static int
join_text(char **to, const char *word)
{
	size_t len = *to ? strlen(*to) : 0;
	char *p = realloc(*to, len + strlen(word) + 2);

	if (!p)
		return kb_err(-ENOMEM, "options: out of memory");
	*to = p;
	if (len)
		p[len++] = ',';
	strcpy(p + len, word);
	return 0;
}

/* Commas belong to mount(8), so brokers may stand between semicolons. */
static int
add_brokers(struct kb_options *o, const char *list)
{
	int r = *list ? join_text(&o->brokers, list) : bad_value("restore=");

	for (char *p = r == 0 ? o->brokers : NULL; p && *p; p++)
		if (*p == ';')
			*p = ',';
	return r;
}

static int
set_settings(struct kb_options *o, const char *arg)
{
	if (strcmp(arg, "settings=exact") != 0)
		return bad_value(arg);
	o->exact_settings = true;
	return 0;
}

/* ---- words ---- */

static int
take_other(struct kb_options *o, const char *arg, int kind)
{
	if (kind == FUSE_OPT_KEY_NONOPT && !o->repo)
		return set_text(&o->repo, arg);
	if (kind == FUSE_OPT_KEY_NONOPT && !o->mountpoint)
		return set_text(&o->mountpoint, arg);
	if (kind == FUSE_OPT_KEY_NONOPT)
		return kb_err(-EINVAL, "%s: one word too many", arg);
	if (strncmp(arg, "x-", 2) == 0)
		return 0;
	return kb_err(-EINVAL, "option %s: not known", arg);
}

static int
take_option(struct kb_options *o, const char *arg, int key)
{
	switch (key) {
	case HELP:
		o->help = true;
		return 0;
	case VERSION:
		o->version = true;
		return 0;
	case DEBUG:
		o->debug = true;
		o->foreground = true;
		return 0;
	case FOREGROUND:
		o->foreground = true;
		return 0;
	case READ_ONLY:
		o->read_only = true;
		return 0;
	case APPEND:
		o->append = true;
		return 0;
	case SETTINGS:
		return set_settings(o, arg);
	case CACHE:
		return read_size(arg, &o->cache);
	case BROKERS:
		return add_brokers(o, strchr(arg, '=') + 1);
	case CONFIG:
		return set_text(&o->config, strchr(arg, '=') + 1);
	case LOG:
		return set_text(&o->log, strchr(arg, '=') + 1);
	case UID:
		return read_id(arg, 10, UINT32_MAX - 1, &o->uid);
	case GID:
		return read_id(arg, 10, UINT32_MAX - 1, &o->gid);
	case UMASK:
		return read_id(arg, 8, 0777, &o->umask);
	case PASS:
		return join_text(&o->passed, arg);
	case DROP:
		return 0;
	default:
		return take_other(o, arg, key);
	}
}

/* libfuse's callback: 0 drops the word from its own list. */
static int
take(void *data, const char *arg, int key, struct fuse_args *args)
{
	(void)args;
	return take_option(data, arg, key) < 0 ? -1 : 0;
}

static int
check(const struct kb_options *o)
{
	if (o->help || o->version)
		return 0;
	if (!o->repo || !o->mountpoint)
		return kb_err(-EINVAL, "%s: missing (try kbakfs -h)",
			o->repo ? "MOUNTPOINT" : "REPO");
	if (!o->brokers && (o->append || o->exact_settings || o->config))
		return kb_err(-EINVAL,
			"option %s: means nothing without restore=HOST:PORT",
			o->append	    ? "append"
			: o->exact_settings ? "settings=exact"
					    : "config");
	return 0;
}

int
kb_options_read(struct kb_options *o, int argc, char **argv)
{
	struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
	int r;

	memset(o, 0, sizeof(*o));
	o->cache = CACHE_DEFAULT;
	o->uid = getuid();
	o->gid = getgid();
	kb_err(-EINVAL, "options: cannot be understood");
	r = fuse_opt_parse(&args, o, table, take) < 0 ? -EINVAL : check(o);
	fuse_opt_free_args(&args);
	return r;
}

void
kb_options_release(struct kb_options *o)
{
	free(o->repo);
	free(o->mountpoint);
	free(o->brokers);
	free(o->config);
	free(o->log);
	free(o->passed);
	memset(o, 0, sizeof(*o));
}

/* libfuse splits at commas, and undoes backslashes. */
static int
put_escaped(struct kb_buf *b, const char *text)
{
	int r = 0;

	for (; r == 0 && *text; text++) {
		if (*text == ',' || *text == '\\')
			r = kb_buf_put(b, "\\", 1);
		if (r == 0)
			r = kb_buf_put(b, text, 1);
	}
	return r;
}

char *
kb_options_session(const struct kb_options *o, const char *source)
{
	bool writable = o->brokers && !o->read_only;
	struct kb_buf b = {0};

	/* A read on a writable mount asks for attributes, for atime. */
	if (kb_buf_printf(&b, "default_permissions,nosuid,nodev,%s,",
		    writable ? "noatime" : "ro") < 0 ||
		(o->debug && kb_buf_printf(&b, "debug,") < 0) ||
		(o->passed && kb_buf_printf(&b, "%s,", o->passed) < 0) ||
		kb_buf_printf(&b, "subtype=kbakfs,fsname=") < 0 ||
		put_escaped(&b, source) < 0 || kb_buf_put(&b, "", 1) < 0) {
		kb_buf_release(&b);
		return NULL;
	}
	return (char *)b.data;
}
