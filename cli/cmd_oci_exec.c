/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/proc.h"
#include "base/sock.h"
#include "cgroups/cgroup.h"
#include "cli/cmd_oci.h"
#include "cli/forward.h"
#include "cli/relay.h"
#include "runtime/exec.h"
#include "runtime/spec.h"
#include "runtime/terminal.h"

/* What callers of runc get if the program never ran. */
#define STATUS_NOT_RUN 255

/* The highest id; (uid_t)-1 means "unchanged" to setresuid(2). */
#define ID_MAX 4294967294ULL

struct exec_options {
	char *process, *console_socket, *pidfd_socket, *pid_file, *cwd, *user, *apparmor, *label,
		*cgroup;
	struct strv env, gids, caps;
	int preserve_fds;
	bool is_detached, has_tty, no_new_privs, ignores_pause;
};

static void exec_fini(void *options)
{
	struct exec_options *o = options;
	char *texts[] = { o->process, o->console_socket, o->pidfd_socket, o->pid_file, o->cwd,
			  o->user,    o->apparmor,       o->label,        o->cgroup };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		free(texts[i]);
	strv_fini(&o->env);
	strv_fini(&o->gids);
	strv_fini(&o->caps);
}

#define FIELD(member) .offset = OPT_FIELD(struct exec_options, member)

static const struct opt exec_opts[] = {
	{ .name = "process",
	  .letter = 'p',
	  .kind = OPT_STRING,
	  FIELD(process),
	  .arg = "FILE",
	  .help = "Take the whole process from this JSON file" },
	{ .name = "detach",
	  .letter = 'd',
	  .kind = OPT_FLAG,
	  FIELD(is_detached),
	  .help = "Return once the program runs" },
	{ .name = "tty",
	  .letter = 't',
	  .kind = OPT_FLAG,
	  FIELD(has_tty),
	  .help = "Give it a terminal" },
	{ .name = "console-socket",
	  .kind = OPT_STRING,
	  FIELD(console_socket),
	  .arg = "PATH",
	  .help = "Unix socket that is sent the terminal's master end" },
	{ .name = "pidfd-socket",
	  .kind = OPT_STRING,
	  FIELD(pidfd_socket),
	  .arg = "PATH",
	  .help = "Unix socket that is sent a pidfd of the process" },
	{ .name = "pid-file",
	  .kind = OPT_STRING,
	  FIELD(pid_file),
	  .arg = "FILE",
	  .help = "Write the process id to this file" },
	{ .name = "cwd",
	  .kind = OPT_STRING,
	  FIELD(cwd),
	  .arg = "DIR",
	  .help = "Working directory in the container" },
	{ .name = "env",
	  .letter = 'e',
	  .kind = OPT_LIST,
	  FIELD(env),
	  .arg = "NAME=VALUE",
	  .help = "Set an environment variable" },
	{ .name = "user",
	  .letter = 'u',
	  .kind = OPT_STRING,
	  FIELD(user),
	  .arg = "UID[:GID]",
	  .help = "User and group, as numbers" },
	{ .name = "additional-gids",
	  .letter = 'g',
	  .kind = OPT_LIST,
	  FIELD(gids),
	  .arg = "GID",
	  .help = "Add a supplementary group" },
	{ .name = "cap",
	  .letter = 'c',
	  .kind = OPT_LIST,
	  FIELD(caps),
	  .arg = "CAP",
	  .help = "Add a capability" },
	{ .name = "apparmor",
	  .kind = OPT_STRING,
	  FIELD(apparmor),
	  .arg = "PROFILE",
	  .help = "AppArmor profile" },
	{ .name = "process-label",
	  .kind = OPT_STRING,
	  FIELD(label),
	  .arg = "LABEL",
	  .help = "SELinux label" },
	{ .name = "no-new-privs",
	  .kind = OPT_FLAG,
	  FIELD(no_new_privs),
	  .help = "Forbid gaining privileges by execve" },
	{ .name = "preserve-fds",
	  .kind = OPT_INT,
	  FIELD(preserve_fds),
	  .arg = "N",
	  .max = 1024,
	  .help = "Pass N more descriptors, from 3 on, to the process" },
	{ .name = "cgroup",
	  .kind = OPT_STRING,
	  FIELD(cgroup),
	  .arg = "PATH",
	  .help = "Run it in this group below the container's" },
	{ .name = "ignore-paused",
	  .kind = OPT_FLAG,
	  FIELD(ignores_pause),
	  .help = "In a paused container, wait until it is resumed" },
	OPTS_END,
};

/* ---- what to run ------------------------------------------------------------------------------ */

static int parse_id(const char *option, const char *text, uint32_t *ret, struct error *err)
{
	struct error ignored;
	uint64_t id;

	/* Digits are an id and nothing else is: names would have to be looked up somewhere. */
	if (!*text || text[strspn(text, "0123456789")] ||
	    parse_uint64(text, ID_MAX, &id, &ignored) < 0)
		return err_set(err, EINVAL, "--%s: '%s' is not an id (0 to %llu)", option, text,
			       ID_MAX);
	*ret = (uint32_t)id;
	return 0;
}

static int set_user(const struct exec_options *o, struct spec_process *p, struct error *err)
{
	const char *colon = o->user ? strchr(o->user, ':') : NULL;
	auto_free char *uid =
		colon ? xstrndup(o->user, (size_t)(colon - o->user)) : xstrdup(o->user);
	int rc = 0;

	if (uid) {
		rc = parse_id("user", uid, &p->uid, err);
		if (rc == 0 && colon)
			rc = parse_id("user", colon + 1, &p->gid, err);
		p->username = NULL;
	}
	p->additional_gids = xcalloc(p->n_additional_gids + o->gids.n, sizeof(uint32_t));
	return rc;
}

static int add_gids(const struct exec_options *o, const struct spec_process *base,
		    struct spec_process *p, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; i < base->n_additional_gids; i++)
		p->additional_gids[i] = base->additional_gids[i];
	for (size_t i = 0; rc == 0 && i < o->gids.n; i++)
		rc = parse_id("additional-gids", o->gids.items[i],
			      &p->additional_gids[p->n_additional_gids++], err);
	return rc;
}

/* As runc has it: to all sets but those that are handed on. */
static void add_caps(const struct strv *add, const struct spec_capabilities *base,
		     struct spec_capabilities *caps)
{
	struct strv *sets[] = { &caps->bounding, &caps->effective, &caps->permitted };
	const struct strv *from[] = { &base->bounding, &base->effective, &base->permitted };

	caps->is_given = true;
	for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
		*sets[i] = (struct strv){ 0 };
		strv_copy(sets[i], from[i]);
		for (size_t j = 0; j < add->n; j++)
			strv_add(sets[i], add->items[j]);
	}
}

/* The container's process with what the options change.  Owns what free_changes() frees. */
static int change_process(const struct exec_options *o, const struct strv *args,
			  const struct spec_process *base, struct spec_process *p,
			  struct error *err)
{
	int rc;

	*p = *base;
	p->args = (struct strv){ .items = args->items + 1, .n = args->n - 1 };
	p->env = (struct strv){ 0 };
	strv_copy(&p->env, &base->env);
	for (size_t i = 0; i < o->env.n; i++) {
		const char *pair = o->env.items[i];
		const char *equals = strchr(pair, '=');
		auto_free char *name = xstrndup(pair, equals ? (size_t)(equals - pair) : 0);

		/* The check of the whole names one without '='. */
		if (equals)
			strv_setenv(&p->env, name, equals + 1);
		else
			strv_add(&p->env, pair);
	}
	add_caps(&o->caps, &base->capabilities, &p->capabilities);
	p->terminal = o->has_tty;
	if (o->cwd)
		p->cwd = o->cwd;
	if (o->apparmor)
		p->apparmor_profile = o->apparmor;
	if (o->label)
		p->selinux_label = o->label;
	if (o->no_new_privs)
		p->no_new_privileges = true;
	rc = set_user(o, p, err);
	return rc < 0 ? rc : add_gids(o, base, p, err);
}

static void free_changes(struct spec_process *p)
{
	strv_fini(&p->env);
	strv_fini(&p->capabilities.bounding);
	strv_fini(&p->capabilities.effective);
	strv_fini(&p->capabilities.permitted);
	free(p->additional_gids);
}

static int read_process(const char *path, struct spec_process *ret, struct error *err)
{
	auto_json_doc struct json_doc doc = { 0 };
	int rc = json_doc_load(&doc, AT_FDCWD, path, err);

	return rc < 0 ? rc : spec_process_read(&doc, ret, err);
}

static int check_options(const struct exec_options *o, bool has_terminal, const struct strv *args,
			 struct error *err)
{
	if (!o->process && args->n < 2)
		return err_set(err, EINVAL, "process args cannot be empty");
	if (has_terminal && o->is_detached && !o->console_socket)
		return err_set(err, EINVAL,
			       "cannot allocate tty if runtime will detach without setting console "
			       "socket");
	if (o->console_socket && !has_terminal)
		return err_set(err, EINVAL,
			       "cannot use console socket if runtime will not allocate tty");
	return 0;
}

/* ---- running it ------------------------------------------------------------------------------- */

static int open_group(const struct exec_target *target, const char *path, struct cgroup **ret,
		      struct error *err)
{
	const struct cgroup *own = exec_target_cgroup(target);
	auto_free char *joined = NULL;
	auto_free char *clean = NULL;
	int rc;

	if (strchr(path, ':'))
		return err_set(err, ENOTSUP,
			       "--cgroup '%s': a group of one controller is not supported", path);
	joined = xasprintf("/%s/%s", cgroup_path(own), path);
	/* ".." is refused: it stays below the container's own. */
	rc = cgroup_path_clean(joined, &clean, err);
	if (rc == 0)
		rc = cgroup_open(exec_target_cgroup_host(target), clean, ret, err);
	if (rc == 0 && !cgroup_is_whole(*ret, own))
		return err_set(err, ENOENT, "--cgroup '%s': no such group in the container", path);
	return rc;
}

/* The terminal goes to the socket, or stays here. */
static int hand_over_terminal(const struct exec_options *o, struct exec_process *child,
			      int *ret_pty, struct error *err)
{
	auto_fd int pty = -1;
	int rc = exec_terminal(child, &pty, err);

	if (rc < 0)
		return rc;
	if (!o->console_socket) {
		*ret_pty = take_fd(&pty);
		return 0;
	}
	rc = terminal_send(o->console_socket, pty, err);
	if (rc < 0)
		exec_kill(child);
	return rc;
}

/* Tells those who want to know; nothing runs unseen. */
static int announce(const struct exec_options *o, struct exec_process *child, struct error *err)
{
	int rc = 0;

	if (o->pidfd_socket)
		rc = terminal_send_pidfd(o->pidfd_socket, child->pidfd, err);
	if (rc == 0 && o->pid_file)
		rc = proc_write_pid_file(o->pid_file, child->pid, err);
	if (rc < 0)
		exec_kill(child);
	return rc;
}

static int attend(const struct exec_process *child, int pty, struct error *err)
{
	siginfo_t info = { 0 };
	int rc = pty >= 0 ? relay_terminal(pty, child->pidfd, err)
			  : forward_signals(child->pidfd, err);

	if (rc < 0)
		return rc;
	while (waitid(P_PIDFD, (id_t)child->pidfd, &info, WEXITED) < 0) {
		if (errno != EINTR)
			return err_sys(err, "wait for the process");
	}
	return proc_exit_code(info.si_code, info.si_status);
}

static int run_process(const struct exec_options *o, const struct exec_target *target,
		       const struct spec_process *process, struct error *err)
{
	auto_cgroup struct cgroup *group = NULL;
	struct exec_request request = {
		.process = process,
		.stdio = { EXEC_INHERIT, EXEC_INHERIT, EXEC_INHERIT },
		.preserve_fds = o->preserve_fds,
		.ignores_pause = o->ignores_pause,
	};
	struct exec_process child;
	auto_fd int pty = -1;
	int rc = o->cgroup ? open_group(target, o->cgroup, &group, err) : 0;

	request.cgroup = group;
	if (rc == 0)
		rc = exec_start(target, &request, &child, err);
	if (rc < 0)
		return rc;
	if (process->terminal)
		rc = hand_over_terminal(o, &child, &pty, err);
	if (rc == 0)
		rc = exec_await(&child, -1, err);
	if (rc > 0)
		rc = announce(o, &child, err);
	if (rc == 0 && !o->is_detached)
		rc = attend(&child, pty, err);
	exec_process_fini(&child);
	return rc;
}

static int exec_with(const struct exec_options *o, const struct strv *args, struct error *err)
{
	auto_exec_target struct exec_target *target = NULL;
	struct spec_process process = { 0 };
	int rc = exec_target_open(oci_root(), args->items[0], NULL, NULL, &target, err);

	if (rc < 0)
		return rc;
	if (o->process)
		rc = read_process(o->process, &process, err);
	else
		rc = change_process(o, args, exec_target_process(target), &process, err);
	if (rc == 0)
		rc = check_options(o, process.terminal, args, err);
	if (rc == 0)
		rc = run_process(o, target, &process, err);
	if (o->process)
		spec_process_fini(&process);
	else
		free_changes(&process);
	return rc;
}

static int run_exec(void *options, const struct strv *args, struct error *err)
{
	const struct exec_options *o = options;
	int rc = o->is_detached ? 0 : forward_block(err);

	if (rc == 0)
		rc = exec_with(o, args, err);
	if (rc >= 0)
		return rc;
	if (err->status)
		rc = err_wrap(err, "unable to start container process");
	rc = err_wrap(err, "exec failed");
	err->status = STATUS_NOT_RUN;
	return rc;
}

/* ---- whose exec it is ------------------------------------------------------------------------- */

/* Asks for what only callers of runc ask for. */
static bool has_oci_option(const struct exec_options *o)
{
	return o->process || o->console_socket || o->pidfd_socket || o->pid_file || o->cwd ||
	       o->apparmor || o->label || o->cgroup || o->gids.n || o->caps.n || o->preserve_fds ||
	       o->no_new_privs || o->ignores_pause;
}

/* The same for options that are wrong anyhow: it is only about who says so. */
static bool names_oci_option(int argc, char *const argv[])
{
	static const char *const names[] = {
		"process",      "console-socket", "pidfd-socket",    "pid-file",     "cwd",
		"apparmor",     "process-label",  "cgroup",          "preserve-fds", "cap",
		"no-new-privs", "ignore-paused",  "additional-gids",
	};

	for (int i = 0; i < argc && argv[i][0] == '-'; i++) {
		size_t len = strcspn(argv[i], "=");

		for (size_t j = 0; j < ARRAY_LEN(names); j++) {
			if (str_starts(argv[i], "--") && strlen(names[j]) + 2 == len &&
			    strncmp(argv[i] + 2, names[j], len - 2) == 0)
				return true;
		}
	}
	return false;
}

/* The engine's has fewer options; without any of ours the container decides. */
static bool is_oci_exec(int argc, char *const argv[])
{
	struct exec_options options = { 0 };
	auto_strv struct strv args = { 0 };
	struct error ignored;
	bool is_ours;
	int rc = opts_parse(exec_opts, true, argc, argv, &options, &args, &ignored);

	is_ours = oci_has_root() ||
		  (rc == 0 ? has_oci_option(&options) : names_oci_option(argc, argv));
	if (rc == 0 && !is_ours && args.n)
		is_ours = oci_is_meant(args.items[0]);
	exec_fini(&options);
	return is_ours;
}

const struct command oci_exec = {
	.name = "exec",
	.is_meant = is_oci_exec,
	.group = "OCI runtime",
	.summary = "Run a further process in a container",
	.synopsis = "[OPTIONS] ID COMMAND [ARG...]",
	.opts = exec_opts,
	.options_size = sizeof(struct exec_options),
	.options_fini = exec_fini,
	.min_args = 1,
	.max_args = ARGS_MANY,
	.stops_at_arg = true,
	.is_protected = true,
	.usage_status = STATUS_NOT_RUN,
	.run = run_exec,
};
