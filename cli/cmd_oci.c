/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_oci.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/path.h"
#include "base/proc.h"
#include "cli/forward.h"
#include "cli/output.h"
#include "engine/dirs.h"
#include "engine/record.h"
#include "runtime/container.h"
#include "runtime/spec.h"
#include "runtime/state.h"
#include "runtime/terminal.h"

static const char *state_root = MINICTR_STATE_ROOT "/oci";
static bool is_root_set, is_called_as_runc, uses_systemd;

void oci_set_root(const char *root)
{
	state_root = root;
	is_root_set = true;
}

void oci_set_caller(void)
{
	is_called_as_runc = true;
}

void oci_set_systemd(void)
{
	uses_systemd = true;
}

bool oci_has_root(void)
{
	return is_root_set;
}

bool oci_is_meant(const char *id)
{
	auto_free char *path = NULL;
	auto_free char *name = NULL;
	struct error ignored;

	if (is_root_set || !is_valid_name(id))
		return is_root_set;
	path = path_join(state_root, id);
	if (access(path, F_OK) == 0)
		return true;
	/* Of nobody's container: in the words that the caller knows. */
	return is_called_as_runc && record_find(&engine_dirs, id, &name, &ignored) != 1;
}

/* `start ID`, `kill ID SIGNAL`, `pause ID` are the engine's verbs too. */
static bool is_oci_id(int argc, char *const argv[])
{
	int i = 0;

	while (i < argc && argv[i][0] == '-')
		i++;
	return i == argc ? is_root_set : oci_is_meant(argv[i]);
}

const char *oci_root(void)
{
	return state_root;
}

/* ---- create, run ------------------------------------------------------------------------------ */

struct create_options {
	char *bundle, *console_socket, *pidfd_socket, *pid_file;
	int preserve_fds;
	bool no_pivot, no_new_keyring, is_detached, is_kept, no_subreaper;
};

static void create_fini(void *options)
{
	struct create_options *o = options;

	free(o->bundle);
	free(o->console_socket);
	free(o->pidfd_socket);
	free(o->pid_file);
}

#define CREATE_OPTS                                                                 \
	{ .name = "bundle",                                                         \
	  .letter = 'b',                                                            \
	  .kind = OPT_STRING,                                                       \
	  .offset = OPT_FIELD(struct create_options, bundle),                       \
	  .arg = "DIR",                                                             \
	  .help = "Directory with config.json; the working directory by default" }, \
		{ .name = "console-socket",                                         \
		  .kind = OPT_STRING,                                               \
		  .offset = OPT_FIELD(struct create_options, console_socket),       \
		  .arg = "PATH",                                                    \
		  .help = "Unix socket that is sent the terminal's master end" },   \
		{ .name = "pidfd-socket",                                           \
		  .kind = OPT_STRING,                                               \
		  .offset = OPT_FIELD(struct create_options, pidfd_socket),         \
		  .arg = "PATH",                                                    \
		  .help = "Unix socket that is sent a pidfd of the container" },    \
		{ .name = "pid-file",                                               \
		  .kind = OPT_STRING,                                               \
		  .offset = OPT_FIELD(struct create_options, pid_file),             \
		  .arg = "FILE",                                                    \
		  .help = "Write the process id to this file" },                    \
		{ .name = "preserve-fds",                                           \
		  .kind = OPT_INT,                                                  \
		  .offset = OPT_FIELD(struct create_options, preserve_fds),         \
		  .arg = "N",                                                       \
		  .max = 1024,                                                      \
		  .help = "Pass N more descriptors, from 3 on, to the container" }, \
		{ .name = "no-pivot",                                               \
		  .kind = OPT_FLAG,                                                 \
		  .offset = OPT_FIELD(struct create_options, no_pivot),             \
		  .help = "Do not use pivot_root, for a root in an initramfs" },    \
	{                                                                           \
		.name = "no-new-keyring", .kind = OPT_FLAG,                         \
		.offset = OPT_FIELD(struct create_options, no_new_keyring),         \
		.help = "Keep the caller's session keyring"                         \
	}

static const struct opt create_opts[] = { CREATE_OPTS, OPTS_END };

static const struct opt run_opts[] = {
	CREATE_OPTS,
	{ .name = "detach",
	  .letter = 'd',
	  .kind = OPT_FLAG,
	  .offset = OPT_FIELD(struct create_options, is_detached),
	  .help = "Return once the container runs" },
	{ .name = "keep",
	  .kind = OPT_FLAG,
	  .offset = OPT_FIELD(struct create_options, is_kept),
	  .help = "Do not delete the container when it has ended" },
	{ .name = "no-subreaper",
	  .kind = OPT_FLAG,
	  .offset = OPT_FIELD(struct create_options, no_subreaper),
	  .help = "Do not adopt the container's orphans" },
	OPTS_END,
};

/* An absolute form of a path that may be relative to the working directory; NULL stays NULL. */
static char *absolute(const char *path)
{
	char cwd[PATH_MAX];
	auto_free char *joined = NULL;

	if (!path || path[0] == '/')
		return xstrdup(path);
	if (!getcwd(cwd, sizeof(cwd)))
		return xstrdup(path);
	joined = path_join(cwd, path);
	return path_clean(joined);
}

static int create(const struct create_options *o, const char *id, bool uses_fifo,
		  struct container *ret, struct error *err)
{
	auto_free char *bundle = absolute(o->bundle ? o->bundle : ".");
	const struct container_request request = {
		.id = id,
		.root = state_root,
		.bundle = bundle,
		.console_socket = o->console_socket,
		.pid_file = o->pid_file,
		.preserve_fds = o->preserve_fds,
		.no_pivot = o->no_pivot,
		.no_new_keyring = o->no_new_keyring,
		.uses_systemd = uses_systemd,
		.uses_fifo = uses_fifo,
		.stdio = { -1, -1, -1 },
	};

	struct error ignored;
	int rc = container_create(&request, ret, err);

	if (rc < 0 || !o->pidfd_socket)
		return rc;
	rc = terminal_send_pidfd(o->pidfd_socket, ret->pidfd, err);
	if (rc < 0) {
		(void)container_delete_created(ret, state_root, id, &ignored);
		container_fini(ret);
	}
	return rc;
}

/*
 * What engines look for when it fails: runc's words, where "exec: ..." follows at once if the program
 * cannot be run, and nothing comes before that the id is taken; and its exit status.
 */
static int tell_as_runc(int rc, const char *verb, struct error *err)
{
	const char *exec = err->status ? strstr(err->msg, "exec") : NULL;
	const char *taken = strstr(err->msg, "container with given ID already exists");

	if (taken) {
		auto_free char *cause = xstrdup(taken);

		rc = err_set(err, err->code, "%s", cause);
	} else if (exec) {
		auto_free char *cause = xstrdup(exec);

		rc = err_set(err, err->code, "unable to start container process: %s", cause);
	}
	err->status = 1;
	return rc < 0 ? err_wrap(err, "%s failed", verb) : rc;
}

static int run_create(void *options, const struct strv *args, struct error *err)
{
	struct container container;
	int rc = create(options, args->items[0], true, &container, err);

	if (rc < 0)
		return tell_as_runc(rc, "create", err);
	container_fini(&container);
	return 0;
}

/* Waits for the container's end and passes signals on meanwhile; its exit code. */
static int attend(const struct container *container, struct error *err)
{
	siginfo_t info = { 0 };
	int rc = forward_signals(container->pidfd, err);

	if (rc < 0)
		return rc;
	while (waitid(P_PIDFD, (id_t)container->pidfd, &info, WEXITED) < 0) {
		if (errno != EINTR)
			return err_sys(err, "wait for the container");
	}
	return proc_exit_code(info.si_code, info.si_status);
}

static int create_and_run(const struct create_options *o, const char *id, struct error *err)
{
	struct container container;
	struct error ignored;
	int rc = forward_block(err);

	if (rc == 0)
		rc = create(o, id, false, &container, err);
	if (rc < 0)
		return rc;
	rc = container_start_created(&container, state_root, id, err);
	if (rc == 0 && !o->is_detached)
		rc = attend(&container, err);
	if (rc < 0 || (!o->is_detached && !o->is_kept)) {
		if (container_delete_created(&container, state_root, id, rc < 0 ? &ignored : err) <
			    0 &&
		    rc >= 0)
			rc = -err->code;
	}
	container_fini(&container);
	return rc;
}

static int run_run(void *options, const struct strv *args, struct error *err)
{
	int rc = create_and_run(options, args->items[0], err);

	return rc < 0 ? tell_as_runc(rc, "run", err) : rc;
}

const struct command oci_create = {
	.name = "create",
	.group = "OCI runtime",
	.summary = "Create a container from a bundle",
	.synopsis = "[OPTIONS] ID",
	.opts = create_opts,
	.options_size = sizeof(struct create_options),
	.options_fini = create_fini,
	.min_args = 1,
	.max_args = 1,
	.is_protected = true,
	.run = run_create,
};

/* Engines call `run --bundle DIR ID`: with options that the run of images does not have. */
static bool is_oci_run(int argc, char *const argv[])
{
	static const char *const own[] = {
		"--bundle",       "--pid-file",     "--console-socket",
		"--preserve-fds", "--no-pivot",     "--no-new-keyring",
		"--keep",         "--no-subreaper", "--pidfd-socket",
	};

	for (int i = 0; i < argc && argv[i][0] == '-'; i++) {
		if (strcmp(argv[i], "-b") == 0)
			return true;
		for (size_t j = 0; j < ARRAY_LEN(own); j++) {
			size_t len = strlen(own[j]);

			if (strncmp(argv[i], own[j], len) == 0 &&
			    (!argv[i][len] || argv[i][len] == '='))
				return true;
		}
	}
	return false;
}

const struct command oci_run = {
	.name = "run",
	.is_meant = is_oci_run,
	.summary = "Create and start a container from a bundle",
	.synopsis = "--bundle DIR [OPTIONS] ID",
	.opts = run_opts,
	.options_size = sizeof(struct create_options),
	.options_fini = create_fini,
	.min_args = 1,
	.max_args = 1,
	.is_protected = true,
	.run = run_run,
};

/* ---- start, state, kill, delete --------------------------------------------------------------- */

static int run_start(void *options, const struct strv *args, struct error *err)
{
	(void)options;
	return container_start(state_root, args->items[0], err);
}

const struct command oci_start = {
	.name = "start",
	.is_meant = is_oci_id,
	.summary = "Start a created container",
	.synopsis = "ID",
	.min_args = 1,
	.max_args = 1,
	.run = run_start,
};

static int run_state(void *options, const struct strv *args, struct error *err)
{
	struct container_state state;
	auto_free char *text = NULL;
	int rc = container_state(state_root, args->items[0], &state, err);

	(void)options;
	if (rc == 0)
		return err_set(err, ENOENT, "container does not exist");
	if (rc < 0)
		return rc;
	text = state_json(&state, 2);
	puts(text);
	container_state_fini(&state);
	return 0;
}

const struct command oci_state = {
	.name = "state",
	.group = "OCI runtime",
	.summary = "Print the state of a container as JSON",
	.synopsis = "ID",
	.min_args = 1,
	.max_args = 1,
	.run = run_state,
};

struct kill_options {
	bool is_all;
};

static const struct opt kill_opts[] = {
	{ .name = "all",
	  .letter = 'a',
	  .kind = OPT_FLAG,
	  .offset = OPT_FIELD(struct kill_options, is_all),
	  .help = "Signal all processes of the container" },
	OPTS_END,
};

static int run_kill(void *options, const struct strv *args, struct error *err)
{
	const struct kill_options *o = options;
	const char *text = args->n > 1 ? args->items[1] : "TERM";
	int signal = 0;

	if (strcmp(text, "0") != 0 && parse_signal(text, &signal, err) < 0)
		return err_set(err, EINVAL, "unknown signal \"%s\"", text);
	return container_kill(state_root, args->items[0], signal, o->is_all, err);
}

/* Also `kill ID 15`, whoever has that id: engines ask so whether it is gone. */
static bool is_oci_kill(int argc, char *const argv[])
{
	struct error ignored;
	int signal;

	return is_oci_id(argc, argv) ||
	       (argc == 2 && argv[0][0] != '-' && parse_signal(argv[1], &signal, &ignored) == 0);
}

const struct command oci_kill = {
	.name = "kill",
	.is_meant = is_oci_kill,
	.summary = "Send a signal to a container",
	.synopsis = "[OPTIONS] ID [SIGNAL]",
	.opts = kill_opts,
	.options_size = sizeof(struct kill_options),
	.min_args = 1,
	.max_args = 2,
	.run = run_kill,
};

struct delete_options {
	bool force;
};

static const struct opt delete_opts[] = {
	{ .name = "force",
	  .letter = 'f',
	  .kind = OPT_FLAG,
	  .offset = OPT_FIELD(struct delete_options, force),
	  .help = "End the container first; a missing one is no error" },
	OPTS_END,
};

static int run_delete(void *options, const struct strv *args, struct error *err)
{
	const struct delete_options *o = options;

	return container_delete(state_root, args->items[0], o->force, err);
}

const struct command oci_delete = {
	.name = "delete",
	.group = "OCI runtime",
	.summary = "Delete a container",
	.synopsis = "[OPTIONS] ID",
	.opts = delete_opts,
	.options_size = sizeof(struct delete_options),
	.min_args = 1,
	.max_args = 1,
	.run = run_delete,
};

/* ---- pause, resume, list, spec, ps ------------------------------------------------------------ */

static int run_pause(void *options, const struct strv *args, struct error *err)
{
	(void)options;
	return container_pause(state_root, args->items[0], true, err);
}

static int run_resume(void *options, const struct strv *args, struct error *err)
{
	(void)options;
	return container_pause(state_root, args->items[0], false, err);
}

const struct command oci_pause = {
	.name = "pause",
	.is_meant = is_oci_id,
	.summary = "Freeze all processes of a container",
	.synopsis = "ID",
	.min_args = 1,
	.max_args = 1,
	.run = run_pause,
};

const struct command oci_resume = {
	.name = "resume",
	.group = "OCI runtime",
	.summary = "Thaw a paused container",
	.synopsis = "ID",
	.min_args = 1,
	.max_args = 1,
	.run = run_resume,
};

enum list_format { LIST_TABLE, LIST_JSON };

struct list_options {
	int format;
	bool is_quiet;
};

static const struct enum_name list_formats[] = {
	{ "table", LIST_TABLE },
	{ "json", LIST_JSON },
	{ NULL, 0 },
};

static const struct opt list_opts[] = {
	{ .name = "format",
	  .letter = 'f',
	  .kind = OPT_ENUM,
	  .offset = OPT_FIELD(struct list_options, format),
	  .arg = "FORMAT",
	  .names = list_formats,
	  .help = "table or json" },
	{ .name = "quiet",
	  .letter = 'q',
	  .kind = OPT_FLAG,
	  .offset = OPT_FIELD(struct list_options, is_quiet),
	  .help = "Print ids only" },
	OPTS_END,
};

static void add_row(const struct container_state *s, struct str *out)
{
	auto_free char *id = str_escape(s->id);
	auto_free char *bundle = str_escape(s->bundle);
	auto_free char *owner = str_escape(s->owner ? s->owner : "");
	char created[CLOCK_TEXT];

	clock_format(s->created_ns, created);

	str_addf(out, "%s\t%d\t%s\t%s\t%s\t%s\n", id, s->pid, container_status_name(s->status),
		 bundle, created, owner);
}

static int run_list(void *options, const struct strv *args, struct error *err)
{
	const struct list_options *o = options;
	auto_strv struct strv ids = { 0 };
	auto_str struct str json = { 0 };
	auto_str struct str rows = { 0 };
	auto_str struct str table = { 0 };
	int rc = container_list(state_root, &ids, err);

	(void)args;
	if (rc < 0)
		return rc;
	if (o->format == LIST_TABLE && !o->is_quiet)
		str_add(&rows, "ID\tPID\tSTATUS\tBUNDLE\tCREATED\tOWNER\n");
	for (size_t i = 0; i < ids.n; i++) {
		struct container_state state;
		auto_free char *text = NULL;

		/* One that is just being made or deleted is not listed. */
		if (container_state(state_root, ids.items[i], &state, err) != 1)
			continue;
		text = state_json(&state, 0);
		if (o->is_quiet)
			puts(state.id);
		else if (o->format == LIST_TABLE)
			add_row(&state, &rows);
		else
			str_addf(&json, "%s%s", json.len ? "," : "[", text);
		container_state_fini(&state);
	}
	if (rows.len)
		output_align(rows.text, &table);
	if (table.len)
		return output_print(&table, err);
	/* What runc says for none. */
	if (o->format == LIST_JSON && !o->is_quiet)
		printf("%s%s\n", json.len ? json.text : "null", json.len ? "]" : "");
	return 0;
}

const struct command oci_list = {
	.name = "list",
	.group = "OCI runtime",
	.summary = "List the containers below the state root",
	.synopsis = "[OPTIONS]",
	.opts = list_opts,
	.options_size = sizeof(struct list_options),
	.run = run_list,
};

struct spec_options {
	char *bundle;
	bool is_rootless;
};

static const struct opt spec_opts[] = {
	{ .name = "bundle",
	  .letter = 'b',
	  .kind = OPT_STRING,
	  .offset = OPT_FIELD(struct spec_options, bundle),
	  .arg = "DIR",
	  .help = "Where to write config.json; the working directory by default" },
	{ .name = "rootless",
	  .kind = OPT_FLAG,
	  .offset = OPT_FIELD(struct spec_options, is_rootless),
	  .help = "For a user without privileges" },
	OPTS_END,
};

static void spec_options_fini(void *options)
{
	free(((struct spec_options *)options)->bundle);
}

static int run_spec(void *options, const struct strv *args, struct error *err)
{
	const struct spec_options *o = options;
	const char *path = o->bundle ? o->bundle : ".";
	auto_fd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct dir dir = { .fd = fd, .path = path };
	auto_json json_t *json = NULL;
	auto_free char *text = NULL;
	auto_str struct str line = { 0 };

	(void)args;
	if (fd < 0)
		return err_sys(err, "open '%s'", path);
	if (faccessat(fd, "config.json", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return err_set(err, EEXIST, "file config.json exists. Remove it first");
	json = spec_default(o->is_rootless);
	text = json_to_text(json, JSON_INDENT(8));
	str_addf(&line, "%s\n", text);
	return file_replace_at(&dir, "config.json", line.text, line.len, 0666, FILE_FAST, err);
}

const struct command oci_spec = {
	.name = "spec",
	.group = "OCI runtime",
	.summary = "Write a config.json to begin with",
	.synopsis = "[OPTIONS]",
	.opts = spec_opts,
	.options_size = sizeof(struct spec_options),
	.options_fini = spec_options_fini,
	.run = run_spec,
};
