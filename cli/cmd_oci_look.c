/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "cgroups/cgroup.h"
#include "cli/cmd_oci.h"
#include "cli/output.h"
#include "cli/process_table.h"
#include "runtime/container.h"
#include "runtime/features.h"

/* Verbs of the OCI runtime that look: ps, features; and those that are refused. */

int oci_open_cgroup(const char *id, struct container_state *ret, struct cgroup **ret_cgroup,
		    struct error *err)
{
	struct container_state state = { 0 };
	int rc = container_state(oci_root(), id, &state, err);

	if (rc == 0)
		return err_set(err, ENOENT, "container does not exist");
	if (rc > 0)
		rc = container_cgroup_open(&state, ret_cgroup, err);
	if (rc < 0) {
		container_state_fini(&state);
		return rc;
	}
	*ret = state;
	return 0;
}

/* ---- ps --------------------------------------------------------------------------------------- */

enum ps_format { PS_TABLE, PS_JSON };

struct ps_options {
	int format;
};

static const struct enum_name ps_formats[] = {
	{ "table", PS_TABLE },
	{ "json", PS_JSON },
	{ NULL, 0 },
};

static const struct opt ps_opts[] = {
	{ .name = "format",
	  .letter = 'f',
	  .kind = OPT_ENUM,
	  .offset = OPT_FIELD(struct ps_options, format),
	  .arg = "FORMAT",
	  .names = ps_formats,
	  .help = "table or json" },
	OPTS_END,
};

static void add_json(const pid_t *pids, size_t n, struct str *out)
{
	str_add(out, "[");
	for (size_t i = 0; i < n; i++)
		str_addf(out, "%s%d", i ? "," : "", pids[i]);
	str_add(out, "]\n");
}

static int run_ps(void *options, const struct strv *args, struct error *err)
{
	const struct ps_options *o = options;
	const struct strv ps = { .items = args->items + 1, .n = args->n - 1 };
	auto_cgroup struct cgroup *cgroup = NULL;
	auto_free pid_t *pids = NULL;
	auto_str struct str out = { 0 };
	struct container_state state;
	size_t n = 0;
	int rc = oci_open_cgroup(args->items[0], &state, &cgroup, err);

	if (rc < 0)
		return rc;
	container_state_fini(&state);
	rc = cgroup_pids(cgroup, &pids, &n, err);
	if (rc < 0)
		return rc;
	if (o->format == PS_JSON)
		add_json(pids, n, &out);
	else if (ps.n)
		rc = process_table_by_ps(&ps, pids, n, &out, err);
	else
		process_table(pids, n, &out);
	return rc < 0 ? rc : output_print(&out, err);
}

/* Engines call `ps --format json ID`: with an id, where the list of containers takes none. */
static bool is_oci_ps(int argc, char *const argv[])
{
	int i = 0;

	for (; i < argc && (strcmp(argv[i], "--format") == 0 || strcmp(argv[i], "-f") == 0); i += 2)
		;
	for (; i < argc && str_starts(argv[i], "--format="); i++)
		;
	return i < argc && argv[i][0] != '-';
}

const struct command oci_ps = {
	.name = "ps",
	.is_meant = is_oci_ps,
	.summary = "List the processes of a container",
	.synopsis = "[OPTIONS] ID [OPTIONS OF PS...]",
	.opts = ps_opts,
	.options_size = sizeof(struct ps_options),
	.min_args = 1,
	.max_args = ARGS_MANY,
	.stops_at_arg = true,
	.run = run_ps,
};

/* ---- features --------------------------------------------------------------------------------- */

static int run_features(void *options, const struct strv *args, struct error *err)
{
	auto_json json_t *features = features_json();
	auto_free char *text = json_to_text(features, JSON_INDENT(2));
	auto_str struct str out = { 0 };

	(void)options;
	(void)args;
	str_addf(&out, "%s\n", text);
	return output_print(&out, err);
}

const struct command oci_features = {
	.name = "features",
	.group = "OCI runtime",
	.summary = "Print what this runtime can do as JSON",
	.run = run_features,
};

/* ---- refused ---------------------------------------------------------------------------------- */

/*
 * podman and CRI-O ask `checkpoint --help` and `restore --lsm-mount-context` whether there is
 * checkpointing, and go by exit status and words.
 */
const struct command oci_checkpoint = {
	.name = "checkpoint",
	.refusal = "processes cannot be written to files here",
};

const struct command oci_restore = {
	.name = "restore",
	.refusal = "processes cannot be written to files here",
};
