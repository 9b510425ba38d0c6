/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <seccomp.h>
#include <sys/capability.h>

#include "base/mem.h"
#include "base/path.h"
#include "tests/unit/base/temp.h"
#include "tests/unit/runtime/seccomp_ask.h"
#include "tests/unit/test.h"

static const char *action_text(uint32_t action)
{
	static char other[32];

	switch (action) {
	case SECCOMP_RET_ALLOW:
		return "allow";
	case SECCOMP_RET_ERRNO | EPERM:
		return "EPERM";
	case SECCOMP_RET_ERRNO | ENOSYS:
		return "ENOSYS";
	default:
		(void)snprintf(other, sizeof(other), "%#x", action);
		return other;
	}
}

/* ---- docker's rules, as they are by default --------------------------------------------------- */

static void default_program(const char *more, struct seccomp_program *ret)
{
	struct spec_seccomp rules = { 0 };
	struct strv caps = { 0 };

	for (size_t i = 0; spec_default_caps[i]; i++)
		strv_add(&caps, spec_default_caps[i]);
	if (more)
		strv_add(&caps, more);
	seccomp_default(&caps, &rules);
	compile(&rules, ret);
	spec_seccomp_fini(&rules);
	strv_fini(&caps);
}

static const char *answer(const struct seccomp_program *p, uint32_t arch, unsigned int nr)
{
	uint32_t first = ask(p, arch, nr, probes[0]);

	for (size_t i = 1; i < ARRAY_LEN(probes); i++) {
		if (ask(p, arch, nr, probes[i]) != first)
			return "arguments";
	}
	return action_text(first);
}

#define NUMBERS 480U /* beyond the last call of any architecture */

/* "0 read allow", a line for each number. */
static char *table_of(const struct seccomp_program *p, uint32_t scmp_arch, uint32_t audit_arch)
{
	struct str out = { 0 };

	for (unsigned int nr = 0; nr < NUMBERS; nr++) {
		auto_free char *name = seccomp_syscall_resolve_num_arch(scmp_arch, (int)nr);

		str_addf(&out, "%u %s %s\n", nr, name ? name : "-", answer(p, audit_arch, nr));
	}
	return str_take(&out);
}

/* The table is tests/data/seccomp/NAME; SECCOMP_WRITE=1 writes it anew, to be reviewed. */
static void check_table(const char *name, const char *got)
{
	auto_free char *path = xasprintf("%s/seccomp/%s", getenv("TEST_DATA"), name);
	auto_free char *wanted = NULL;
	auto_strv struct strv got_lines = { 0 };
	auto_strv struct strv wanted_lines = { 0 };
	struct error err;

	if (getenv("SECCOMP_WRITE")) {
		const struct dir here = { .fd = AT_FDCWD, .path = "" };

		ck_assert_int_eq(
			file_replace_at(&here, path, got, strlen(got), 0644, FILE_FAST, &err), 0);
		return;
	}
	ck_assert_msg(file_read(path, 1 << 20, &wanted, NULL, &err) == 0, "%s", err.msg);
	strv_split(&got_lines, got, '\n');
	strv_split(&wanted_lines, wanted, '\n');
	for (size_t i = 0; i < MIN(got_lines.n, wanted_lines.n); i++)
		ck_assert_msg(str_eq(got_lines.items[i], wanted_lines.items[i]),
			      "%s:%zu: got '%s', wanted '%s'", name, i + 1, got_lines.items[i],
			      wanted_lines.items[i]);
	ck_assert_uint_eq(got_lines.n, wanted_lines.n);
}

START_TEST(default_table_of_x86_64)
{
	struct seccomp_program p = { 0 };
	auto_free char *got = NULL;

	default_program(NULL, &p);
	got = table_of(&p, SCMP_ARCH_X86_64, AUDIT_ARCH_X86_64);
	check_table("x86_64.txt", got);
	seccomp_program_fini(&p);
}
END_TEST

START_TEST(default_table_of_i386)
{
	struct seccomp_program p = { 0 };
	auto_free char *got = NULL;

	default_program(NULL, &p);
	got = table_of(&p, SCMP_ARCH_X86, AUDIT_ARCH_I386);
	check_table("i386.txt", got);
	seccomp_program_fini(&p);
}
END_TEST

/* x32 has the numbers of x86_64 with a bit set, and from 512 on its own. */
START_TEST(x32_is_no_way_around)
{
	struct seccomp_program p = { 0 };

	default_program(NULL, &p);
	for (unsigned int nr = 0; nr < NUMBERS; nr++) {
		const char *plain = answer(&p, AUDIT_ARCH_X86_64, nr);
		const char *x32 = answer(&p, AUDIT_ARCH_X86_64, nr | 0x40000000U);

		if (!str_eq(x32, plain) && !str_eq(x32, "EPERM"))
			ck_abort_msg("%u: %s, as x32 %s", nr, plain, x32);
	}
	seccomp_program_fini(&p);
}
END_TEST

START_TEST(other_architectures_are_refused)
{
	static const uint32_t others[] = { AUDIT_ARCH_AARCH64, AUDIT_ARCH_ARM, AUDIT_ARCH_PPC64LE,
					   0, UINT32_MAX };
	struct seccomp_program p = { 0 };

	default_program(NULL, &p);
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		for (unsigned int nr = 0; nr < NUMBERS; nr++)
			if (ask(&p, others[i], nr, NULL) != SECCOMP_RET_KILL_THREAD)
				ck_abort_msg("%#x: %u", others[i], nr);
	}
	seccomp_program_fini(&p);
}
END_TEST

/* ---- what depends on arguments ---------------------------------------------------------------- */

static uint32_t ask_first(const struct seccomp_program *p, const char *call, uint64_t arg)
{
	const uint64_t args[6] = { arg };
	int nr = seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86_64, call);

	ck_assert_int_ge(nr, 0);
	return ask(p, AUDIT_ARCH_X86_64, (unsigned int)nr, args);
}

START_TEST(socket_families)
{
	struct seccomp_program p = { 0 };

	default_program(NULL, &p);
	for (unsigned int family = 0; family <= 64; family++) {
		bool is_denied = family == 38 /* AF_ALG */ || family == 40 /* AF_VSOCK */;

		ck_assert_msg(ask_first(&p, "socket", family) ==
				      (is_denied ? SECCOMP_RET_ERRNO | EPERM : SECCOMP_RET_ALLOW),
			      "family %u", family);
	}
	/* The 32-bit call of all socket calls hides its arguments behind a pointer. */
	ck_assert_uint_eq(ask(&p, AUDIT_ARCH_I386, 102, NULL), SECCOMP_RET_ERRNO | EPERM);
	seccomp_program_fini(&p);
}
END_TEST

START_TEST(clone_flags)
{
	static const uint64_t denied[] = { CLONE_NEWNS,    CLONE_NEWUTS, CLONE_NEWIPC,
					   CLONE_NEWUSER,  CLONE_NEWPID, CLONE_NEWNET,
					   CLONE_NEWCGROUP };
	static const uint64_t allowed[] = {
		0,
		SIGCHLD,
		CLONE_VM | CLONE_VFORK | SIGCHLD,
		CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
			CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID,
	};
	struct seccomp_program plain = { 0 };
	struct seccomp_program admin = { 0 };

	default_program(NULL, &plain);
	default_program("CAP_SYS_ADMIN", &admin);
	for (size_t i = 0; i < ARRAY_LEN(denied); i++) {
		ck_assert_uint_eq(ask_first(&plain, "clone", denied[i] | SIGCHLD),
				  SECCOMP_RET_ERRNO | EPERM);
		ck_assert_uint_eq(ask_first(&admin, "clone", denied[i] | SIGCHLD),
				  SECCOMP_RET_ALLOW);
	}
	for (size_t i = 0; i < ARRAY_LEN(allowed); i++)
		ck_assert_uint_eq(ask_first(&plain, "clone", allowed[i]), SECCOMP_RET_ALLOW);
	/* Its flags are in memory, where a filter cannot look: C libraries fall back to clone. */
	ck_assert_uint_eq(ask_first(&plain, "clone3", 0), SECCOMP_RET_ERRNO | ENOSYS);
	ck_assert_uint_eq(ask_first(&admin, "clone3", 0), SECCOMP_RET_ALLOW);
	seccomp_program_fini(&plain);
	seccomp_program_fini(&admin);
}
END_TEST

START_TEST(personalities)
{
	static const uint64_t allowed[] = { 0, 8, 0x20000, 0x20008, 0xffffffff };
	static const uint64_t denied[] = { 1, 0x0040000 /* ADDR_NO_RANDOMIZE */, 0x20001,
					   0x100000000 };
	struct seccomp_program p = { 0 };

	default_program(NULL, &p);
	for (size_t i = 0; i < ARRAY_LEN(allowed); i++)
		ck_assert_uint_eq(ask_first(&p, "personality", allowed[i]), SECCOMP_RET_ALLOW);
	for (size_t i = 0; i < ARRAY_LEN(denied); i++)
		ck_assert_uint_eq(ask_first(&p, "personality", denied[i]),
				  SECCOMP_RET_ERRNO | EPERM);
	seccomp_program_fini(&p);
}
END_TEST

/* A line for each capability that brings calls with it: which. */
START_TEST(calls_by_capability)
{
	struct seccomp_program plain = { 0 };
	struct str got = { 0 };

	default_program(NULL, &plain);
	for (int cap = 0; cap <= CAP_LAST_CAP; cap++) {
		struct seccomp_program p = { 0 };
		char *name = cap_to_name(cap);
		auto_free char *upper = xstrdup(name);
		bool is_first = true;

		for (char *c = upper; *c; c++)
			*c = (char)toupper(*c);
		default_program(upper, &p);
		for (unsigned int nr = 0; nr < NUMBERS; nr++) {
			auto_free char *call =
				seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, (int)nr);
			auto_free char *before = xstrdup(answer(&plain, AUDIT_ARCH_X86_64, nr));
			const char *after = answer(&p, AUDIT_ARCH_X86_64, nr);

			if (str_eq(before, after))
				continue;
			str_addf(&got, "%s%s %s", is_first ? upper : "", is_first ? ":" : "", call);
			if (!str_eq(after, "allow"))
				str_addf(&got, "(%s)", after);
			is_first = false;
		}
		if (!is_first)
			str_add(&got, "\n");
		(void)cap_free(name);
		seccomp_program_fini(&p);
	}
	check_table("capabilities.txt", got.text);
	str_fini(&got);
	seccomp_program_fini(&plain);
}
END_TEST

/* ---- the cache -------------------------------------------------------------------------------- */

static char *only_file(const struct temp *temp)
{
	DIR *dir = opendir(temp->path);
	const struct dirent *entry;
	char *name = NULL;

	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		ck_assert_ptr_null(name);
		name = xstrdup(entry->d_name);
	}
	(void)closedir(dir);
	ck_assert_ptr_nonnull(name);
	return name;
}

static void get_cached(const struct temp *temp, const char *rules, struct seccomp_program *ret)
{
	auto_spec struct spec spec = { 0 };
	struct error err = { 0 };

	read_rules(rules, &spec);
	ck_assert_int_eq(seccomp_program_get(&spec.seccomp, &temp->dir, ret, &err), 0);
}

static const char one_rule[] = "{'names': ['read'], 'action': 'SCMP_ACT_KILL'}";

START_TEST(a_hit_is_what_was_compiled)
{
	struct seccomp_program first = { 0 }, second = { 0 };
	auto_free char *name = NULL;
	struct temp temp;
	struct stat st;

	temp_make(&temp);
	get_cached(&temp, one_rule, &first);
	name = only_file(&temp);
	ck_assert_int_eq(fstatat(temp.dir.fd, name, &st, 0), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	/* It is read, not made again: its last instruction, "allow", is turned into "errno 5". */
	{
		const struct sock_filter changed = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 5);
		int fd = openat(temp.dir.fd, name, O_WRONLY | O_CLOEXEC);

		ck_assert_int_eq(pwrite(fd, &changed, sizeof(changed),
					st.st_size - (off_t)sizeof(changed)),
				 sizeof(changed));
		close_fd(&fd);
	}
	get_cached(&temp, one_rule, &second);
	ck_assert_uint_eq(second.n, first.n);
	ck_assert_uint_eq(second.filter[second.n - 1].k, SECCOMP_RET_ERRNO | 5);
	seccomp_program_fini(&first);
	seccomp_program_fini(&second);
	temp_remove(&temp);
}
END_TEST

static void damage(const struct temp *temp, const char *name, int how)
{
	auto_fd int fd = openat(temp->dir.fd, name, O_RDWR | O_CLOEXEC);
	struct stat st;

	ck_assert_int_eq(fstat(fd, &st), 0);
	switch (how) {
	case 0:
		ck_assert_int_eq(ftruncate(fd, 0), 0);
		break;
	case 1:
		ck_assert_int_eq(ftruncate(fd, st.st_size - 3), 0);
		break;
	case 2: /* without instructions */
		ck_assert_int_eq(ftruncate(fd, st.st_size / 2), 0);
		break;
	case 3: /* other rules that came to the same name */
		ck_assert_int_eq(pwrite(fd, "x", 1, 20), 1);
		break;
	case 4:
		ck_assert_int_eq(fchmod(fd, 0666), 0);
		break;
	case 5: /* as long as it likes */
		ck_assert_int_eq(ftruncate(fd, 2 << 20), 0);
		break;
	case 6:
		ck_assert_int_eq(unlinkat(temp->dir.fd, name, 0), 0);
		ck_assert_int_eq(mkfifoat(temp->dir.fd, name, 0600), 0);
		break;
	default:
		ck_assert_int_eq(unlinkat(temp->dir.fd, name, 0), 0);
		ck_assert_int_eq(symlinkat("/dev/zero", temp->dir.fd, name), 0);
		break;
	}
}

START_TEST(a_damaged_file_is_no_hit)
{
	for (int how = 0; how < 8; how++) {
		struct seccomp_program first = { 0 }, second = { 0 };
		auto_free char *name = NULL;
		struct temp temp;

		temp_make(&temp);
		get_cached(&temp, one_rule, &first);
		name = only_file(&temp);
		damage(&temp, name, how);
		get_cached(&temp, one_rule, &second);
		ck_assert_uint_eq(second.n, first.n);
		ck_assert_mem_eq(second.filter, first.filter, first.n * sizeof(*first.filter));
		seccomp_program_fini(&first);
		seccomp_program_fini(&second);
		temp_remove(&temp);
	}
}
END_TEST

/* Rules that differ must not come to one text: a blank in a name is no border between two. */
START_TEST(different_rules_have_different_programs)
{
	static const char *const pairs[][2] = {
		{ "{'names': ['read', 'write'], 'action': 'SCMP_ACT_KILL'}",
		  "{'names': ['read write'], 'action': 'SCMP_ACT_KILL'}" },
		{ "{'names': ['read'], 'action': 'SCMP_ACT_ERRNO', 'errnoRet': 1}",
		  "{'names': ['read'], 'action': 'SCMP_ACT_ERRNO', 'errnoRet': 2}" },
		{ "{'names': ['read'], 'action': 'SCMP_ACT_KILL', 'args': "
		  "[{'index': 0, 'value': 1, 'op': 'SCMP_CMP_EQ'}]}",
		  "{'names': ['read'], 'action': 'SCMP_ACT_KILL', 'args': "
		  "[{'index': 0, 'value': 11, 'op': 'SCMP_CMP_EQ'}]}" },
		{ "{'names': ['read'], 'action': 'SCMP_ACT_KILL'}, "
		  "{'names': ['write'], 'action': 'SCMP_ACT_TRAP'}",
		  "{'names': ['read\\nSCMP_ACT_TRAP 0 0 write'], 'action': 'SCMP_ACT_KILL'}" },
	};

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		struct seccomp_program first = { 0 }, second = { 0 };
		struct temp temp;

		temp_make(&temp);
		get_cached(&temp, pairs[i][0], &first);
		get_cached(&temp, pairs[i][1], &second);
		ck_assert_msg(first.n != second.n || memcmp(first.filter, second.filter,
							    first.n * sizeof(*first.filter)) != 0,
			      "%s and %s", pairs[i][0], pairs[i][1]);
		seccomp_program_fini(&first);
		seccomp_program_fini(&second);
		temp_remove(&temp);
	}
}
END_TEST

TEST_MAIN("runtime/seccomp", default_table_of_x86_64, default_table_of_i386, x32_is_no_way_around,
	  other_architectures_are_refused, socket_families, clone_flags, personalities,
	  calls_by_capability, a_hit_is_what_was_compiled, a_damaged_file_is_no_hit,
	  different_rules_have_different_programs)
