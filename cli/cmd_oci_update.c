/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/parse.h"
#include "cgroups/cgroup.h"
#include "cgroups/resources.h"
#include "cli/cmd_oci.h"
#include "runtime/container.h"
#include "runtime/spec.h"
#include "runtime/state.h"

/*
 * `update`: other limits for a living container, by options or as linux.resources of config.json.
 * What is absent or 0 stays as it is: docker sends a 0 for whatever its user did not name.
 */

struct update_options {
	char *resources, *l3_cache, *memory_bandwidth, *kernel_memory, *kernel_memory_tcp;
	struct cgroup_resources given; /* by options */
	int blkio_weight;
	bool has_option;
};

static void update_fini(void *options)
{
	struct update_options *o = options;

	free(o->resources);
	free(o->l3_cache);
	free(o->memory_bandwidth);
	free(o->kernel_memory);
	free(o->kernel_memory_tcp);
	cgroup_resources_fini(&o->given);
}

/* "64m", bytes, or -1 for no limit. */
static int parse_bytes(const char *text, void *field, struct error *err)
{
	uint64_t bytes;
	int rc;

	if (strcmp(text, "-1") == 0) {
		*(int64_t *)field = -1;
		return 0;
	}
	rc = parse_size(text, &bytes, err);
	if (rc == 0 && bytes > INT64_MAX)
		return err_set(err, ERANGE, "'%s' is more than a limit can be", text);
	if (rc == 0)
		*(int64_t *)field = (int64_t)bytes;
	return rc;
}

#define GIVEN(member)   .offset = OPT_FIELD(struct update_options, given.member)
#define PRESENT(member) .present = OPT_HAS(struct update_options, given.member)
#define TEXT(member)    .kind = OPT_STRING, .offset = OPT_FIELD(struct update_options, member)

static const struct opt update_opts[] = {
	{ .name = "resources",
	  .letter = 'r',
	  TEXT(resources),
	  .arg = "FILE",
	  .help = "Take linux.resources from this JSON file, - for the standard input; other "
		  "options do not count then" },
	{ .name = "blkio-weight",
	  .kind = OPT_INT,
	  .offset = OPT_FIELD(struct update_options, blkio_weight),
	  .max = 1000,
	  .arg = "WEIGHT",
	  .help = "Share of I/O, 10 to 1000" },
	{ .name = "cpu-period",
	  .kind = OPT_UINT64,
	  GIVEN(cpu.period),
	  PRESENT(cpu.has_period),
	  .arg = "US",
	  .help = "Period of the CPU quota in microseconds" },
	{ .name = "cpu-quota",
	  .kind = OPT_INT64,
	  GIVEN(cpu.quota),
	  PRESENT(cpu.has_quota),
	  .min = -1,
	  .max = INT64_MAX,
	  .arg = "US",
	  .help = "CPU time in each period in microseconds, -1 for no limit" },
	{ .name = "cpu-burst",
	  .kind = OPT_UINT64,
	  GIVEN(cpu.burst),
	  PRESENT(cpu.has_burst),
	  .arg = "US",
	  .help = "Unused quota that may be saved up in microseconds" },
	{ .name = "cpu-share",
	  .kind = OPT_UINT64,
	  GIVEN(cpu.shares),
	  PRESENT(cpu.has_shares),
	  .arg = "SHARES",
	  .help = "Share of the CPUs, 2 to 262144" },
	{ .name = "cpu-idle",
	  .kind = OPT_INT64,
	  GIVEN(cpu.idle),
	  PRESENT(cpu.has_idle),
	  .max = 1,
	  .arg = "0|1",
	  .help = "Run only when nobody else wants to" },
	{ .name = "cpu-rt-period",
	  .kind = OPT_UINT64,
	  GIVEN(cpu.rt_period),
	  PRESENT(cpu.has_rt_period),
	  .arg = "US",
	  .help = "Period of the realtime quota in microseconds" },
	{ .name = "cpu-rt-runtime",
	  .kind = OPT_INT64,
	  GIVEN(cpu.rt_runtime),
	  PRESENT(cpu.has_rt_runtime),
	  .min = -1,
	  .max = INT64_MAX,
	  .arg = "US",
	  .help = "Realtime quota in microseconds" },
	{ .name = "cpuset-cpus",
	  .kind = OPT_STRING,
	  GIVEN(cpu.cpus),
	  .arg = "LIST",
	  .help = "CPUs that may be used, like 0-2,7" },
	{ .name = "cpuset-mems",
	  .kind = OPT_STRING,
	  GIVEN(cpu.mems),
	  .arg = "LIST",
	  .help = "Memory nodes that may be used" },
	{ .name = "memory",
	  .kind = OPT_PARSE,
	  .parse = parse_bytes,
	  GIVEN(memory.limit),
	  PRESENT(memory.has_limit),
	  .arg = "SIZE",
	  .help = "Memory, -1 for no limit" },
	{ .name = "memory-reservation",
	  .kind = OPT_PARSE,
	  .parse = parse_bytes,
	  GIVEN(memory.reservation),
	  PRESENT(memory.has_reservation),
	  .arg = "SIZE",
	  .help = "Memory that it keeps when there is little" },
	{ .name = "memory-swap",
	  .kind = OPT_PARSE,
	  .parse = parse_bytes,
	  GIVEN(memory.swap),
	  PRESENT(memory.has_swap),
	  .arg = "SIZE",
	  .help = "Memory and swap together, -1 for no limit" },
	{ .name = "pids-limit",
	  .kind = OPT_INT64,
	  GIVEN(pids),
	  PRESENT(has_pids),
	  .min = -1,
	  .max = INT64_MAX,
	  .arg = "N",
	  .help = "Processes and threads, -1 for no limit" },
	/* Taken as runc does; the kernel has no such limits any more. */
	{ .name = "kernel-memory", TEXT(kernel_memory), .arg = "SIZE" },
	{ .name = "kernel-memory-tcp", TEXT(kernel_memory_tcp), .arg = "SIZE" },
	{ .name = "l3-cache-schema", TEXT(l3_cache), .arg = "TEXT" },
	{ .name = "mem-bw-schema", TEXT(memory_bandwidth), .arg = "TEXT" },
	OPTS_END,
};

static int read_stdin(struct str *ret, struct error *err)
{
	char buf[4096];
	ssize_t n;

	while ((n = read(STDIN_FILENO, buf, sizeof(buf))) != 0) {
		if (n < 0 && errno != EINTR)
			return err_sys(err, "read the standard input");
		if (n > 0)
			str_add_len(ret, buf, (size_t)n);
		if (ret->len > JSON_MAX_SIZE)
			return err_set(err, E2BIG,
				       "limit: the standard input has more than %u bytes",
				       JSON_MAX_SIZE);
	}
	return 0;
}

static int read_resources(const char *path, struct cgroup_resources *ret, struct error *err)
{
	auto_json_doc struct json_doc doc = { 0 };
	auto_str struct str text = { 0 };
	int rc;

	if (strcmp(path, "-") != 0) {
		rc = json_doc_load(&doc, AT_FDCWD, path, err);
	} else {
		rc = read_stdin(&text, err);
		if (rc == 0)
			rc = json_doc_parse(&doc, "<stdin>", text.text ? text.text : "", text.len,
					    err);
	}
	return rc < 0 ? rc : spec_resources_read(&doc, ret, err);
}

/* 0 means "as it is" where a new container would take it for a value. */
static void forget_zeros(struct cgroup_resources *r)
{
	r->has_pids = r->has_pids && r->pids != 0;
	r->cpu.has_burst = r->cpu.has_burst && r->cpu.burst != 0;
	r->memory.has_swappiness = r->memory.has_swappiness && r->memory.swappiness != 0;
	r->memory.has_oom_kill_disable =
		r->memory.has_oom_kill_disable && r->memory.is_oom_kill_disabled;
}

/* Who deletes it comes before or after us: what it takes away is not to be made again behind it. */
static int update_locked(const char *id, const struct cgroup_resources *wish, struct error *err)
{
	auto_fd int lock = state_lock_dir(oci_root(), id, err);
	auto_cgroup struct cgroup *cgroup = NULL;
	struct container_state state = { 0 };
	int rc = lock < 0 ? lock : oci_open_cgroup(id, &state, &cgroup, err);

	if (rc == 0 && state.status == CONTAINER_STOPPED)
		rc = err_set(err, ESRCH, "container not running");
	if (rc == 0)
		rc = cgroup_update(cgroup, wish, err);
	container_state_fini(&state);
	return rc;
}

static int run_update(void *options, const struct strv *args, struct error *err)
{
	struct update_options *o = options;
	struct cgroup_resources read = { 0 };
	struct cgroup_resources *wish = o->resources ? &read : &o->given;
	int rc = 0;

	if (o->l3_cache || o->memory_bandwidth)
		rc = err_set(err, ENOTSUP,
			     "Intel RDT (--l3-cache-schema, --mem-bw-schema) is not "
			     "supported");
	if (rc == 0 && o->resources)
		rc = read_resources(o->resources, &read, err);
	if (rc == 0) {
		if (!o->resources && o->blkio_weight) {
			wish->io.has_weight = true;
			wish->io.weight = (uint16_t)o->blkio_weight;
		}
		forget_zeros(wish);
		rc = update_locked(args->items[0], wish, err);
	}
	cgroup_resources_fini(&read);
	return rc < 0 ? err_wrap(err, "update '%s'", args->items[0]) : 0;
}

/* docker's command has other options as well; without any of ours the container decides. */
static bool is_oci_update(int argc, char *const argv[])
{
	struct update_options options = { 0 };
	auto_strv struct strv args = { 0 };
	struct error ignored;
	bool is_ours = oci_has_root();
	int rc = opts_parse(update_opts, false, argc, argv, &options, &args, &ignored);

	if (!is_ours && rc == 0)
		is_ours = options.resources || (args.n == 1 && oci_is_meant(args.items[0]));
	update_fini(&options);
	return is_ours;
}

const struct command oci_update = {
	.name = "update",
	.is_meant = is_oci_update,
	.summary = "Change the limits of a container",
	.synopsis = "[OPTIONS] ID",
	.opts = update_opts,
	.options_size = sizeof(struct update_options),
	.options_fini = update_fini,
	.min_args = 1,
	.max_args = 1,
	.run = run_update,
};
