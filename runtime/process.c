/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/step.h"
#include "base/sys_sched.h"
#include "runtime/container.h"
#include "runtime/notify.h"
#include "runtime/plan.h"
#include "runtime/program.h"
#include "runtime/schedule.h"
#include "runtime/seccomp.h"
#include "runtime/spec.h"
#include "runtime/terminal.h"
#include "runtime/user.h"

#define UNIX98_PTY_MAJOR 136 /* Documentation/admin-guide/devices.txt */

/* The security label that the program is to run with, of whichever module; NULL: none. */
static const char *label_of(const struct spec_process *p)
{
	if (p->apparmor_profile && *p->apparmor_profile)
		return p->apparmor_profile;
	return p->selinux_label && *p->selinux_label ? p->selinux_label : NULL;
}

bool process_needs_proc(const struct spec_process *spec)
{
	return spec->has_oom_score_adj || label_of(spec);
}

static int set_label(const struct process_job *job, struct error *err)
{
	const char *label = label_of(job->spec);

	if (!label)
		return 0;
	return sys_exec_label(job->proc_fd, label == job->spec->apparmor_profile, label, err);
}

int process_limit(const struct process_job *job, pid_t pid, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < job->n_rlimits; i++)
		rc = sys_rlimit(pid, job->rlimits[i].resource, job->rlimits[i].name,
				job->rlimits[i].soft, job->rlimits[i].hard, err);
	if (rc == 0 && job->spec->has_oom_score_adj)
		rc = sys_oom_score_adj(job->proc_fd, pid, job->spec->oom_score_adj, err);
	return rc;
}

static int set_personality(const char *domain, struct error *err)
{
	if (!domain)
		return 0;
	if (personality(strcmp(domain, "LINUX32") == 0 ? PER_LINUX32 : PER_LINUX) < 0)
		return err_sys(err, "set personality '%s'", domain);
	return 0;
}

/*
 * The root of the container could change the mode of the host's node by a descriptor of it, so it
 * gets one of its own node.
 */
static int adopt_null(int target, struct error *err)
{
	auto_fd int fd = open("/dev/null", O_RDWR | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return err_sys(err, "open '/dev/null'");
	if (fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
		return err_set(err, ENODEV, "open '/dev/null': is not the null device");
	if (dup2(fd, target) < 0)
		return err_sys(err, "use '/dev/null' as descriptor %d", target);
	return 0;
}

static int start_session(const struct process_job *job, struct error *err)
{
	if (setsid() < 0)
		return err_sys(err, "start a session");
	if (job->pty_slave >= 0)
		return terminal_adopt(job->pty_slave, err);
	for (int i = 0; i < 3; i++) {
		int rc = 0;

		if (job->stdio[i] == CONTAINER_STDIO_NULL)
			rc = adopt_null(i, err);
		else if (job->stdio[i] >= 0 && dup2(job->stdio[i], i) < 0)
			rc = err_sys(err, "use descriptor %d as %d", job->stdio[i], i);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/*
 * A program opens /dev/stdout anew, which checks the pipe's or terminal's owner: they become the
 * user's.  Devices and files stay whose they are: they may be the host's.
 */
static int give_stdio(const struct user *user, struct error *err)
{
	for (int i = 0; i < 3 && user->uid != 0; i++) {
		struct stat st;
		bool is_pty;

		if (fstat(i, &st) < 0)
			continue;
		is_pty = S_ISCHR(st.st_mode) && major(st.st_rdev) == UNIX98_PTY_MAJOR;
		if (!is_pty && !S_ISFIFO(st.st_mode))
			continue;
		/* In a user namespace the pipe's owner may be one that is not mapped. */
		if (fchown(i, user->uid, (gid_t)-1) < 0 && errno != EPERM && errno != EINVAL)
			return err_sys(err, "give descriptor %d to user %u", i, user->uid);
	}
	return 0;
}

/* The process's ids: numbers of the config, or the engine's text looked up in the container. */
static int find_user(const struct spec_process *process, struct user *ret, struct error *err)
{
	if (process->username && *process->username)
		return user_resolve_here(process->username, ret, err);
	*ret = (struct user){ .uid = process->uid, .gid = process->gid };
	ret->groups = xcalloc(process->n_additional_gids, sizeof(gid_t));
	ret->n_groups = process->n_additional_gids;
	for (size_t i = 0; i < ret->n_groups; i++)
		ret->groups[i] = process->additional_gids[i];
	return 0;
}

static int set_privileges(const struct process_job *job, const struct user *user, struct error *err)
{
	struct sys_caps caps = *job->caps;
	int rc;

	/* Another user than root has no capabilities but ambient ones, as execve(2) would leave it. */
	if (user->uid != 0) {
		caps.effective = caps.ambient;
		caps.permitted = caps.ambient | caps.inheritable;
	}
	rc = sys_drop_bounding(&caps, err);
	if (rc == 0)
		rc = sys_keep_caps(true, err);
	if (rc == 0)
		rc = sys_set_ids(user->uid, user->gid, user->groups, user->n_groups, err);
	if (rc == 0)
		rc = sys_keep_caps(false, err);
	return rc < 0 ? rc : sys_set_caps(&caps, err);
}

static int load_filter(const struct process_job *job, struct error *err)
{
	const struct seccomp_program *p = job->seccomp;

	int rc;

	if (!p->n)
		return 0;
	rc = sys_seccomp(p->filter, p->n, p->flags, p->n_syscalls, err);
	return rc < 0 || !p->is_notifying ? rc : notify_send(job->notify, rc, err);
}

/* Not by way of a descriptor of ours: links in procfs that lead to one are not followed. */
static int open_directory(const char *cwd, struct error *err)
{
	auto_fd int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct dir root = { .fd = fd, .path = "/" };

	if (fd < 0)
		return err_sys(err, "open '/'");
	return open_in_root(&root, cwd, O_PATH | O_DIRECTORY, 0, err);
}

/* Proved to be inside of the root: the kernel's own text begins with "(unreachable)" if it is not. */
static int change_directory(const char *cwd, struct error *err)
{
	const struct step step = step_begin();
	auto_fd int fd = open_directory(cwd, err);
	char buf[PATH_MAX];

	if (fd < 0)
		return err_wrap(err, "change to directory '%s'", cwd);
	if (fchdir(fd) < 0)
		return err_sys(err, "change to directory '%s'", cwd);
	if (syscall(SYS_getcwd, buf, sizeof(buf)) < 0 || buf[0] != '/')
		return err_set(err, EPERM, "change to directory '%s': is outside of the container",
			       cwd);
	step_end(&step, 0, "cd", cwd, NULL);
	return 0;
}

static void make_environment(struct process_job *job, const struct user *user)
{
	auto_free char *home = NULL;

	strv_copy(&job->env, &job->spec->env);
	if (strv_getenv(&job->env, "HOME"))
		return;
	if (!user->home)
		home = user_home_here(user->uid);
	strv_setenv(&job->env, "HOME", user->home ? user->home : home);
}

/* Everything about the process but who it is. */
static int set_surroundings(const struct process_job *job, const struct user *user,
			    struct error *err)
{
	const struct spec_memory_policy *memory = job->memory_policy;
	const struct spec_process *p = job->spec;
	int rc = set_label(job, err);

	if (rc == 0 && job->keyring)
		rc = sys_session_keyring(job->keyring, err);
	if (rc == 0)
		rc = start_session(job, err);
	if (rc == 0)
		rc = give_stdio(user, err);
	if (rc == 0 && !job->is_limited_by_creator)
		rc = process_limit(job, 0, err);
	if (rc == 0)
		rc = schedule_apply(p, err);
	if (rc == 0)
		rc = set_personality(job->personality, err);
	if (rc == 0 && memory->is_given)
		rc = sys_memory_policy(memory->mode, memory->flags, memory->nodes, err);
	if (rc == 0)
		rc = change_directory(p->cwd, err);
	(void)umask(p->has_umask ? p->umask : 022);
	return rc;
}

int process_prepare(struct process_job *job, struct error *err)
{
	const struct spec_process *p = job->spec;
	struct user user = { 0 };
	int rc = find_user(p, &user, err);

	if (rc == 0)
		rc = set_surroundings(job, &user, err);
	if (rc == 0)
		make_environment(job, &user);
	if (rc == 0 && !p->no_new_privileges)
		rc = load_filter(job, err);
	if (rc == 0)
		rc = set_privileges(job, &user, err);
	if (rc == 0 && p->no_new_privileges)
		rc = sys_no_new_privs(err);
	if (rc == 0)
		rc = program_find(p->args.items[0], &job->env, &job->program, err);
	user_fini(&user);
	return rc;
}

int process_exec(const struct process_job *job, int preserve_fds, struct error *err)
{
	int rc = 0;

	(void)cloexec_from(3 + preserve_fds);
	if (job->spec->no_new_privileges)
		rc = load_filter(job, err);
	if (rc < 0)
		return rc;
	rc = sys_exec(job->program, job->spec->args.items, job->env.items, err);
	return err_exit(err, rc == -ENOENT || rc == -ENOTDIR ? 127 : 126);
}
