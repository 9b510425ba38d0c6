/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/exec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "engine/console.h"
#include "engine/list.h"
#include "engine/run.h"
#include "engine/session.h"
#include "runtime/exec.h"
#include "runtime/spec.h"

void engine_exec_fini(struct engine_exec *exec)
{
	strv_fini(&exec->args);
	strv_fini(&exec->env);
	free(exec->user);
	free(exec->workdir);
}

/* ---- what to run ------------------------------------------------------------------------------ */

static void replace_text(char **text, const char *with)
{
	if (!with)
		return;
	free(*text);
	*text = xstrdup(with);
}

static void replace_list(struct strv *list, const struct strv *with)
{
	strv_fini(list);
	strv_copy(list, with);
}

static void set_env(const struct engine_exec *exec, struct strv *env)
{
	/* docker: whoever gets a terminal is told which. */
	if (exec->has_tty && !strv_getenv(env, "TERM"))
		strv_setenv(env, "TERM", "xterm");
	for (size_t i = 0; i < exec->env.n; i++) {
		const char *equals = strchr(exec->env.items[i], '=');
		auto_free char *name =
			xstrndup(exec->env.items[i], (size_t)(equals - exec->env.items[i]));

		strv_setenv(env, name, equals + 1);
	}
}

int engine_exec_process(const struct engine_exec *exec, const struct spec_process *base,
			const struct strv *all_caps, struct spec_process *ret, struct error *err)
{
	struct spec_capabilities *caps;
	struct spec_process p;

	if (!exec->args.n || !*exec->args.items[0])
		return err_set(err, EINVAL, "the command is empty");
	if (exec->workdir && exec->workdir[0] != '/')
		return err_set(err, EINVAL, "the working directory '%s' is not absolute",
			       exec->workdir);
	spec_process_copy(base, &p);
	caps = &p.capabilities;
	replace_list(&p.args, &exec->args);
	replace_text(&p.username, exec->user);
	replace_text(&p.cwd, exec->workdir);
	set_env(exec, &p.env);
	p.terminal = exec->has_tty;
	if (exec->is_privileged) {
		caps->is_given = true;
		replace_list(&caps->bounding, all_caps);
		replace_list(&caps->effective, all_caps);
		replace_list(&caps->permitted, all_caps);
	}
	*ret = p;
	return 0;
}

/* ---- where ------------------------------------------------------------------------------------ */

/* What the container was made of says what further processes of it are like. */
static int open_target(const struct engine_dirs *dirs, const struct list_entry *entry,
		       struct exec_target **ret, struct error *err)
{
	auto_free char *root = path_join(dirs->state, "containers");
	auto_free char *cache = path_join(dirs->state, "cache");
	struct run run = { .dirs = dirs, .place.dir.fd = -1 };
	auto_spec struct spec spec = { 0 };
	int rc = record_open(dirs, entry->record.name, &run.place, err);

	if (rc == 0)
		rc = record_read(&run.place, &run.record, err);
	if (rc == 0)
		rc = run_look(&run, err);
	if (rc == 0)
		rc = run_make_process(&run, &spec, err);
	if (rc == 0)
		rc = exec_target_open(root, entry->record.id, &spec, cache, ret, err);
	run_fini(&run);
	return rc;
}

/* ---- running it ------------------------------------------------------------------------------- */

/* Takes what is written to a terminal that nobody looks at, until nobody writes to it. */
static _Noreturn void hold_terminal(int terminal)
{
	char buffer[4096];

	(void)setsid();
	close_from(3, terminal);
	while (read(terminal, buffer, sizeof(buffer)) > 0)
		;
	_exit(0);
}

static int leave(int terminal, struct error *err)
{
	pid_t pid;

	if (terminal < 0)
		return 0;
	pid = fork();
	if (pid < 0)
		return err_sys(err, "fork");
	if (pid == 0)
		hold_terminal(terminal);
	return 0;
}

static int start(const struct engine_exec *exec, const struct exec_target *target,
		 const struct spec_process *process, struct exec_process *child, int *ret_terminal,
		 struct error *err)
{
	struct exec_request request = {
		.process = process,
		.stdio = { exec->is_interactive ? EXEC_PIPE : EXEC_NULL, EXEC_PIPE, EXEC_PIPE },
	};
	int rc;

	if (exec->is_detached)
		request.stdio[0] = request.stdio[1] = request.stdio[2] = EXEC_NULL;
	rc = exec_start(target, &request, child, err);
	if (rc < 0)
		return rc;
	if (process->terminal)
		rc = exec_terminal(child, ret_terminal, err);
	if (rc == 0)
		rc = exec_await(child, -1, err);
	if (rc < 0)
		exec_process_fini(child);
	return rc < 0 ? rc : 0;
}

static int run_process(const struct engine_exec *exec, const struct exec_target *target,
		       const struct spec_process *process, struct error *err)
{
	auto_fd int terminal = -1;
	struct exec_process child;
	int rc = start(exec, target, process, &child, &terminal, err);

	if (rc < 0)
		return rc;
	if (exec->is_detached) {
		rc = leave(terminal, err);
	} else {
		const struct session session = {
			.pidfd = child.pidfd,
			.pipes = child.pipes,
			.terminal = terminal,
			.has_input = exec->is_interactive,
		};

		rc = session_run(&session, err);
	}
	exec_process_fini(&child);
	return rc;
}

static int prepare(const struct engine_exec *exec, struct error *err)
{
	if (exec->is_detached)
		return 0;
	if (exec->has_tty && exec->is_interactive && !isatty(STDIN_FILENO))
		return err_set(err, ENOTTY, "-i with -t: the standard input is not a terminal");
	return session_block_signals(err);
}

int engine_exec(const struct engine_dirs *dirs, const char *text, const struct engine_exec *exec,
		struct error *err)
{
	auto_exec_target struct exec_target *target = NULL;
	auto_list_entry struct list_entry entry = { 0 };
	struct spec_process process = { 0 };
	auto_strv struct strv caps = { 0 };
	int rc = prepare(exec, err);

	if (rc == 0)
		rc = list_find_running(dirs, text, &entry, err);
	if (rc == 0 && entry.status == LIST_PAUSED)
		rc = err_set(err, EBUSY, "container '%s' is paused: unpause it first",
			     entry.record.name);
	if (rc == 0)
		rc = open_target(dirs, &entry, &target, err);
	if (rc == 0 && exec->is_privileged)
		run_list_caps(&caps);
	if (rc == 0)
		rc = engine_exec_process(exec, exec_target_process(target), &caps, &process, err);
	if (rc < 0)
		return rc;
	if (exec->has_tty)
		console_size(isatty(STDIN_FILENO) ? STDIN_FILENO : STDOUT_FILENO,
			     &process.console_width, &process.console_height);
	rc = run_process(exec, target, &process, err);
	spec_process_fini(&process);
	return rc;
}
