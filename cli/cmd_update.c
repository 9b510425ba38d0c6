/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/parse.h"
#include "cli/cmd_life.h"
#include "engine/change.h"
#include "engine/restart.h"
#include "engine/verbs.h"

struct update_options {
	struct container_change change;
	bool has_memory, has_reservation, has_cpus, has_shares, has_cpu_list, has_node_list,
		has_restart;
};

static int parse_swap(const char *text, void *field, struct error *err)
{
	uint64_t bytes = 0;
	int rc = str_eq(text, "-1") ? 0 : parse_size(text, &bytes, err);

	*(int64_t *)field = str_eq(text, "-1") ? -1 : (int64_t)bytes;
	return rc;
}

static int parse_list(const char *text, void *field, struct error *err)
{
	char **list = field;
	int rc = parse_cpu_list(text, err);

	if (rc < 0)
		return rc;
	free(*list);
	*list = xstrdup(text);
	return 0;
}

static int parse_restart(const char *text, void *field, struct error *err)
{
	return restart_parse(text, field, err);
}

#define LIMIT(member) OPT_FIELD(struct update_options, change.options.member)
#define HAS(member)   OPT_HAS(struct update_options, member)

static const struct opt update_opts[] = {
	{ "cpu-shares", 'c', OPT_UINT64, LIMIT(cpu_shares), "N",
	  "Weight against others (1024); 0: that", .present = HAS(has_shares) },
	{ "cpus", 0, OPT_CPUS, LIMIT(cpus_nano), "NUMBER", "CPUs' worth of time (0.5); 0: no limit",
	  .present = HAS(has_cpus) },
	{ "cpuset-cpus", 0, OPT_PARSE, LIMIT(cpuset_cpus), "LIST", "Only these CPUs (0-3,7)",
	  .parse = parse_list, .present = HAS(has_cpu_list) },
	{ "cpuset-mems", 0, OPT_PARSE, LIMIT(cpuset_mems), "LIST", "Only these memory nodes",
	  .parse = parse_list, .present = HAS(has_node_list) },
	{ "memory", 'm', OPT_SIZE, LIMIT(memory), "SIZE", "Memory; 0: no limit",
	  .present = HAS(has_memory) },
	{ "memory-reservation", 0, OPT_SIZE, LIMIT(memory_reservation), "SIZE",
	  "Memory that it keeps when others want it", .present = HAS(has_reservation) },
	{ "memory-swap", 0, OPT_PARSE, LIMIT(memory_swap), "SIZE",
	  "Memory and swap together; -1: no limit", .parse = parse_swap,
	  .present = HAS(change.options.has_memory_swap) },
	{ "pids-limit", 0, OPT_INT64, LIMIT(pids_limit), "N", "Processes and threads; -1: no limit",
	  .present = HAS(change.options.has_pids_limit), .min = -1, .max = INT64_MAX },
	{ "restart", 0, OPT_PARSE, LIMIT(restart), "POLICY",
	  "Start it again when it ends: no, always, unless-stopped, on-failure[:N]",
	  .parse = parse_restart, .present = HAS(has_restart) },
	OPTS_END,
};

static void update_fini(void *options)
{
	change_fini(&((struct update_options *)options)->change);
}

static unsigned int limits_of(const struct update_options *o)
{
	const struct {
		bool is_given;
		enum change_limit limit;
	} given[] = {
		{ o->has_memory, LIMIT_MEMORY },
		{ o->has_reservation, LIMIT_MEMORY_RESERVATION },
		{ o->change.options.has_memory_swap, LIMIT_MEMORY_SWAP },
		{ o->has_cpus, LIMIT_CPUS },
		{ o->has_shares, LIMIT_CPU_SHARES },
		{ o->has_cpu_list, LIMIT_CPUSET_CPUS },
		{ o->has_node_list, LIMIT_CPUSET_MEMS },
		{ o->change.options.has_pids_limit, LIMIT_PIDS },
		{ o->has_restart, LIMIT_RESTART },
	};
	unsigned int limits = 0;

	for (size_t i = 0; i < ARRAY_LEN(given); i++)
		limits |= given[i].is_given ? (unsigned int)given[i].limit : 0U;
	return limits;
}

static int run_update(void *options, const struct strv *args, struct error *err)
{
	struct update_options *o = options;
	struct error last = { 0 };

	if (geteuid() != 0)
		return err_set(err, EPERM, "containers are root's");
	o->change.kind = CHANGE_LIMITS;
	o->change.limits = limits_of(o);
	if (!o->change.limits)
		return err_set(err, EINVAL,
			       "nothing is to be updated: see 'minictr update --help'");
	for (size_t i = 0; i < args->n; i++) {
		struct error failure = { 0 };

		if (verb_update(&engine_dirs, args->items[i], &o->change, &failure) == 0) {
			printf("%s\n", args->items[i]);
			continue;
		}
		(void)err_wrap(&failure, "update '%s'", args->items[i]);
		/* All are tried; each failure has its line, the last one by main. */
		if (last.code)
			log_error("%s", last.msg);
		last = failure;
	}
	*err = last;
	return -last.code;
}

const struct command cmd_update = {
	.name = "update",
	.group = "Containers",
	.summary = "Change the limits of containers",
	.synopsis = "[OPTIONS] CONTAINER [CONTAINER...]",
	.details =
		"Those that run have them at once, others when they start.  What is not given stays\n"
		"as it is.",
	.opts = update_opts,
	.options_size = sizeof(struct update_options),
	.options_fini = update_fini,
	.min_args = 1,
	.max_args = ARGS_MANY,
	.run = run_update,
};
