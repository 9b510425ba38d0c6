/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "runtime/user.h"
#include "tests/unit/base/temp.h"
#include "tests/unit/test.h"

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
			     "# a comment\n"
			     "\n"
			     "short:x\n"
			     "broken:x:abc:0::/broken:/bin/sh\n"
			     "big:x:4294967295:0::/big:\n"
			     "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n"
			     "web:x:1000:1001:Web,,,:/srv/www:/bin/sh\n"
			     "homeless:x:1002:1002\n"
			     "twin:x:1000:1003::/twin:/bin/sh\n"
			     "7:x:70:70:a number as a name:/seven:/bin/sh\n"
			     "last:x:1004:1004::/last:";

static const char group[] = "root:x:0:\n"
			    "daemon:x:1:web,root\n"
			    "web:x:1001:\n"
			    "staff:x:50:web\n"
			    "docker:x:notanumber:web\n"
			    "cut:x\n"
			    "near:x:60:webx,awe\n"
			    "9:x:90:\n"
			    "last:x:99:last,web";

/* "uid:gid home groups", or the error. */
static char *resolved(const char *text)
{
	struct user user = { 0 };
	struct error err = { 0 };
	struct str out = { 0 };
	int rc = user_resolve(text, passwd, group, &user, &err);

	if (rc < 0) {
		ck_assert_int_eq(rc, -err.code);
		ck_assert_ptr_null(user.home);
		return xstrdup(err.msg);
	}
	str_addf(&out, "%u:%u %s", user.uid, user.gid, user.home);
	for (size_t i = 0; i < user.n_groups; i++)
		str_addf(&out, " %u", user.groups[i]);
	user_fini(&user);
	return str_take(&out);
}

#define NO_USER(name)  "unable to find user " name ": no matching entries in passwd file"
#define NO_GROUP(name) "unable to find group " name ": no matching entries in group file"

START_TEST(resolves_users)
{
	static const struct {
		const char *text, *wanted;
	} rows[] = {
		{ "", "0:0 /root 1" },
		{ "root", "0:0 /root 1" },
		{ "0", "0:0 /root 1" },
		{ "web", "1000:1001 /srv/www 1 50 99" },
		{ "1000", "1000:1001 /srv/www 1 50 99" },
		{ "homeless", "1002:1002 /" },
		{ "last", "1004:1004 /last 99" },
		{ "daemon", "1:1 /usr/sbin" },
		/* A named group replaces the memberships. */
		{ "web:staff", "1000:50 /srv/www" },
		{ "web:web", "1000:1001 /srv/www" },
		{ "web:7", "1000:7 /srv/www" },
		{ "1000:0", "1000:0 /srv/www" },
		{ "web:", "1000:1001 /srv/www 1 50 99" },
		{ ":staff", "0:50 /root" },
		{ ":", "0:0 /root 1" },
		/* Digits are an id and never a name. */
		{ "7", "7:0 /" },
		{ "0:9", "0:9 /root" },
		{ "65534", "65534:0 /" },
		{ "4294967294", "4294967294:0 /" },
		{ "007", "7:0 /" },
		{ "nobody", NO_USER("nobody") },
		{ "Web", NO_USER("Web") },
		{ "web ", NO_USER("web ") },
		{ "-1", NO_USER("-1") },
		{ "+1", NO_USER("+1") },
		{ "0x10", NO_USER("0x10") },
		{ "1e3", NO_USER("1e3") },
		{ "short", NO_USER("short") },
		{ "broken", NO_USER("broken") },
		{ "big", NO_USER("big") },
		{ "web:nobody", NO_GROUP("nobody") },
		{ "web:docker", NO_GROUP("docker") },
		{ "web:staff:x", NO_GROUP("staff:x") },
		{ "web:-1", NO_GROUP("-1") },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_free char *got = resolved(rows[i].text);

		ck_assert_msg(str_eq(got, rows[i].wanted), "'%s': got '%s', wanted '%s'",
			      rows[i].text, got, rows[i].wanted);
	}
}
END_TEST

START_TEST(refuses_ids_that_do_not_fit)
{
	static const char *const texts[] = {
		"4294967295", /* (uid_t)-1 means "unchanged" */
		"4294967296", /* would be 0 in 32 bits */
		"18446744073709551616",
		"99999999999999999999999999",
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		auto_free char *as_user = resolved(texts[i]);
		auto_free char *group_text = xasprintf("0:%s", texts[i]);
		auto_free char *as_group = resolved(group_text);
		auto_free char *user_start = xasprintf("user '%s': ", texts[i]);
		auto_free char *group_start = xasprintf("group '%s': ", texts[i]);

		ck_assert_msg(str_starts(as_user, user_start), "got '%s'", as_user);
		ck_assert_msg(str_starts(as_group, group_start), "got '%s'", as_group);
	}
}
END_TEST

START_TEST(empty_files_are_no_entries)
{
	struct user user = { 0 };
	struct error err = { 0 };

	ck_assert_int_eq(user_resolve("5:6", "", "", &user, &err), 0);
	ck_assert_uint_eq(user.uid, 5);
	ck_assert_uint_eq(user.gid, 6);
	ck_assert_str_eq(user.home, "/");
	user_fini(&user);
	ck_assert_int_eq(user_resolve("root", "", "", &user, &err), -ENOENT);
}
END_TEST

/* ---- the files of a root ---------------------------------------------------------------------- */

static void write_file(const struct temp *temp, const char *name, const char *text)
{
	struct error err;

	ck_assert_int_eq(
		file_replace_at(&temp->dir, name, text, strlen(text), 0644, FILE_FAST, &err), 0);
}

static void enter(const struct temp *temp)
{
	ck_assert_int_eq(mkdirat(temp->dir.fd, "etc", 0755), 0);
	ck_assert_int_eq(chroot(temp->path), 0);
	ck_assert_int_eq(chdir("/"), 0);
}

/* Each test is a process of its own; a child of it enters the root, so that it can be removed. */
static int in_root(void (*make)(const struct temp *), int (*check)(void))
{
	struct temp temp;
	pid_t pid;
	int status;

	temp_make(&temp);
	pid = fork();
	if (pid == 0) {
		enter(&temp);
		make(&temp);
		_exit(check());
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	temp_remove(&temp);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void make_ordinary(const struct temp *temp)
{
	write_file(temp, "etc/passwd", passwd);
	write_file(temp, "etc/group", group);
}

static int resolves_web(void)
{
	struct user user = { 0 };
	struct error err = { 0 };
	int rc = user_resolve_here("web", &user, &err);

	return rc == 0 && user.uid == 1000 && user.n_groups == 3 ? 0 : 1;
}

static void make_nothing(const struct temp *temp)
{
	(void)temp;
}

static int finds_no_entry(void)
{
	struct user user = { 0 };
	struct error err = { 0 };

	return user_resolve_here("web", &user, &err) == -ENOENT ? 0 : 1;
}

/* A FIFO would hold us up for ever, a device could do anything when it is read. */
static void make_fifo(const struct temp *temp)
{
	ck_assert_int_eq(mkfifoat(temp->dir.fd, "etc/passwd", 0644), 0);
}

static int refuses_what_is_no_file(void)
{
	struct user user = { 0 };
	struct error err = { 0 };
	int rc;

	(void)alarm(5);
	rc = user_resolve_here("web", &user, &err);
	return rc == -EINVAL && strcmp(err.msg, "read '/etc/passwd': not a regular file") == 0 ? 0
											       : 1;
}

static void make_huge(const struct temp *temp)
{
	write_file(temp, "etc/passwd", passwd);
	ck_assert_int_eq(truncate("/etc/passwd", (1 << 20) + 1), 0);
}

static int refuses_what_is_huge(void)
{
	struct user user = { 0 };
	struct error err = { 0 };

	return user_resolve_here("web", &user, &err) == -EFBIG ? 0 : 1;
}

static void make_loop(const struct temp *temp)
{
	ck_assert_int_eq(symlinkat("passwd", temp->dir.fd, "etc/passwd"), 0);
}

static int refuses_a_loop(void)
{
	struct user user = { 0 };
	struct error err = { 0 };

	return user_resolve_here("web", &user, &err) == -ELOOP ? 0 : 1;
}

START_TEST(reads_the_files_of_its_root)
{
	if (getuid() != 0)
		return;
	ck_assert_int_eq(in_root(make_ordinary, resolves_web), 0);
	ck_assert_int_eq(in_root(make_nothing, finds_no_entry), 0);
	ck_assert_int_eq(in_root(make_fifo, refuses_what_is_no_file), 0);
	ck_assert_int_eq(in_root(make_huge, refuses_what_is_huge), 0);
	ck_assert_int_eq(in_root(make_loop, refuses_a_loop), 0);
}
END_TEST

TEST_MAIN("runtime/user", resolves_users, refuses_ids_that_do_not_fit, empty_files_are_no_entries,
	  reads_the_files_of_its_root)
