/*
 * Every word is named in the table below or refused. Three kinds: our own,
 * those that mount(8) and fstab(5) hand to every helper and that mean nothing
 * here, and those that go on to libfuse. Words behind -o stand between commas;
 * a backslash takes the next byte as it is, as libfuse has it.
 */
#include "fs/mountopts.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* A word that ends in `=` has a value. */
static const struct word {
	const char *text;
	enum key key;
} words[] = {
	{"-h", HELP},
	{"--help", HELP},
	{"-V", VERSION},
	{"--version", VERSION},
	{"-f", FOREGROUND},
	{"-d", DEBUG},
	{"debug", DEBUG},
	{"ro", READ_ONLY},
	{"append", APPEND},
	{"settings=", SETTINGS},
	{"cache=", CACHE},
	{"restore=", BROKERS},
	{"config=", CONFIG},
	{"log=", LOG},
	{"uid=", UID},
	{"gid=", GID},
	{"umask=", UMASK},
	{"allow_other", PASS},
	{"allow_root", PASS},
	{"auto_unmount", PASS},
	{"noexec", PASS},
	{"noatime", PASS},
};

/* Always so, or always otherwise; and words of mount(8) and fstab(5). */
static const char *const dropped[] = {"default_permissions", "nosuid", "nodev",
	"suid", "dev", "exec", "rw", "defaults", "async", "sync", "dirsync",
	"atime", "diratime", "nodiratime", "relatime", "norelatime",
	"strictatime", "nostrictatime", "lazytime", "nolazytime", "iversion",
	"noiversion", "mand", "nomand", "silent", "loud", "user",
	"user=", "nouser", "users", "nousers", "owner", "noowner", "group",
	"nogroup", "nofail", "_netdev", "auto", "noauto", "comment=", "x-"};

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
add_brokers(struct kb_mountopts *o, const char *list)
{
	int r = *list ? join_text(&o->brokers, list) : bad_value("restore=");

	for (char *p = r == 0 ? o->brokers : NULL; p && *p; p++)
		if (*p == ';')
			*p = ',';
	return r;
}

static int
set_settings(struct kb_mountopts *o, const char *arg)
{
	if (strcmp(arg, "settings=exact") != 0)
		return bad_value(arg);
	o->exact_settings = true;
	return 0;
}

/* ---- words ---- */

static int
take(struct kb_mountopts *o, const char *arg, enum key key)
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
		break;
	}
	return 0;
}

/* `word` is all of arg, or its beginning when it ends in `=` or `-`. */
static bool
is_word(const char *arg, const char *word)
{
	size_t n = strlen(word);

	if (word[n - 1] == '=' || strcmp(word, "x-") == 0)
		return strncmp(arg, word, n) == 0;
	return strcmp(arg, word) == 0;
}

static int
take_word(struct kb_mountopts *o, const char *arg)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (is_word(arg, words[i].text))
			return take(o, arg, words[i].key);
	for (size_t i = 0; i < sizeof(dropped) / sizeof(*dropped); i++)
		if (is_word(arg, dropped[i]))
			return 0;
	return kb_err(-EINVAL, "option %s: not known", arg);
}

/* The words behind -o; empty ones are nothing. */
static int
take_list(struct kb_mountopts *o, const char *list)
{
	char *word = malloc(strlen(list) + 1);
	size_t n = 0;
	int r = word ? 0 : kb_err(-ENOMEM, "options: out of memory");

	for (const char *p = list; r == 0; p++) {
		if (*p == '\\' && p[1]) {
			word[n++] = *++p;
		} else if (*p && *p != ',') {
			word[n++] = *p;
		} else {
			word[n] = '\0';
			if (n && word[0] == '-')
				r = kb_err(
					-EINVAL, "option %s: not known", word);
			else if (n)
				r = take_word(o, word);
			n = 0;
			if (!*p)
				break;
		}
	}
	free(word);
	return r;
}

static int
take_operand(struct kb_mountopts *o, const char *arg)
{
	if (!o->repo)
		return set_text(&o->repo, arg);
	if (!o->mountpoint)
		return set_text(&o->mountpoint, arg);
	return kb_err(-EINVAL, "%s: one word too many", arg);
}

/* Options may stand anywhere; behind `--` there are none. */
static int
take_all(struct kb_mountopts *o, int argc, const char *const *argv)
{
	bool operands = false;
	int r = 0;

	for (int i = 1; r == 0 && i < argc; i++) {
		const char *arg = argv[i];

		if (operands || arg[0] != '-' || !arg[1])
			r = take_operand(o, arg);
		else if (strcmp(arg, "--") == 0)
			operands = true;
		else if (arg[1] == 'o' && arg[2])
			r = take_list(o, arg + 2);
		else if (arg[1] != 'o')
			r = take_word(o, arg);
		else if (++i < argc)
			r = take_list(o, argv[i]);
		else
			r = kb_err(-EINVAL, "option -o: which?");
	}
	return r;
}

static int
check(const struct kb_mountopts *o)
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
kb_mountopts_read(struct kb_mountopts *o, int argc, const char *const *argv)
{
	int r;

	memset(o, 0, sizeof(*o));
	o->cache = CACHE_DEFAULT;
	o->uid = getuid();
	o->gid = getgid();
	r = take_all(o, argc, argv);
	return r < 0 ? r : check(o);
}

void
kb_mountopts_release(struct kb_mountopts *o)
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
kb_mountopts_session(const struct kb_mountopts *o, const char *source)
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
