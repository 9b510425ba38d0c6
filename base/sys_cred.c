/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sys_cred.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <sys/capability.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/step.h"
#include "base/str.h"

/* Records a prefix of the final command; words ended by NULL. */
static void end_wrap(const struct step *step, int rc, const char *const words[])
{
	auto_strv struct strv argv = { 0 };

	if (!step_is_on())
		return;
	for (size_t i = 0; words[i]; i++)
		strv_add(&argv, words[i]);
	step_end_argv(step, rc, STEP_WRAP, strv_items(&argv), NULL);
}

static void limit_text(uint64_t value, char *buf, size_t size)
{
	if (value == RLIM_INFINITY)
		(void)snprintf(buf, size, "unlimited");
	else
		(void)snprintf(buf, size, "%" PRIu64, value);
}

int sys_rlimit(pid_t pid, int resource, const char *name, uint64_t soft, uint64_t hard,
	       struct error *err)
{
	const struct rlimit wanted = { .rlim_cur = soft, .rlim_max = hard };
	struct rlimit now = { 0 };
	struct step step = step_begin();
	char soft_text[24], hard_text[24], option[80];
	int rc = prlimit(pid, (__rlimit_resource_t)resource, &wanted, NULL) < 0 ? -errno : 0;

	if (rc == -EPERM && prlimit(pid, (__rlimit_resource_t)resource, NULL, &now) == 0 &&
	    now.rlim_cur == soft && now.rlim_max == hard)
		rc = 0;

	limit_text(soft, soft_text, sizeof(soft_text));
	limit_text(hard, hard_text, sizeof(hard_text));
	if (step_is_on()) {
		(void)snprintf(option, sizeof(option), "--%s=%s:%s", name + strlen("RLIMIT_"),
			       soft_text, hard_text);
		for (char *p = option; *p && *p != '='; p++)
			*p = (char)(*p >= 'A' && *p <= 'Z' ? *p - 'A' + 'a' : *p);
		end_wrap(&step, rc, (const char *const[]){ "prlimit", option, NULL });
	}
	if (rc == -EPERM) {
		limit_text(now.rlim_max, option, sizeof(option));
		return err_set(err, EPERM,
			       "set %s to %s:%s: the host's hard limit is %s and CAP_SYS_RESOURCE "
			       "is missing",
			       name, soft_text, hard_text, option);
	}
	if (rc < 0)
		return err_set(err, -rc, "set %s to %s:%s: %s", name, soft_text, hard_text,
			       err_text(-rc));
	return 0;
}

static int write_score(int proc_fd, pid_t pid, int score)
{
	auto_fd int fd = -1;
	char text[40] = "self/oom_score_adj";
	ssize_t n;
	int rc;

	if (pid)
		(void)snprintf(text, sizeof(text), "%d/oom_score_adj", pid);
	fd = openat(proc_fd, text, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	(void)snprintf(text, sizeof(text), "%d", score);
	if (write(fd, text, strlen(text)) >= 0)
		return 0;
	rc = -errno;
	n = pread(fd, text, sizeof(text) - 1, 0);
	if (n <= 0)
		return rc;
	text[n] = '\0';
	return strtol(text, NULL, 10) == score ? 0 : rc;
}

int sys_oom_score_adj(int proc_fd, pid_t pid, int score, struct error *err)
{
	struct step step = step_begin();
	char text[16];
	int rc = write_score(proc_fd, pid, score);

	(void)snprintf(text, sizeof(text), "%d", score);
	step_end_write(&step, rc, text, "/proc/self", "oom_score_adj");
	if (rc == -EACCES || rc == -EPERM)
		return err_set(err, -rc,
			       "set oom_score_adj to %d: lowering it needs CAP_SYS_RESOURCE",
			       score);
	if (rc < 0)
		return err_set(err, -rc, "set oom_score_adj to %d: %s", score, err_text(-rc));
	return 0;
}

static void end_ids(const struct step *step, uid_t uid, gid_t gid, const gid_t *groups, size_t n)
{
	auto_free char *uid_text = xasprintf("--reuid=%u", uid);
	auto_free char *gid_text = xasprintf("--regid=%u", gid);
	auto_str struct str list = { 0 };

	for (size_t i = 0; i < n; i++)
		str_addf(&list, "%s%u", i ? "," : "--groups=", groups[i]);
	end_wrap(step, 0,
		 (const char *const[]){ "setpriv", uid_text, gid_text,
					n ? list.text : "--clear-groups", NULL });
}

int sys_set_ids(uid_t uid, gid_t gid, const gid_t *groups, size_t n_groups, struct error *err)
{
	struct step step = step_begin();

	if (setgroups(n_groups, groups) < 0)
		return err_sys(err, "set %zu supplementary groups", n_groups);
	if (setresgid(gid, gid, gid) < 0)
		return err_sys(err, "set gid %u", gid);
	if (setresuid(uid, uid, uid) < 0)
		return err_sys(err, "set uid %u", uid);
	if (step_is_on())
		end_ids(&step, uid, gid, groups, n_groups);
	return 0;
}

int sys_become_root(struct error *err)
{
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return err_sys(err, "become root of the user namespace");
	step_note("ids: root of the user namespace");
	return 0;
}

static const char *cap_name(int cap, char *buf, size_t size)
{
	char *name = cap_to_name(cap);

	(void)snprintf(buf, size, "%s", name ? name : "?");
	(void)cap_free(name);
	return buf;
}

/* "-all,+chown,+setuid": setpriv(1)'s form of a set. */
static char *set_text(const char *option, uint64_t set)
{
	struct str out = { 0 };

	str_addf(&out, "%s=-all", option);
	for (int cap = 0; cap < 64; cap++) {
		char name[64];

		if (set & 1ULL << cap)
			str_addf(&out, ",+%s", cap_name(cap, name, sizeof(name)) + strlen("cap_"));
	}
	return str_take(&out);
}

int sys_drop_bounding(const struct sys_caps *caps, struct error *err)
{
	struct step step = step_begin();

	for (int cap = 0; cap < 64; cap++) {
		if (caps->bounding & 1ULL << cap || prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0)
			continue;
		/* Beyond the last capability of this kernel. */
		if (errno == EINVAL)
			break;
		/* Without CAP_SETPCAP what is missing already need not be dropped. */
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) != 0)
			return err_set(err, EPERM, "drop capability %d from the bounding set: %s",
				       cap, err_text(EPERM));
	}
	if (step_is_on()) {
		auto_free char *text = set_text("--bounding-set", caps->bounding);

		end_wrap(&step, 0, (const char *const[]){ "setpriv", text, NULL });
	}
	return 0;
}

int sys_keep_caps(bool is_kept, struct error *err)
{
	if (prctl(PR_SET_KEEPCAPS, is_kept, 0, 0, 0) < 0)
		return err_sys(err, "keep capabilities");
	return 0;
}

/* The lowest wanted capability that this process cannot have, or -1. */
static int missing_cap(const struct sys_caps *caps)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };
	uint64_t have;
	uint64_t lack;

	if (capget(&header, data) < 0)
		return -1;
	have = data[0].permitted | (uint64_t)data[1].permitted << 32;
	lack = (caps->permitted | caps->effective) & ~have;
	return lack ? __builtin_ctzll(lack) : -1;
}

int sys_set_caps(const struct sys_caps *caps, struct error *err)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };
	struct step step = step_begin();
	char name[64];

	for (int i = 0; i < 2; i++) {
		data[i].effective = (uint32_t)(caps->effective >> (32 * i));
		data[i].permitted = (uint32_t)(caps->permitted >> (32 * i));
		data[i].inheritable = (uint32_t)(caps->inheritable >> (32 * i));
	}
	if (capset(&header, data) < 0) {
		int saved = errno;
		int cap = missing_cap(caps);

		errno = saved;
		if (cap >= 0)
			return err_sys(err, "give capability '%s', which this host does not have",
				       cap_name(cap, name, sizeof(name)));
		return err_sys(err, "set capabilities");
	}
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return err_sys(err, "clear ambient capabilities");
	for (int cap = 0; cap < 64; cap++) {
		if (caps->ambient & 1ULL << cap &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
			return err_sys(err, "raise ambient capability '%s'",
				       cap_name(cap, name, sizeof(name)));
	}
	if (step_is_on()) {
		auto_free char *inheritable = set_text("--inh-caps", caps->inheritable);
		auto_free char *ambient = set_text("--ambient-caps", caps->ambient);

		end_wrap(&step, 0, (const char *const[]){ "setpriv", inheritable, ambient, NULL });
	}
	return 0;
}

int sys_no_new_privs(struct error *err)
{
	struct step step = step_begin();
	int rc = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;

	end_wrap(&step, rc, (const char *const[]){ "setpriv", "--no-new-privs", NULL });
	return rc < 0 ? err_set(err, -rc, "set no_new_privs: %s", err_text(-rc)) : 0;
}

/* Linux 5.8 gave AppArmor a file of its own; before, all modules shared attr/exec. */
static int write_label(int proc_fd, bool is_apparmor, const char *text)
{
	auto_fd int fd = -1;

	if (is_apparmor)
		fd = openat(proc_fd, "self/attr/apparmor/exec", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		fd = openat(proc_fd, "self/attr/exec", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

int sys_exec_label(int proc_fd, bool is_apparmor, const char *label, struct error *err)
{
	const char *module = is_apparmor ? "apparmor" : "selinux";
	auto_free char *text = xasprintf("%s%s", is_apparmor ? "exec " : "", label);
	struct step step = step_begin();
	int rc = write_label(proc_fd, is_apparmor, text);

	step_end_write(&step, rc, text, "/proc/self/attr", "exec");
	/* EINVAL: no security module takes what is written there. */
	if (rc == -ENOENT || rc == -EINVAL || rc == -EOPNOTSUPP)
		return err_set(err, ENOTSUP,
			       "apply %s label '%s': this host does not have that module, or not "
			       "that label",
			       module, label);
	if (rc < 0)
		return err_set(err, -rc, "apply %s label '%s': %s", module, label, err_text(-rc));
	return 0;
}

int sys_session_keyring(const char *name, struct error *err)
{
	long rc = syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name);

	/* A kernel without keyrings has none to share. */
	if (rc < 0 && errno != ENOSYS)
		return err_sys(err, "make session keyring '%s'", name);
	step_note("keyctl session %s", name);
	return 0;
}

int sys_seccomp(const struct sock_filter *filter, unsigned short n, unsigned int flags,
		size_t n_syscalls, struct error *err)
{
	struct sock_fprog program = { .len = n };
	long rc;

	/* seccomp(2) only reads the filter, which the type of its argument cannot say. */
	memcpy(&program.filter, &filter, sizeof(filter));
	step_note("seccomp: load filter, %zu syscalls, %u instructions", n_syscalls, n);
	rc = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
	if (rc < 0)
		return err_sys(err, "load seccomp filter of %u instructions", n);
	return flags & SECCOMP_FILTER_FLAG_NEW_LISTENER ? (int)rc : 0;
}

int sys_exec(const char *path, char *const argv[], char *const envp[], struct error *err)
{
	auto_strv struct strv env = { 0 };

	if (step_is_on()) {
		strv_add(&env, "env");
		strv_add(&env, "-i");
		for (size_t i = 0; envp[i]; i++)
			strv_add(&env, envp[i]);
		step_end_argv(NULL, 0, STEP_WRAP, strv_items(&env), NULL);
		step_end_argv(NULL, 0, STEP_EXEC, argv, NULL);
	}
	(void)execve(path, argv, envp);
	return err_sys(err, "exec %s", path);
}
