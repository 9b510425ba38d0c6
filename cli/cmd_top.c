/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/cmd_look.h"
#include "cli/output.h"
#include "cli/process_table.h"
#include "cli/ps_text.h"
#include "engine/list.h"
#include "engine/top.h"

int top_add_processes(const struct list_entry *entry, const char *prefix, struct str *out,
		      struct error *err)
{
	auto_free pid_t *pids = NULL;
	size_t n = 0;
	int rc = top_pids(&engine_dirs, entry, &pids, &n, err);

	if (rc < 0)
		return rc;
	process_rows(pids, n, prefix, out);
	return 0;
}

static int run_top(void *options, const struct strv *args, struct error *err)
{
	auto_list_entry struct list_entry entry = { 0 };
	auto_str struct str out = { 0 };
	auto_free pid_t *pids = NULL;
	const struct strv ps = { .items = args->items + 1, .n = args->n - 1 };
	size_t n = 0;
	int rc;

	(void)options;
	if (geteuid() != 0)
		return err_set(err, EPERM, "containers are shown to root only");
	rc = list_find_running(&engine_dirs, args->items[0], &entry, err);
	if (rc == 0)
		rc = top_pids(&engine_dirs, &entry, &pids, &n, err);
	if (rc < 0)
		return rc;
	if (args->n > 1)
		rc = process_table_by_ps(&ps, pids, n, &out, err);
	else
		process_table(pids, n, &out);
	return rc < 0 ? rc : output_print(&out, err);
}

const struct command cmd_top = {
	.name = "top",
	.group = "Containers",
	.summary = "Show the processes of a container",
	.synopsis = "CONTAINER [OPTIONS OF PS...]",
	.min_args = 1,
	.max_args = ARGS_MANY,
	.stops_at_arg = true,
	.run = run_top,
};
