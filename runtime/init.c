/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/init.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/stage.h"
#include "base/step.h"
#include "base/sys.h"
#include "base/sys_mount.h"
#include "base/sys_ns.h"
#include "cgroups/cgroup.h"
#include "runtime/devices.h"
#include "runtime/hooks.h"
#include "runtime/namespaces.h"
#include "runtime/notify.h"
#include "runtime/state.h"
#include "runtime/sync.h"
#include "runtime/terminal.h"

#ifndef CLONE_NEWTIME
#	define CLONE_NEWTIME 0x00000080
#endif

/*
 * The container's first process, from clone3(2) to execve(2).  What is done when, and why:
 *
 * - It joins its cgroup before anything else, so that all it does is accounted and limited.
 * - Namespaces to join come before new ones that depend on them; the cgroup namespace is made once
 *   the cgroup is joined, as its root is where the process is at that moment.
 * - The root file system is made with all privileges, and entered.
 * - Privileges go, and the program is looked up (runtime/process.h), before the start gate: a missing
 *   one is create's failure.
 */

static int prepare(struct init_job *job)
{
	sigset_t none;

	step_acting_as(STEP_INIT);
	/* Nobody who shares a pid namespace with us may look into this copy of the runtime. */
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	close_fd(&job->creator_sock);
	close_fd(&job->state_dir);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	/* execve(2) keeps what is ignored, and the creator may well ignore this or that. */
	for (int i = 1; i < NSIG; i++)
		(void)signal(i, SIG_DFL);
	/* Modes are meant as they stand, until the container's own umask is set. */
	(void)umask(0);
	return cloexec_from(3 + job->request->preserve_fds);
}

/* ---- namespaces ------------------------------------------------------------------------------- */

static int join_namespaces(struct init_job *job, struct error *err)
{
	/* The user and pid namespaces are joined before the clone. */
	static const enum spec_namespace_type order[] = {
		SPEC_NS_IPC, SPEC_NS_UTS, SPEC_NS_NETWORK, SPEC_NS_TIME, SPEC_NS_CGROUP,
	};

	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		int fd = job->joined[order[i]];
		int rc;

		if (fd < 0)
			continue;
		rc = sys_setns(fd, namespace_name(order[i])->flag,
			       namespace_path(job->plan->spec, order[i]), err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* A procfs that nobody mounted and nobody can swap: the one that init trusts. */
static int open_proc(struct init_job *job, struct error *err)
{
	const struct sys_mount proc = { .type = "proc" };

	if (job->proc.fd >= 0)
		return 0;
	job->proc.fd = sys_mount_open(&proc, err);
	job->proc.path = "/proc";
	return job->proc.fd < 0 ? job->proc.fd : 0;
}

static void add_offset(struct str *text, const char *clock, const struct spec_time_offset *offset)
{
	if (offset->is_given)
		str_addf(text, "%s %lld %u\n", clock, (long long)offset->secs, offset->nanosecs);
}

/* time_namespaces(7): offsets are written while no process is in it; then we enter it. */
static int enter_time_namespace(struct init_job *job, struct error *err)
{
	const struct spec *spec = job->plan->spec;
	auto_str struct str text = { 0 };
	auto_fd int fd = -1;
	int rc = open_proc(job, err);

	if (rc < 0)
		return rc;
	add_offset(&text, "monotonic", &spec->monotonic);
	add_offset(&text, "boottime", &spec->boottime);
	if (text.len) {
		rc = sys_write_at(&job->proc, "self/timens_offsets", text.text, err);
		if (rc < 0)
			return rc;
	}
	fd = openat(job->proc.fd, "self/ns/time_for_children", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "open the time namespace");
	return sys_setns(fd, CLONE_NEWTIME, "time_for_children", err);
}

static int enter_user_namespace(struct error *err)
{
	/* Until now our ids are the overflow ids; root inside is what the maps make of 0. */
	int rc = sys_become_root(err);

	/* A change of ids resets it to the value of fs.suid_dumpable. */
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	return rc;
}

static int namespaces(void *arg, struct error *err)
{
	struct init_job *job = arg;
	const struct spec *spec = job->plan->spec;
	/* Who has joined a user namespace has done that before (runtime/clone.h). */
	int rc = job->joined[SPEC_NS_USER] < 0 ? cgroup_join_self(job->cgroup, err) : 0;

	if (rc == 0)
		rc = notify_prepare(job->notify, spec->seccomp.listener_metadata, job->state, err);
	if (rc == 0)
		rc = join_namespaces(job, err);
	if (rc == 0 && (job->plan->has_new_user || spec->n_net_devices))
		rc = sync_expect(job->sock, SYNC_GO, NULL, err);
	if (rc == 0 && job->plan->has_new_user)
		rc = enter_user_namespace(err);
	if (rc == 0 && job->plan->late_flags)
		rc = sys_unshare(job->plan->late_flags, err);
	if (rc == 0 && job->plan->late_flags & CLONE_NEWTIME)
		rc = enter_time_namespace(job, err);
	if (rc == 0 && spec->hostname && *spec->hostname)
		rc = sys_sethostname(spec->hostname, err);
	if (rc == 0 && spec->domainname && *spec->domainname)
		rc = sys_setdomainname(spec->domainname, err);
	if (rc == 0 && job->plan->has_new_network)
		rc = sys_loopback_up(err);
	return rc;
}

/* ---- root file system ------------------------------------------------------------------------- */

static int mounts(void *arg, struct error *err)
{
	struct init_job *job = arg;
	int rc = rootfs_open(&job->rootfs, err);

	if (rc == 0)
		rc = rootfs_mount(&job->rootfs, err);
	return rc;
}

static int devices(void *arg, struct error *err)
{
	struct init_job *job = arg;
	const struct spec_process *process = &job->plan->spec->process;
	int rc = devices_make(&job->rootfs, err);

	if (rc < 0 || !process->terminal)
		return rc;
	rc = terminal_open(&job->rootfs.root, process->console_width, process->console_height,
			   &job->pty_master, &job->pty_slave, err);
	return rc < 0 ? rc : devices_console(&job->rootfs, job->pty_slave, err);
}

/* Hooks that run inside are told of init as they see it themselves. */
static int run_hooks(const struct init_job *job, enum spec_hook_point point,
		     enum container_status status, struct error *err)
{
	const struct spec_hooks *hooks = &job->plan->spec->hooks[point];
	struct container_state state = *job->state;
	auto_free char *json = NULL;

	if (!hooks->n)
		return 0;
	state.status = status;
	state.pid = getpid();
	json = state_json(&state, 0);
	return hooks_run(hooks, json, err);
}

static int host_hooks(struct init_job *job, struct error *err)
{
	int rc = 0;

	if (job->has_host_hooks) {
		rc = sync_send(job->sock, SYNC_NAMESPACES, -1, err);
		if (rc == 0)
			rc = sync_expect(job->sock, SYNC_HOOKS_DONE, NULL, err);
	}
	if (rc == 0)
		rc = run_hooks(job, HOOK_CREATE_CONTAINER, CONTAINER_CREATING, err);
	return rc;
}

static int sysctls(void *arg, struct error *err)
{
	struct init_job *job = arg;
	const struct plan *plan = job->plan;
	auto_fd int fd = -1;
	int rc = plan->n_sysctls || job->fifo >= 0 || process_needs_proc(&plan->spec->process)
			 ? open_proc(job, err)
			 : 0;

	if (rc < 0 || !plan->n_sysctls)
		return rc;
	fd = openat(job->proc.fd, "sys", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "open '/proc/sys'");

	const struct dir sys = { .fd = fd, .path = "/proc/sys" };

	for (size_t i = 0; rc == 0 && i < plan->n_sysctls; i++)
		rc = sys_write_at(&sys, plan->sysctls[i].path, plan->sysctls[i].value, err);
	return rc;
}

static int enter(void *arg, struct error *err)
{
	struct init_job *job = arg;
	int rc = host_hooks(job, err);

	if (rc == 0)
		rc = rootfs_mask(&job->rootfs, err);
	if (rc == 0)
		rc = rootfs_enter(&job->rootfs, err);
	return rc;
}

/* ---- process ---------------------------------------------------------------------------------- */

/* As runc has it, for images whose working directory is in no layer. */
static int make_directory(const char *path, struct error *err)
{
	auto_fd int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_fd int found = open_in_root_raw(root, path, O_PATH, 0, 0);
	auto_fd int made = -1;

	if (found != -ENOENT)
		return 0;
	made = make_dirs_in_root(&(struct dir){ .fd = root, .path = "/" }, path, 0755, err);
	return made < 0 ? err_wrap(err, "make working directory '%s'", path) : 0;
}

static int process(void *arg, struct error *err)
{
	struct init_job *job = arg;
	const struct plan *plan = job->plan;
	const struct container_request *request = job->request;
	int rc = make_directory(plan->spec->process.cwd, err);

	if (rc < 0)
		return rc;
	job->process = (struct process_job){
		.spec = &plan->spec->process,
		.caps = &plan->caps,
		.rlimits = plan->rlimits,
		.n_rlimits = plan->n_rlimits,
		.seccomp = job->seccomp,
		.notify = job->notify,
		.personality = plan->spec->personality_domain,
		.memory_policy = &plan->spec->memory_policy,
		.keyring = request->no_new_keyring ? NULL : request->id,
		.proc_fd = job->proc.fd,
		.pty_slave = job->pty_slave,
		.is_limited_by_creator = plan->has_user_namespace,
	};
	memcpy(job->process.stdio, request->stdio, sizeof(job->process.stdio));
	return process_prepare(&job->process, err);
}

/* ---- the gate --------------------------------------------------------------------------------- */

/* Waits until somebody opens the fifo for reading (runtime-spec runtime.md, "Start"). */
static int wait_at_fifo(struct init_job *job, struct error *err)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "self/fd/%d", job->fifo);
	job->gate = openat(job->proc.fd, path, O_WRONLY | O_CLOEXEC);
	if (job->gate < 0)
		return err_sys(err, "wait at the start gate");
	close_fd(&job->fifo);
	return 0;
}

static int wait_for_start(struct init_job *job, struct error *err)
{
	int rc;

	/*
	 * From now on the container outlives who made it, or not: said again in any case, as a change
	 * of ids has taken it back (PR_SET_PDEATHSIG(2const)).  A creator that has died before this
	 * is noticed by the message that follows.
	 */
	(void)prctl(PR_SET_PDEATHSIG, job->request->dies_with_creator ? SIGKILL : 0, 0, 0, 0);
	rc = sync_send(job->sock, SYNC_CREATED, job->pty_master, err);
	close_fd(&job->pty_master);
	if (rc < 0)
		return rc;
	if (job->fifo < 0)
		return sync_expect(job->sock, SYNC_START, NULL, err);
	close_fd(&job->sock);
	return wait_at_fifo(job, err);
}

static int start(struct init_job *job, struct error *err)
{
	int rc = run_hooks(job, HOOK_START_CONTAINER, CONTAINER_CREATED, err);

	if (rc < 0)
		return rc;
	step_phase("exec");
	return process_exec(&job->process, job->request->preserve_fds, err);
}

/* To whoever waits: the creator, or who opened the fifo. */
static void tell(const struct init_job *job, const struct error *err)
{
	if (job->gate >= 0)
		(void)!write(job->gate, err, sizeof(*err));
	else
		sync_send_error(job->sock, err);
}

_Noreturn void init_run(struct init_job *job)
{
	static const struct stage stages[] = {
		{ "namespaces", namespaces, NULL },
		{ "rootfs", mounts, NULL },
		{ "devices", devices, NULL },
		{ "sysctl", sysctls, NULL },
		{ "root", enter, NULL },
		{ "process", process, NULL },
	};
	struct error err = { 0 };
	int rc = prepare(job);

	if (rc < 0)
		(void)err_set(&err, -rc, "close descriptors on exec: %s", err_text(-rc));
	else
		rc = stages_run(stages, ARRAY_LEN(stages), job, &err);
	if (rc == 0)
		rc = wait_for_start(job, &err);
	if (rc == 0)
		rc = start(job, &err);
	tell(job, &err);
	_exit(err.status ? err.status : 125);
}
