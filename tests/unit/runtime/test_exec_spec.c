/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "runtime/exec_spec.h"
#include "tests/unit/base/temp.h"
#include "tests/unit/test.h"

/* One directory is bundle, state directory and cache. */
static struct temp temp;

static void write_config(const char *value, const char *linux_members)
{
	auto_free char *text = xasprintf(
		"{\"ociVersion\": \"1.0.2\", \"root\": {\"path\": \"rootfs\"},\n"
		"\"process\": {\"cwd\": \"/\", \"args\": [\"true\"], \"env\": [\"A=%s\"],\n"
		"\"user\": {\"uid\": 7, \"umask\": 18, \"additionalGids\": [5, 6]},\n"
		"\"noNewPrivileges\": true, \"oomScoreAdj\": -3},\n"
		"\"linux\": {%s}}",
		value, linux_members);
	struct error err;

	ck_assert_int_eq(file_replace_at(&temp.dir, "config.json", text, strlen(text), 0644,
					 FILE_FAST, &err),
			 0);
}

/* Until config.json counts as one that nobody is writing to. */
static void settle(void)
{
	(void)usleep(1100000);
}

static void setup(const char *linux_members)
{
	temp_make(&temp);
	write_config("first", linux_members);
	settle();
}

static void load(struct exec_spec *ret)
{
	struct error err = { 0 };
	int rc = exec_spec_load(&temp.dir, temp.path, temp.path, ret, &err);

	ck_assert_msg(rc == 0, "%s", err.msg);
}

static bool is_kept(void)
{
	return faccessat(temp.dir.fd, EXEC_SPEC_FILE, F_OK, 0) == 0;
}

/* What is loaded has this value of A. */
static void expect(const char *value)
{
	struct exec_spec spec;

	load(&spec);
	ck_assert_uint_eq(spec.process.env.n, 1);
	ck_assert_str_eq(spec.process.env.items[0] + 2, value);
	exec_spec_fini(&spec);
}

/* In the file that is kept, which is told from the configuration by that. */
static void replace_kept(const char *from, const char *to)
{
	auto_free char *data = NULL;
	struct error err;
	size_t len;
	char *at;

	ck_assert_int_eq(file_read_at(&temp.dir, EXEC_SPEC_FILE, 1 << 20, &data, &len, &err), 0);
	at = memmem(data, len, from, strlen(from));
	ck_assert_ptr_nonnull(at);
	memcpy(at, to, strlen(from));
	ck_assert_int_eq(
		file_replace_at(&temp.dir, EXEC_SPEC_FILE, data, len, 0600, FILE_FAST, &err), 0);
}

static const char filtered[] = "\"personality\": {\"domain\": \"LINUX32\"},\n"
			       "\"seccomp\": {\"defaultAction\": \"SCMP_ACT_ALLOW\",\n"
			       "\"architectures\": [\"SCMP_ARCH_X86_64\"],\n"
			       "\"flags\": [\"SECCOMP_FILTER_FLAG_LOG\"],\n"
			       "\"syscalls\": [{\"names\": [\"reboot\", \"mount\"],\n"
			       "\"action\": \"SCMP_ACT_ERRNO\"}]}";

START_TEST(what_is_kept_is_what_was_read)
{
	struct exec_spec first, second;

	setup(filtered);
	load(&first);
	ck_assert(is_kept());
	replace_kept("A=first", "A=again");
	load(&second);
	ck_assert_str_eq(second.process.env.items[0], "A=again");
	ck_assert_uint_eq(second.process.uid, 7);
	ck_assert(second.process.has_umask && second.process.umask == 18);
	ck_assert_uint_eq(second.process.n_additional_gids, 2);
	ck_assert_uint_eq(second.process.additional_gids[1], 6);
	ck_assert(second.process.no_new_privileges);
	ck_assert(second.process.has_oom_score_adj && second.process.oom_score_adj == -3);
	ck_assert_str_eq(second.personality, "LINUX32");
	ck_assert_ptr_null(second.listener_path);
	ck_assert_uint_gt(first.seccomp.n, 0);
	ck_assert_uint_eq(second.seccomp.n, first.seccomp.n);
	ck_assert_mem_eq(second.seccomp.filter, first.seccomp.filter,
			 first.seccomp.n * sizeof(*first.seccomp.filter));
	ck_assert_uint_eq(second.seccomp.flags, first.seccomp.flags);
	ck_assert_uint_eq(second.seccomp.n_syscalls, 2);
	ck_assert(!second.seccomp.is_notifying);
	exec_spec_fini(&first);
	exec_spec_fini(&second);
	temp_remove(&temp);
}
END_TEST

START_TEST(a_change_of_the_configuration_is_seen)
{
	setup("");
	expect("first");
	ck_assert(is_kept());
	write_config("other", "");
	expect("other");
	expect("other");
	settle();
	expect("other");
	replace_kept("A=other", "A=again");
	expect("again");
	temp_remove(&temp);
}
END_TEST

START_TEST(nothing_is_kept_of_what_may_still_be_written)
{
	temp_make(&temp);
	write_config("first", "");
	expect("first");
	ck_assert(!is_kept());
	temp_remove(&temp);
}
END_TEST

START_TEST(nothing_is_kept_while_somebody_is_at_work)
{
	int other;

	setup("");
	other = open(temp.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(flock(other, LOCK_EX), 0);
	expect("first");
	ck_assert(!is_kept());
	close_fd(&other);
	expect("first");
	ck_assert(is_kept());
	temp_remove(&temp);
}
END_TEST

/* Least of all with a part of the filter. */
START_TEST(a_torn_file_is_no_hit)
{
	auto_free char *data = NULL;
	struct exec_spec whole;
	struct error err;
	size_t len;

	setup(filtered);
	expect("first");
	ck_assert_int_eq(file_read_at(&temp.dir, EXEC_SPEC_FILE, 1 << 20, &data, &len, &err), 0);
	load(&whole);
	for (size_t n = 0; n < len; n++) {
		struct exec_spec spec;

		ck_assert_int_eq(file_replace_at(&temp.dir, EXEC_SPEC_FILE, data, n, 0600,
						 FILE_FAST, &err),
				 0);
		load(&spec);
		ck_assert_str_eq(spec.process.env.items[0], "A=first");
		ck_assert_uint_eq(spec.seccomp.n, whole.seccomp.n);
		exec_spec_fini(&spec);
	}
	exec_spec_fini(&whole);
	temp_remove(&temp);
}
END_TEST

/* exec --process brings its own. */
START_TEST(there_may_be_no_process)
{
	static const char text[] = "{\"ociVersion\": \"1.0.2\", \"process\": null}";
	struct exec_spec spec;
	struct error err;

	temp_make(&temp);
	ck_assert_int_eq(file_replace_at(&temp.dir, "config.json", text, strlen(text), 0644,
					 FILE_FAST, &err),
			 0);
	settle();
	load(&spec);
	ck_assert_uint_eq(spec.process.args.n, 0);
	ck_assert(!is_kept());
	exec_spec_fini(&spec);
	temp_remove(&temp);
}
END_TEST

START_TEST(a_configuration_that_is_wrong_is_told)
{
	struct error err = { 0 };
	struct exec_spec spec;

	setup("\"maskedPaths\": 5");
	ck_assert_int_eq(exec_spec_load(&temp.dir, temp.path, temp.path, &spec, &err), -EINVAL);
	ck_assert_str_eq(err.msg, "config.json:5:26: linux.maskedPaths: expected an array of "
				  "strings, got a number");
	ck_assert(!is_kept());
	temp_remove(&temp);
}
END_TEST

TEST_MAIN("runtime/exec_spec", what_is_kept_is_what_was_read, a_change_of_the_configuration_is_seen,
	  nothing_is_kept_of_what_may_still_be_written, nothing_is_kept_while_somebody_is_at_work,
	  a_torn_file_is_no_hit, there_may_be_no_process, a_configuration_that_is_wrong_is_told)
