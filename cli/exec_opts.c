/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/exec_opts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/parse.h"

int exec_add_env(const char *text, void *field, struct error *err)
{
	const char *value;

	if (!*text || *text == '=')
		return err_set(err, EINVAL, "'%s' has no name", text);
	if (strchr(text, '=')) {
		strv_add(field, text);
		return 0;
	}
	/* As docker: our own, if we have it. */
	value = getenv(text);
	if (value)
		strv_addf(field, "%s=%s", text, value);
	return 0;
}

void exec_request_fini(struct exec_request *request)
{
	engine_exec_fini(&request->exec);
	strv_fini(&request->env_files);
}

/* -e counts more than what is in files, whatever the order. */
static int merge_env(struct exec_request *request, struct error *err)
{
	struct strv *env = &request->exec.env;
	struct strv merged = { 0 };
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < request->env_files.n; i++)
		rc = parse_env_file(request->env_files.items[i], &merged, err);
	for (size_t i = 0; i < env->n; i++)
		strv_add(&merged, env->items[i]);
	strv_fini(env);
	*env = merged;
	return rc;
}

int exec_request_run(struct exec_request *request, const char *container, const struct strv *args,
		     size_t first, struct error *err)
{
	int rc;

	close_from(3, log_descriptor());
	for (size_t i = first; i < args->n; i++)
		strv_add(&request->exec.args, args->items[i]);
	rc = merge_env(request, err);
	return rc < 0 ? rc : engine_exec(&engine_dirs, container, &request->exec, err);
}
