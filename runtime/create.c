/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/sock.h"
#include "base/stage.h"
#include "base/step.h"
#include "base/sys.h"
#include "base/sys_ns.h"
#include "cgroups/cgroup.h"
#include "cgroups/events.h"
#include "cgroups/scope.h"
#include "cgroups/systemd.h"
#include "cgroups/systemd_names.h"
#include "runtime/clone.h"
#include "runtime/container.h"
#include "runtime/hooks.h"
#include "runtime/init.h"
#include "runtime/namespaces.h"
#include "runtime/net_devices.h"
#include "runtime/notify.h"
#include "runtime/plan.h"
#include "runtime/process.h"
#include "runtime/seccomp.h"
#include "runtime/state.h"
#include "runtime/sync.h"
#include "runtime/terminal.h"
#include "runtime/trees.h"

/*
 * How a container is made.  The creator (left) and the container's init (right):
 *
 *   record   state.json with id, boot and cgroup path: from here on delete can undo it all
 *   cgroup   directories, limits; with systemd it makes a scope, in which a child of ours waits
 *            for init to come
 *   clone    clone3 into the v2 cgroup ------> joins v1 cgroups, joins and makes namespaces
 *            interfaces, id maps, SYNC_GO ---> becomes root of its user namespace
 *   network  on_namespaces()                   meanwhile mounts its root file system
 *            prestart, createRuntime hooks <-- SYNC_NAMESPACES (only if there are such hooks)
 *            SYNC_HOOKS_DONE ----------------> createContainer hooks, pivot_root, privileges
 *   init     <-------------------------------- SYNC_CREATED, with the pty
 *   finish   console socket, pid file, state   waits at its gate
 *
 * The gate is exec.fifo if another process is going to start the container, and the same socket if
 * the creator does that itself.  A failure of init arrives as SYNC_ERROR with its whole text.
 */
struct creation {
	const struct container_request *request;
	struct container *container; /* being made */
	struct spec spec;
	struct plan plan;
	struct seccomp_program seccomp;
	struct notify notify;
	struct state_record record;
	struct dir dir; /* the state directory, locked as long as it is open; owned */
	char *dir_path;
	int sock;
	struct cgroup_host *host;
	struct cgroup *cgroup;
	struct systemd *systemd; /* if it makes the cgroup */
	struct systemd_scope scope;
	int fifo;
	int joined[SPEC_NS_TYPES];
	struct net_devices net_devices;
	struct trees trees; /* only with a user namespace, or idmapped mounts */
};

/* ---- record ----------------------------------------------------------------------------------- */

static int64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void move_hooks(struct spec_hooks *to, struct spec_hooks *from)
{
	*to = *from;
	*from = (struct spec_hooks){ 0 };
}

/* The id is taken first, so that another create of it is told that, and nothing about its cgroup. */
static int claim(void *job, struct error *err)
{
	struct creation *c = job;
	struct stat st;

	c->dir.fd = state_make_dir(c->request->root, c->request->id, err);
	if (c->dir.fd < 0)
		return c->dir.fd;
	if (fstat(c->dir.fd, &st) < 0)
		return err_sys(err, "look at '%s'", c->dir_path);
	c->container->state_dev = st.st_dev;
	c->container->state_ino = st.st_ino;
	return 0;
}

static void unrecord(void *job)
{
	struct creation *c = job;
	struct error err;

	/* Only what we have locked is ours. */
	if (c->dir.fd >= 0 && state_remove_dir(c->request->root, c->request->id, &err) < 0)
		log_warning("%s", err.msg);
}

/* The cgroup's path and unit, of systemd's choice. */
static int choose_scope(struct creation *c, struct error *err)
{
	auto_free char *root = NULL;
	int rc = systemd_scope_read(c->spec.cgroups_path, c->request->id, &c->scope, err);

	if (rc == 0)
		rc = cgroup_host_open(&c->host, err);
	if (rc == 0)
		rc = cgroup_host_add_systemd(c->host, err);
	if (rc == 0)
		rc = systemd_open(&c->systemd, err);
	if (rc == 0)
		rc = systemd_root(c->systemd, &root, err);
	if (rc == 0) {
		auto_free char *path = xasprintf("%s/%s", root, c->scope.path);

		c->record.state.unit = xstrdup(c->scope.unit);
		rc = cgroup_path_clean(path, &c->record.state.cgroup_path, err);
	}
	return rc < 0 ? err_wrap(err, "--systemd-cgroup") : 0;
}

static int choose_cgroup(struct creation *c, struct error *err)
{
	const char *path = c->spec.cgroups_path;
	auto_free char *default_path = path_join("/minictr", c->request->id);
	int rc = cgroup_path_clean(path && *path ? path : default_path,
				   &c->record.state.cgroup_path, err);

	return rc < 0 ? rc : cgroup_host_open(&c->host, err);
}

/* Whoever deletes by the record ends what is in the cgroup: it must not be somebody else's. */
static int check_cgroup(void *job, struct error *err)
{
	struct creation *c = job;
	int rc = c->request->uses_systemd ? choose_scope(c, err) : choose_cgroup(c, err);

	return rc < 0 ? rc : cgroup_check_unused(c->host, c->record.state.cgroup_path, err);
}

static int record(void *job, struct error *err)
{
	struct creation *c = job;
	struct container_state *state = &c->record.state;

	state->id = xstrdup(c->request->id);
	state->bundle = xstrdup(c->request->bundle);
	state->rootfs = xstrdup(c->plan.rootfs);
	state->owner = xstrdup("root");
	state->created_ns = now_ns();
	strv_copy(&state->annotations, &c->spec.annotations);
	move_hooks(&c->record.poststart, &c->spec.hooks[HOOK_POSTSTART]);
	move_hooks(&c->record.poststop, &c->spec.hooks[HOOK_POSTSTOP]);
	proc_boot_id(c->record.boot_id);
	return state_write(&c->dir, &c->record, err);
}

/* ---- cgroup ----------------------------------------------------------------------------------- */

static int make_cgroup(void *job, struct error *err)
{
	struct creation *c = job;
	const char *path = c->record.state.cgroup_path;

	if (c->systemd)
		return cgroup_create_scope(c->host, c->systemd, &c->scope, path,
					   &c->spec.annotations, &c->spec.resources, &c->cgroup,
					   err);
	return cgroup_create(c->host, path, &c->spec.resources, &c->cgroup, err);
}

static void remove_cgroup(void *job)
{
	struct creation *c = job;
	struct error err;

	if (c->cgroup && cgroup_destroy(c->cgroup, &err) < 0)
		log_warning("%s", err.msg);
}

/* ---- clone ------------------------------------------------------------------------------------ */

static int open_joined(struct creation *c, struct error *err)
{
	for (size_t i = 0; i < c->spec.n_namespaces; i++) {
		const struct spec_namespace *ns = &c->spec.namespaces[i];

		if (!ns->path)
			continue;
		c->joined[ns->type] = open(ns->path, O_RDONLY | O_CLOEXEC);
		if (c->joined[ns->type] < 0)
			return err_sys(err, "open namespace '%s'", ns->path);
	}
	return 0;
}

static int make_fifo(struct creation *c, struct error *err)
{
	/* Others may write: init opens it as the container's user. */
	if (mkfifoat(c->dir.fd, STATE_FIFO, 0622) < 0 ||
	    fchmodat(c->dir.fd, STATE_FIFO, 0622, 0) < 0)
		return err_sys(err, "make '%s/%s'", c->dir_path, STATE_FIFO);
	c->fifo = openat(c->dir.fd, STATE_FIFO, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return c->fifo < 0 ? err_sys(err, "open '%s/%s'", c->dir_path, STATE_FIFO) : 0;
}

static bool has_host_hooks(const struct spec *spec)
{
	return spec->hooks[HOOK_PRESTART].n || spec->hooks[HOOK_CREATE_RUNTIME].n;
}

/* The creator has made mounts for init. */
static bool has_trees(const struct creation *c)
{
	return (c->plan.has_user_namespace || c->plan.has_idmapped_mounts) && !c->request->overlay;
}

static _Noreturn void run_init(struct creation *c, int sock)
{
	struct init_job job = {
		.request = c->request,
		.plan = &c->plan,
		.cgroup = c->cgroup,
		.seccomp = &c->seccomp,
		.state = &c->record.state,
		.notify = &c->notify,
		.sock = sock,
		.creator_sock = c->sock,
		.state_dir = c->dir.fd,
		.fifo = c->fifo,
		.has_host_hooks = has_host_hooks(&c->spec),
		.rootfs = { .plan = &c->plan,
			    .overlay = c->request->overlay,
			    .cgroup = c->cgroup,
			    .trees = has_trees(c) ? &c->trees : NULL,
			    .no_pivot = c->request->no_pivot,
			    .root.fd = -1,
			    .proc = -1,
			    .sys = -1 },
		.proc.fd = -1,
		.pty_master = -1,
		.pty_slave = -1,
		.gate = -1,
	};

	memcpy(job.joined, c->joined, sizeof(job.joined));
	init_run(&job);
}

static int start_init(void *job, struct error *err)
{
	struct creation *c = job;
	struct clone_job clone = {
		.clone = { .namespaces = c->plan.clone_flags,
			   .cgroup_fd = cgroup_v2_fd(c->cgroup),
			   .pid_ns_name = namespace_path(&c->spec, SPEC_NS_PID) },
		.user_ns_name = namespace_path(&c->spec, SPEC_NS_USER),
		.cgroup = c->cgroup,
	};
	int pair[2] = { -1, -1 };
	int rc = open_joined(c, err);

	clone.clone.pid_ns = c->joined[SPEC_NS_PID];
	clone.user_ns = c->joined[SPEC_NS_USER];
	/* In a joined pid namespace others see init from its first moment: not to be looked into. */
	if (clone.clone.pid_ns >= 0)
		(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (rc == 0 && has_trees(c))
		rc = trees_open(&c->plan, &c->trees, err);
	if (rc == 0 && c->request->uses_fifo)
		rc = make_fifo(c, err);
	if (rc == 0 && c->seccomp.is_notifying)
		rc = notify_connect(c->spec.seccomp.listener_path, &c->notify, err);
	if (rc == 0)
		rc = sock_pair(pair, err);
	if (rc < 0)
		return rc;
	c->sock = pair[0];
	clone.sock = pair[1];
	c->container->pid = clone_init(&clone, c->sock, &c->container->pidfd, err);
	if (c->container->pid == 0)
		run_init(c, pair[1]);
	close_fd(&pair[1]);
	trees_fini(&c->trees);
	notify_fini(&c->notify); /* init has it now */
	return c->container->pid < 0 ? c->container->pid : 0;
}

static void stop_init(void *job)
{
	struct creation *c = job;
	struct error err;

	close_fd(&c->sock);
	if (c->container->pidfd < 0)
		return;
	if (c->cgroup && cgroup_signal_all(c->cgroup, SIGKILL, &err) < 0)
		log_debug("%s", err.msg);
	(void)proc_signal(c->container->pidfd, SIGKILL, &err);
	while (waitid(P_PIDFD, (id_t)c->container->pidfd, &(siginfo_t){ 0 }, WEXITED) < 0 &&
	       errno == EINTR)
		;
}

static int write_map(const struct creation *c, const char *file, const struct spec_id_map *maps,
		     size_t n, struct error *err)
{
	auto_str struct str text = { 0 };
	auto_free char *path = xasprintf("/proc/%d", c->container->pid);
	auto_fd int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(err, "open '%s'", path);
	namespace_id_map(maps, n, &text);
	return sys_write_at(&(struct dir){ .fd = fd, .path = path }, file, text.text, err);
}

static int write_maps(struct creation *c, struct error *err)
{
	int rc = write_map(c, "uid_map", c->spec.uid_maps, c->spec.n_uid_maps, err);

	return rc < 0 ? rc : write_map(c, "gid_map", c->spec.gid_maps, c->spec.n_gid_maps, err);
}

/* What init waits for. */
static int let_go(struct creation *c, struct error *err)
{
	int rc = net_devices_move(&c->spec, c->container->pid, c->joined[SPEC_NS_NETWORK],
				  &c->net_devices, err);

	if (rc == 0 && c->plan.has_new_user)
		rc = write_maps(c, err);
	if (rc == 0 && (c->plan.has_new_user || c->spec.n_net_devices))
		rc = sync_send(c->sock, SYNC_GO, -1, err);
	return rc;
}

/* ---- network and hooks ------------------------------------------------------------------------ */

static int run_host_hooks(struct creation *c, struct error *err)
{
	auto_free char *json = NULL;
	int rc;

	if (!has_host_hooks(&c->spec))
		return 0;
	rc = sync_expect(c->sock, SYNC_NAMESPACES, NULL, err);
	if (rc < 0)
		return rc;
	c->record.state.status = CONTAINER_CREATING;
	json = state_json(&c->record.state, 0);
	rc = hooks_run(&c->spec.hooks[HOOK_PRESTART], json, err);
	if (rc == 0)
		rc = hooks_run(&c->spec.hooks[HOOK_CREATE_RUNTIME], json, err);
	return rc < 0 ? rc : sync_send(c->sock, SYNC_HOOKS_DONE, -1, err);
}

/* An init that is gone has none: to say -1 then would attach the host's. */
static int open_netns(const struct creation *c, int *ret, struct error *err)
{
	char path[48];

	if (!c->plan.has_new_network || !c->request->on_namespaces)
		return 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", c->container->pid);
	*ret = open(path, O_RDONLY | O_CLOEXEC);
	return *ret < 0 ? err_sys(err, "open '%s'", path) : 0;
}

/*
 * Something failed here: if init has ended, that may well be the reason (its network namespace went
 * with it, before it counts as ended), and what init said is what people need to know.  It said it
 * before it ended.
 */
static int prefer_inits_error(struct creation *c, int rc, struct error *err)
{
	struct pollfd said = { .fd = c->sock, .events = POLLIN };
	struct error told = { 0 };
	int cause;

	if (poll(&said, 1, rc == -EPIPE ? 1000 : 0) != 1)
		return rc;
	cause = sync_expect(c->sock, SYNC_CREATED, NULL, &told);
	if (cause == 0 || cause == -EPIPE)
		return rc;
	*err = told;
	return cause;
}

static int prepare_host(struct creation *c, struct error *err)
{
	const struct container_request *request = c->request;
	auto_fd int netns = -1;
	int rc = let_go(c, err);

	c->record.state.pid = c->container->pid;
	if (rc == 0)
		rc = open_netns(c, &netns, err);
	if (rc == 0 && request->on_namespaces)
		rc = request->on_namespaces(request->arg, c->container->pid, netns, err);
	return rc < 0 ? rc : run_host_hooks(c, err);
}

static int host_side(void *job, struct error *err)
{
	struct creation *c = job;
	int rc = prepare_host(c, err);

	return rc < 0 ? prefer_inits_error(c, rc, err) : 0;
}

/* Those of the network namespace's own go with it. */
static void take_back_devices(void *job)
{
	struct creation *c = job;

	net_devices_return(&c->net_devices);
}

/* ---- end -------------------------------------------------------------------------------------- */

/* Init died without a word: the kernel may have ended it for its memory limit. */
static int explain_death(struct creation *c, struct error *err)
{
	struct error ignored;
	siginfo_t info = { 0 };
	uint64_t kills = 0;

	if (cgroup_oom_kills(c->cgroup, &kills, &ignored) == 0 && kills > 0)
		return c->spec.resources.memory.limit > 0
			       ? err_set(err, ENOMEM,
					 "container init was OOM-killed: memory limit %lld is too "
					 "low",
					 (long long)c->spec.resources.memory.limit)
			       : err_set(err, ENOMEM, "container init was OOM-killed");
	if (waitid(P_PIDFD, (id_t)c->container->pidfd, &info, WEXITED | WNOWAIT) == 0 &&
	    info.si_code != CLD_EXITED)
		return err_set(err, EPIPE, "container init was killed by signal %d",
			       info.si_status);
	return err_set(err, EPIPE, "container init ended before it was ready");
}

/* What init may not do in its user namespace; it has nothing left to do that a limit could hinder. */
static int limit_init(const struct creation *c, struct error *err)
{
	auto_fd int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct process_job job = {
		.spec = &c->spec.process,
		.rlimits = c->plan.rlimits,
		.n_rlimits = c->plan.n_rlimits,
		.proc_fd = proc,
	};

	return proc < 0 ? err_sys(err, "open '/proc'")
			: process_limit(&job, c->container->pid, err);
}

static int await_init(void *job, struct error *err)
{
	struct creation *c = job;
	auto_fd int pty = -1;
	int rc = sync_expect(c->sock, SYNC_CREATED, &pty, err);

	if (rc == -EPIPE)
		return explain_death(c, err);
	if (rc == 0)
		rc = cgroup_seated(c->cgroup, err);
	if (rc == 0 && c->plan.has_user_namespace)
		rc = limit_init(c, err);
	if (rc < 0)
		return rc;
	if (c->request->console_socket && pty >= 0)
		rc = terminal_send(c->request->console_socket, pty, err);
	else if (c->request->wants_pty_fd)
		c->container->pty = take_fd(&pty);
	return rc;
}

static int finish(void *job, struct error *err)
{
	struct creation *c = job;
	int rc = proc_start_time(c->container->pid, &c->record.state.start_time, err);

	if (rc < 0)
		return rc;
	c->record.is_created = true;
	rc = state_write(&c->dir, &c->record, err);
	if (rc == 0 && c->request->pid_file)
		rc = proc_write_pid_file(c->request->pid_file, c->container->pid, err);
	return rc;
}

/*
 * What every container may use of devices, behind the config's own rules, as runc has it: the nodes
 * of config-linux.md "Default Devices", terminals, and making nodes of any number (which gives no
 * access to them).
 */
static void allow_default_devices(struct cgroup_resources *r)
{
	static const struct cgroup_device_rule rules[] = {
		{ true, 'c', -1, -1, "m" }, { true, 'b', -1, -1, "m" },
		{ true, 'c', 1, 3, "rwm" }, { true, 'c', 1, 5, "rwm" },
		{ true, 'c', 1, 7, "rwm" }, { true, 'c', 1, 8, "rwm" },
		{ true, 'c', 1, 9, "rwm" }, { true, 'c', 5, 0, "rwm" },
		{ true, 'c', 5, 2, "rwm" }, { true, 'c', 136, -1, "rwm" },
	};

	r->devices = xrealloc(r->devices, r->n_devices + ARRAY_LEN(rules), sizeof(rules[0]));
	memcpy(r->devices + r->n_devices, rules, sizeof(rules));
	r->n_devices += ARRAY_LEN(rules);
}

static int read_spec(const struct container_request *request, struct spec *ret, struct error *err)
{
	auto_fd int bundle = -1;

	if (request->spec) {
		*ret = *request->spec;
		*request->spec = (struct spec){ 0 };
		return 0;
	}
	bundle = open(request->bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return bundle < 0 ? err_sys(err, "chdir %s", request->bundle) : spec_load(bundle, ret, err);
}

static int load(struct creation *c, struct error *err)
{
	const struct container_request *request = c->request;
	auto_free char *cache = request->cache_dir ? xstrdup(request->cache_dir)
						   : path_join(request->root, ".cache");
	auto_fd int cache_fd = -1;
	int rc;

	if (!is_valid_name(request->id))
		return err_set(err, EINVAL, "invalid container ID format");
	rc = read_spec(request, &c->spec, err);
	allow_default_devices(&c->spec.resources);
	if (rc == 0)
		rc = plan_make(&c->spec, request->bundle, &c->plan, err);
	if (rc < 0 || !c->spec.seccomp.is_given)
		return rc;
	cache_fd = dir_make_open(cache, 0700, err);
	return seccomp_program_get(&c->spec.seccomp, &(struct dir){ .fd = cache_fd, .path = cache },
				   &c->seccomp, err);
}

static void creation_fini(struct creation *c)
{
	for (size_t i = 0; i < SPEC_NS_TYPES; i++)
		close_fd(&c->joined[i]);
	trees_fini(&c->trees);
	net_devices_fini(&c->net_devices);
	notify_fini(&c->notify);
	close_fd(&c->fifo);
	close_fd(&c->sock);
	close_fd(&c->dir.fd);
	cgroup_free(c->cgroup);
	cgroup_host_free(c->host);
	systemd_close(c->systemd);
	systemd_scope_fini(&c->scope);
	seccomp_program_fini(&c->seccomp);
	state_record_fini(&c->record);
	plan_fini(&c->plan);
	spec_fini(&c->spec);
	free(c->dir_path);
}

int container_create(const struct container_request *request, struct container *ret,
		     struct error *err)
{
	static const struct stage stages[] = {
		{ "record", claim, unrecord },
		{ "cgroup", check_cgroup, NULL },
		{ "record", record, NULL },
		{ "cgroup", make_cgroup, remove_cgroup },
		{ "namespaces", start_init, stop_init },
		{ "network", host_side, take_back_devices },
		{ "init", await_init, NULL },
		{ "state", finish, NULL },
	};
	struct container container = { .pid = -1, .pidfd = -1, .pty = -1, .start_gate = -1 };
	struct creation c = {
		.request = request,
		.container = &container,
		.dir.fd = -1,
		.dir_path = path_join(request->root, request->id),
		.sock = -1,
		.fifo = -1,
		.net_devices.netns.fd = -1,
		.trees.root = -1,
		.notify = NOTIFY_NONE,
	};
	int rc;

	c.dir.path = c.dir_path;
	for (size_t i = 0; i < SPEC_NS_TYPES; i++)
		c.joined[i] = -1;
	rc = load(&c, err);
	if (rc == 0)
		rc = stages_run(stages, ARRAY_LEN(stages), &c, err);
	if (rc == 0) {
		container.start_gate = take_fd(&c.sock);
		container.cgroup_path = take_ptr(c.record.state.cgroup_path);
		container.has_late_hooks = c.record.poststart.n || c.record.poststop.n;
		container.cgroup = take_ptr(c.cgroup);
		*ret = container;
	} else {
		container_fini(&container);
	}
	creation_fini(&c);
	return rc;
}
