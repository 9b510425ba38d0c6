/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/sock.h"
#include "base/step.h"
#include "base/sys_ns.h"
#include "base/sys_sched.h"
#include "cgroups/cgroup.h"
#include "runtime/container.h"
#include "runtime/exec_spec.h"
#include "runtime/namespaces.h"
#include "runtime/notify.h"
#include "runtime/plan.h"
#include "runtime/process.h"
#include "runtime/seccomp.h"
#include "runtime/spec.h"
#include "runtime/state.h"
#include "runtime/sync.h"
#include "runtime/terminal.h"

/*
 * How a process gets into a container:
 *
 *   caller                                     process
 *   joins the pid namespace, clone3() -------> is in the pid namespace and in the v2 cgroup
 *   returns to its own                         joins the v1 cgroups: accounted before it acts
 *                                              setns(init's pidfd, all other namespaces)
 *   [exec_terminal() <------------------------ SYNC_CREATED, with the pty's master end]
 *   [exec_await() ---------------------------> SYNC_START]
 *                                              privileges, lookup of the program
 *   exec_await() <---------------------------- SYNC_EXEC, then the end of the connection
 *
 * Before execve(2) it is a copy of the runtime that the container's processes can see.  What keeps
 * them off: it cannot be dumped, so that neither /proc/PID/exe, fd, root nor mem can be opened and
 * nobody attaches to it (CVE-2016-9962); all descriptors close on exec, and none of them can be
 * named as a working directory (CVE-2024-21626).  That the program file itself may be the runtime's
 * ("#!/proc/self/exe", CVE-2019-5736) is for the caller: see base/sys_exe.h.
 */
struct exec_target {
	char *id;
	pid_t pid; /* of init */
	int pidfd;
	unsigned long namespaces; /* CLONE_NEW* to join */
	struct exec_spec spec;
	struct container_state state; /* for him */
	struct cgroup_host *host;
	struct cgroup *cgroup;
};

/* ---- the container ---------------------------------------------------------------------------- */

void exec_target_free(struct exec_target *target)
{
	if (!target)
		return;
	close_fd(&target->pidfd);
	container_state_fini(&target->state);
	exec_spec_fini(&target->spec);
	cgroup_free(target->cgroup);
	cgroup_host_free(target->host);
	free(target->id);
	free(target);
}

void exec_target_freep(struct exec_target **target)
{
	exec_target_free(*target);
	*target = NULL;
}

const struct spec_process *exec_target_process(const struct exec_target *target)
{
	return &target->spec.process;
}

const struct cgroup *exec_target_cgroup(const struct exec_target *target)
{
	return target->cgroup;
}

const struct cgroup_host *exec_target_cgroup_host(const struct exec_target *target)
{
	return target->host;
}

/*
 * Something of the container is not there, which is so if it ends meanwhile: its namespaces go a
 * moment before its init counts as ended, and its cgroup after that.  (A pid namespace whose init
 * has ended takes no new process: clone3(2) has no memory for it.)
 */
static int blame_end(const struct exec_target *t, int rc, struct error *err)
{
	static const int wait_ms = 1000;
	bool is_gone = rc == -ESRCH || rc == -ENOENT || rc == -ENODEV || rc == -ENOMEM;
	struct error ignored;

	if (is_gone && proc_wait_end(t->pidfd, wait_ms, &ignored) == 1)
		return err_set(err, ESRCH, "cannot exec in a stopped container");
	return rc;
}

/* What it says of the pid holds for init if that has not ended afterwards. */
static int look_at_init(struct exec_target *t, struct error *err)
{
	int rc = namespaces_apart(t->pid, &t->namespaces, err);
	struct error ignored;

	if (rc < 0)
		return blame_end(t, rc, err);
	if (proc_wait_end(t->pidfd, 0, &ignored) != 0)
		return err_set(err, ESRCH, "cannot exec in a stopped container");
	return 0;
}

#define CGROUPS_FILE "exec.cgroups" /* in the state directory */
#define KEPT_MAX     ((size_t)64 << 10)

static int open_cgroup_known(struct exec_target *t, const struct dir *state, const char *path,
			     struct error *err)
{
	auto_free char *mounts = NULL;
	int rc = file_read_at(state, CGROUPS_FILE, KEPT_MAX, &mounts, NULL, err);

	if (rc == 0)
		rc = cgroup_host_open_known(mounts, &t->host, err);
	return rc < 0 ? rc : cgroup_open(t->host, path, &t->cgroup, err);
}

static int open_scope(struct exec_target *t, const char *path, struct error *err)
{
	int rc = cgroup_host_open(&t->host, err);

	if (rc == 0)
		rc = cgroup_host_add_systemd(t->host, err);
	return rc < 0 ? rc : cgroup_open(t->host, path, &t->cgroup, err);
}

/*
 * To find the hierarchies takes a twentieth of the time that an exec does, and more the more is
 * mounted: they are kept for the next time.  All of them, as an update may put the container into one
 * that it did without.
 */
static int open_cgroup(struct exec_target *t, const struct dir *dir,
		       const struct container_state *state, struct error *err)
{
	auto_str struct str mounts = { 0 };
	auto_free char *text = NULL;
	int rc;

	if (state->unit)
		return open_scope(t, state->cgroup_path, err);
	if (open_cgroup_known(t, dir, state->cgroup_path, err) == 0)
		return 0;
	cgroup_host_freep(&t->host);
	*err = (struct error){ 0 };
	rc = cgroup_host_open(&t->host, err);
	if (rc == 0)
		rc = cgroup_open(t->host, state->cgroup_path, &t->cgroup, err);
	if (rc < 0)
		return rc;
	text = cgroup_mounts_text(t->host);
	if (text && *text) {
		str_add(&mounts, text);
		state_keep(dir, CGROUPS_FILE, &mounts);
	}
	return 0;
}

static int open_target(struct exec_target *t, const char *root, const char *id,
		       const struct spec *spec, const char *cache_dir, struct error *err)
{
	auto_free char *cache = cache_dir ? xstrdup(cache_dir) : path_join(root, ".cache");
	auto_free char *path = path_join(root, id);
	struct state_record record = { 0 };
	auto_fd int fd = state_open_dir(root, id, err);
	const struct dir dir = { .fd = fd, .path = path };
	enum container_status status;
	int rc;

	if (fd < 0)
		return fd;
	rc = state_read(&dir, &record, err);
	if (rc == -ENOENT)
		return err_set(err, ENOENT, "container does not exist");
	if (rc < 0)
		return rc;
	status = state_phase(&dir, &record, &t->pidfd);
	t->pid = record.state.pid;
	if (status != CONTAINER_CREATED && status != CONTAINER_RUNNING)
		rc = err_set(err, EINVAL, "cannot exec in a %s container",
			     container_status_name(status));
	if (rc == 0)
		rc = look_at_init(t, err);
	if (rc == 0)
		rc = spec ? exec_spec_take(spec, cache, &t->spec, err)
			  : exec_spec_load(&dir, record.state.bundle, cache, &t->spec, err);
	if (rc == 0)
		rc = open_cgroup(t, &dir, &record.state, err);
	t->state = record.state;
	t->state.status = status;
	record.state = (struct container_state){ 0 };
	state_record_fini(&record);
	return rc;
}

int exec_target_open(const char *root, const char *id, const struct spec *spec,
		     const char *cache_dir, struct exec_target **ret, struct error *err)
{
	auto_exec_target struct exec_target *t = xcalloc(1, sizeof(*t));
	int rc;

	t->pidfd = -1;
	t->id = xstrdup(id);
	rc = open_target(t, root, id, spec, cache_dir, err);
	if (rc == 0)
		*ret = take_ptr(t);
	return rc;
}

/* ---- in the process --------------------------------------------------------------------------- */

struct child {
	const struct exec_target *target;
	const struct exec_request *request;
	const struct cgroup *cgroup;
	struct sys_caps caps;
	struct plan_rlimit *rlimits;
	size_t n_rlimits;
	struct notify notify;
	int stdio[3];
	int sock;
};

static int reset(int preserve_fds, struct error *err)
{
	sigset_t none;
	int rc;

	step_acting_as(STEP_INIT);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	for (int i = 1; i < NSIG; i++)
		(void)signal(i, SIG_DFL);
	rc = cloexec_from(3 + preserve_fds);
	return rc < 0 ? err_set(err, -rc, "close descriptors on exec: %s", err_text(-rc)) : 0;
}

/*
 * process.execCPUAffinity (config.md): the CPUs until the process is in the container's cgroup, and
 * those from then on; the container's own process says it if this one does not.
 */
static int run_on(const char *list, struct error *err)
{
	return list && *list ? sys_affinity(list, err) : 0;
}

static const struct spec_process *affinity_of(const struct child *c)
{
	const struct spec_process *p = c->request->process;

	return p->exec_cpu_initial || p->exec_cpu_final ? p : &c->target->spec.process;
}

static int join(const struct child *c, struct error *err)
{
	const struct exec_target *t = c->target;
	unsigned long flags = t->namespaces & ~(unsigned long)CLONE_NEWPID;
	int rc = cgroup_join_self(c->cgroup, err);

	if (rc == 0)
		rc = run_on(affinity_of(c)->exec_cpu_final, err);
	if (rc == 0 && flags)
		rc = sys_setns_process(t->pidfd, t->pid, flags, err);
	if (rc < 0 || !(flags & CLONE_NEWUSER))
		return rc;
	rc = sys_become_root(err);
	/* A change of ids resets it to the value of fs.suid_dumpable. */
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	return rc;
}

static int make_terminal(const struct child *c, int *ret_slave, struct error *err)
{
	const struct spec_process *p = c->request->process;
	auto_fd int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_fd int master = -1;
	int rc;

	if (fd < 0)
		return err_sys(err, "open '/'");
	rc = terminal_open(&(struct dir){ .fd = fd, .path = "/" }, p->console_width,
			   p->console_height, &master, ret_slave, err);
	if (rc == 0)
		rc = sync_send(c->sock, SYNC_CREATED, master, err);
	return rc < 0 ? rc : sync_expect(c->sock, SYNC_START, NULL, err);
}

static int become(struct child *c, struct error *err)
{
	const struct spec_process *p = c->request->process;
	struct process_job job = {
		.spec = p,
		.caps = &c->caps,
		.rlimits = c->rlimits,
		.n_rlimits = c->n_rlimits,
		.seccomp = &c->target->spec.seccomp,
		.notify = &c->notify,
		.personality = c->target->spec.personality,
		.memory_policy = &c->target->spec.memory_policy,
		.keyring = c->target->id,
		.proc_fd = -1,
		.pty_slave = -1,
	};
	int rc = reset(c->request->preserve_fds, err);

	/* The host's own procfs, while we still see it. */
	if (rc == 0 && process_needs_proc(p)) {
		job.proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (job.proc_fd < 0)
			rc = err_sys(err, "open '/proc'");
	}
	if (rc == 0)
		rc = notify_prepare(&c->notify, c->target->spec.listener_metadata,
				    &c->target->state, err);
	/* In a user namespace that would be too late (runtime/process.h). */
	if (rc == 0 && c->target->namespaces & CLONE_NEWUSER) {
		job.is_limited_by_creator = true;
		rc = process_limit(&job, 0, err);
	}
	if (rc == 0)
		rc = blame_end(c->target, join(c, err), err);
	if (rc == 0 && p->terminal)
		rc = make_terminal(c, &job.pty_slave, err);
	if (rc < 0)
		return rc;
	memcpy(job.stdio, c->stdio, sizeof(job.stdio));
	rc = process_prepare(&job, err);
	if (rc == 0)
		rc = sync_send(c->sock, SYNC_EXEC, -1, err);
	if (rc < 0)
		return rc;
	/* From here on it outlives who made it. */
	(void)prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
	step_phase("exec");
	return process_exec(&job, c->request->preserve_fds, err);
}

static _Noreturn void run_child(struct child *c)
{
	struct error err = { 0 };

	(void)become(c, &err);
	sync_send_error(c->sock, &err);
	_exit(255);
}

/* ---- in the caller ---------------------------------------------------------------------------- */

static int check_pause(const struct exec_target *t, const struct exec_request *request,
		       struct error *err)
{
	bool is_frozen = false;
	int rc = request->ignores_pause ? 0 : cgroup_is_frozen(t->cgroup, &is_frozen, err);

	if (rc == 0 && is_frozen)
		return err_set(err, EBUSY,
			       "cannot exec in a paused container (use --ignore-paused to "
			       "override)");
	return rc < 0 ? blame_end(t, rc, err) : 0;
}

static int plan(const struct exec_target *t, const struct spec_process *p, struct child *c,
		struct error *err)
{
	struct spec_process whole = *p;

	if (!p->capabilities.is_given)
		whole.capabilities = t->spec.process.capabilities;
	if (!p->n_rlimits) {
		whole.rlimits = t->spec.process.rlimits;
		whole.n_rlimits = t->spec.process.n_rlimits;
	}
	c->n_rlimits = whole.n_rlimits;
	return plan_one_process(&whole, &c->caps, &c->rlimits, err);
}

/* The process's end of each in @ret, to be closed by the caller if it is new (@is_new). */
static int make_stdio(const struct exec_request *request, struct exec_process *process, int ret[3],
		      bool is_new[3], struct error *err)
{
	for (int i = 0; i < 3; i++) {
		int fds[2];

		ret[i] = request->stdio[i];
		is_new[i] = !request->process->terminal && ret[i] == EXEC_PIPE;
		if (ret[i] == EXEC_NULL)
			ret[i] = CONTAINER_STDIO_NULL;
		if (!is_new[i])
			continue;
		ret[i] = -1;
		if (pipe2(fds, O_CLOEXEC) < 0)
			return err_sys(err, "make a pipe");
		ret[i] = fds[i ? 1 : 0];
		process->pipes[i] = fds[i ? 0 : 1];
		(void)fcntl(process->pipes[i], F_SETFL, O_NONBLOCK);
	}
	return 0;
}

/*
 * cgroup-v2.rst, "No Internal Process Constraint": an init that manages groups itself has moved out
 * of the container's own, and enabled controllers there.  Then we go where it went.
 */
static pid_t clone_into(const struct child *c, struct sys_clone *clone, int *ret_pidfd,
			struct error *err)
{
	pid_t pid = sys_clone(clone, ret_pidfd, err);
	auto_fd int fd = -1;

	if (pid != -EBUSY || clone->cgroup_fd < 0 || c->request->cgroup)
		return pid;
	fd = cgroup_v2_open_of(c->target->host, c->target->pid, err);
	if (fd < 0)
		return fd;
	clone->cgroup_fd = fd;
	return sys_clone(clone, ret_pidfd, err);
}

static int start(struct child *c, struct exec_process *process, struct error *err)
{
	const struct exec_target *t = c->target;
	auto_free char *name = xasprintf("/proc/%d/ns/pid", t->pid);
	struct sys_clone clone = {
		.cgroup_fd = cgroup_v2_fd(c->cgroup),
		.pid_ns = t->namespaces & CLONE_NEWPID ? t->pidfd : -1,
		.pid_ns_name = name,
	};
	int pair[2];
	int rc = sock_pair(pair, err);

	if (rc < 0)
		return rc;
	/* On v2 the process is born in the cgroup: it has these CPUs from us. */
	rc = run_on(affinity_of(c)->exec_cpu_initial, err);
	if (rc < 0) {
		close_fd(&pair[0]);
		close_fd(&pair[1]);
		return rc;
	}
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	process->sock = pair[0];
	c->sock = pair[1];
	process->pid = clone_into(c, &clone, &process->pidfd, err);
	if (process->pid == 0) {
		close_fd(&process->sock);
		run_child(c);
	}
	close_fd(&pair[1]);
	return process->pid < 0 ? process->pid : 0;
}

int exec_start(const struct exec_target *target, const struct exec_request *request,
	       struct exec_process *ret, struct error *err)
{
	struct exec_process process = {
		.pid = -1,
		.pidfd = -1,
		.sock = -1,
		.pipes = { -1, -1, -1 },
		.has_terminal = request->process->terminal,
	};
	struct child child = {
		.target = target,
		.request = request,
		.cgroup = request->cgroup ? request->cgroup : target->cgroup,
		.stdio = { -1, -1, -1 },
		.notify = NOTIFY_NONE,
	};
	bool is_new[3] = { false };
	int rc = check_pause(target, request, err);

	if (rc == 0)
		rc = plan(target, request->process, &child, err);
	if (rc == 0)
		rc = make_stdio(request, &process, child.stdio, is_new, err);
	if (rc == 0 && target->spec.seccomp.is_notifying)
		rc = notify_connect(target->spec.listener_path, &child.notify, err);
	if (rc == 0)
		rc = blame_end(target, start(&child, &process, err), err);
	notify_fini(&child.notify);
	for (int i = 0; i < 3; i++) {
		if (is_new[i])
			close_fd(&child.stdio[i]);
	}
	free(child.rlimits);
	if (rc < 0)
		exec_process_fini(&process);
	else
		*ret = process;
	return rc;
}

void exec_process_fini(struct exec_process *process)
{
	for (int i = 0; i < 3; i++)
		close_fd(&process->pipes[i]);
	close_fd(&process->sock);
	close_fd(&process->pidfd);
}

void exec_kill(struct exec_process *process)
{
	struct error ignored;

	(void)proc_signal(process->pidfd, SIGKILL, &ignored);
	while (waitid(P_PIDFD, (id_t)process->pidfd, &(siginfo_t){ 0 }, WEXITED) < 0 &&
	       errno == EINTR)
		;
}

/* It ended before its program ran: the reason, if it did not tell one itself. */
static int explain_end(struct exec_process *process, struct error *err)
{
	siginfo_t info = { 0 };

	if (waitid(P_PIDFD, (id_t)process->pidfd, &info, WEXITED | WNOWAIT) == 0 &&
	    info.si_code != CLD_EXITED)
		return err_set(err, EPIPE,
			       "killed by signal %d before the program ran (is the container's "
			       "memory limit reached?)",
			       info.si_status);
	return err_set(err, EPIPE, "the process ended before the program ran");
}

static int fail(struct exec_process *process, int rc, struct error *err)
{
	if (rc == -EPIPE)
		rc = explain_end(process, err);
	exec_kill(process);
	close_fd(&process->sock);
	return rc;
}

int exec_terminal(struct exec_process *process, int *ret_pty, struct error *err)
{
	int rc = sync_expect(process->sock, SYNC_CREATED, ret_pty, err);

	return rc < 0 ? fail(process, rc, err) : 0;
}

/* 1 if there is something to read, 0 if the time is up. */
static int wait_readable(int sock, int timeout_ms, struct error *err)
{
	struct pollfd poll_fd = { .fd = sock, .events = POLLIN };

	for (;;) {
		int n = poll(&poll_fd, 1, timeout_ms);

		if (n >= 0)
			return n;
		if (errno != EINTR)
			return err_sys(err, "wait for a process");
	}
}

int exec_await(struct exec_process *process, int timeout_ms, struct error *err)
{
	int rc = 0;

	if (process->has_terminal)
		rc = sync_send(process->sock, SYNC_START, -1, err);
	process->has_terminal = false;
	while (rc == 0) {
		rc = wait_readable(process->sock, timeout_ms, err);
		if (rc == 0)
			return 0;
		if (rc > 0 && process->has_announced) {
			rc = sync_expect_end(process->sock, err);
			if (rc == 0)
				break;
		} else if (rc > 0) {
			rc = sync_expect(process->sock, SYNC_EXEC, NULL, err);
			process->has_announced = rc == 0;
		}
	}
	if (rc < 0)
		return fail(process, rc, err);
	close_fd(&process->sock);
	return 1;
}
