/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/opts.h"
#include "engine/exec.h"

/* What `exec` and `compose exec` have in common. */
struct exec_request {
	struct engine_exec exec;
	struct strv env_files;
};

void exec_request_fini(struct exec_request *request);

/*
 * Runs @args from the @first on in @container, at our standard streams; closes all other
 * descriptors.  Returns what engine_exec() does.
 */
int exec_request_run(struct exec_request *request, const char *container, const struct strv *args,
		     size_t first, struct error *err);

/* -e: NAME=VALUE, or a variable of ours by its name. */
int exec_add_env(const char *text, void *field, struct error *err);

/* @base: the offset of a struct exec_request in what the options fill. */
#define EXEC_OPTS(base)                                                                        \
	{ .name = "detach",                                                                    \
	  .letter = 'd',                                                                       \
	  .kind = OPT_FLAG,                                                                    \
	  .offset = (base) + OPT_FIELD(struct exec_request, exec.is_detached),                 \
	  .help = "Return once it runs" },                                                     \
		{ .name = "env",                                                               \
		  .letter = 'e',                                                               \
		  .kind = OPT_PARSE,                                                           \
		  .parse = exec_add_env,                                                       \
		  .offset = (base) + OPT_FIELD(struct exec_request, exec.env),                 \
		  .arg = "NAME[=VALUE]",                                                       \
		  .help = "Set a variable of the environment" },                               \
		{ .name = "env-file",                                                          \
		  .kind = OPT_LIST,                                                            \
		  .offset = (base) + OPT_FIELD(struct exec_request, env_files),                \
		  .arg = "FILE",                                                               \
		  .help = "Set those in FILE" },                                               \
		{ .name = "privileged",                                                        \
		  .kind = OPT_FLAG,                                                            \
		  .offset = (base) + OPT_FIELD(struct exec_request, exec.is_privileged),       \
		  .help = "Give it all capabilities" },                                        \
		{ .name = "user",                                                              \
		  .letter = 'u',                                                               \
		  .kind = OPT_STRING,                                                          \
		  .offset = (base) + OPT_FIELD(struct exec_request, exec.user),                \
		  .arg = "NAME|UID[:GROUP|GID]",                                               \
		  .help = "Run it as this user of the container" },                            \
	{                                                                                      \
		.name = "workdir", .letter = 'w', .kind = OPT_STRING,                          \
		.offset = (base) + OPT_FIELD(struct exec_request, exec.workdir), .arg = "DIR", \
		.help = "Run it in this directory of the container"                            \
	}
