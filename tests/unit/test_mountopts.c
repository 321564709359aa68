#include "fs/mountopts.h"

#include <errno.h>
#include <string.h>

#include "suite.h"

static struct kb_mountopts o;

#define READ(...) read_words((const char *[]){"kbakfs", __VA_ARGS__, NULL})

static int
read_words(const char *const *words)
{
	int argc = 0;

	kb_mountopts_release(&o);
	while (words[argc])
		argc++;
	return kb_mountopts_read(&o, argc, words);
}

static void
refused(int r, const char *says)
{
	ck_assert_int_eq(r, -EINVAL);
	ck_assert_msg(strstr(kb_err_text(), says), "%s", kb_err_text());
}

START_TEST(mountopts__reads_what_the_manual_names)
{
	ck_ok(READ("repo", "-f", "-o",
		"restore=a:1;b:2,restore=c:3,append,settings=exact,"
		"config=/c,log=/l,cache=16M,uid=7,gid=8,umask=027",
		"mnt"));
	ck_assert_str_eq(o.repo, "repo");
	ck_assert_str_eq(o.mountpoint, "mnt");
	ck_assert_str_eq(o.brokers, "a:1,b:2,c:3");
	ck_assert_str_eq(o.config, "/c");
	ck_assert_str_eq(o.log, "/l");
	ck_assert(o.append && o.exact_settings && o.foreground);
	ck_assert(!o.read_only && !o.debug);
	ck_assert_uint_eq(o.cache, 16 << 20);
	ck_assert_uint_eq(o.uid, 7);
	ck_assert_uint_eq(o.gid, 8);
	ck_assert_uint_eq(o.umask, 027);
}
END_TEST

START_TEST(mountopts__swallows_what_mount_hands_to_every_helper)
{
	ck_ok(READ("repo", "mnt", "-o",
		"rw,dev,suid,relatime,strictatime,lazytime,nodiratime,"
		"iversion,mand,silent,loud,user,users,owner,group,nofail,"
		"_netdev,noauto,auto,x-systemd.automount,defaults,user=bob,,"));
	ck_assert_ptr_null(o.passed);
	ck_ok(READ("repo", "mnt", "-oro,allow_other"));
	ck_assert(o.read_only);
	ck_assert_str_eq(o.passed, "allow_other");
}
END_TEST

START_TEST(mountopts__names_what_it_does_not_know)
{
	refused(READ("repo", "mnt", "-o", "ro,bogus"), "bogus");
	refused(READ("repo", "mnt", "-o", "bogus=1"), "bogus=1");
	refused(READ("repo", "mnt", "-z"), "-z");
	refused(READ("repo", "mnt", "--bogus"), "--bogus");
	refused(READ("repo", "mnt", "-o", "-f"), "-f");
	refused(READ("repo", "mnt", "more"), "more");
	refused(READ("repo", "mnt", "-o"), "-o");
	refused(READ("repo", "mnt", "-o", "row"), "row");
}
END_TEST

START_TEST(mountopts__names_values_that_cannot_be)
{
	refused(READ("repo", "mnt", "-o", "cache=0"), "cache=0");
	refused(READ("repo", "mnt", "-o", "cache=-1"), "cache=-1");
	refused(READ("repo", "mnt", "-o", "cache=1X"), "cache=1X");
	refused(READ("repo", "mnt", "-o", "cache=1MM"), "cache=1MM");
	refused(READ("repo", "mnt", "-o", "uid=root"), "uid=root");
	refused(READ("repo", "mnt", "-o", "umask=9"), "umask=9");
	refused(READ("repo", "mnt", "-o", "settings=none"), "settings=none");
	refused(READ("repo", "mnt", "-o", "restore="), "restore=");
}
END_TEST

START_TEST(mountopts__refuses_restore_options_without_a_target)
{
	refused(READ("repo", "mnt", "-o", "append"), "append");
	refused(READ("repo", "mnt", "-o", "settings=exact"), "settings");
	refused(READ("repo", "mnt", "-o", "config=/c"), "config");
	refused(READ("repo"), "MOUNTPOINT");
	refused(READ("-f"), "REPO");
	ck_ok(READ("-h"));
	ck_assert(o.help);
	ck_ok(READ("-V"));
	ck_assert(o.version);
}
END_TEST

START_TEST(mountopts__session_is_safe_and_names_its_source)
{
	char *s;

	ck_ok(READ("a,b", "mnt", "-o", "allow_other"));
	s = kb_mountopts_session(&o, "/a,b\\c");
	ck_assert_str_eq(s, "default_permissions,nosuid,nodev,ro,allow_other,"
			    "subtype=kbakfs,fsname=/a\\,b\\\\c");
	free(s);
	ck_ok(READ("r", "mnt", "-o", "restore=a:1"));
	s = kb_mountopts_session(&o, "/r");
	ck_assert_ptr_nonnull(strstr(s, ",noatime,"));
	ck_assert_ptr_null(strstr(s, ",ro,"));
	free(s);
	ck_ok(READ("r", "mnt", "-o", "restore=a:1,ro"));
	s = kb_mountopts_session(&o, "/r");
	ck_assert_ptr_nonnull(strstr(s, ",ro,"));
	free(s);
}
END_TEST

KB_SUITE("mountopts", mountopts__reads_what_the_manual_names,
	mountopts__swallows_what_mount_hands_to_every_helper,
	mountopts__names_what_it_does_not_know,
	mountopts__names_values_that_cannot_be,
	mountopts__refuses_restore_options_without_a_target,
	mountopts__session_is_safe_and_names_its_source)
