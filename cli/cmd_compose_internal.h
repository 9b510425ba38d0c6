/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/command.h"
#include "compose/input.h"
#include "compose/model.h"

/* What the commands of `minictr compose` have in common. */
extern const struct command compose_create, compose_down, compose_exec, compose_images,
	compose_kill, compose_logs, compose_pause, compose_port, compose_ps, compose_pull,
	compose_restart, compose_rm, compose_start, compose_stop, compose_top, compose_unpause,
	compose_up;

/*
 * Which project it is: before the command's name and behind it.  @letter: what --file is for short,
 * 'f' or 0 where that is something else behind the name.
 */
#define CHOICE_OPTS(struct_, letter)                                                              \
	{ "file",   letter,                                                                       \
	  OPT_LIST, OPT_FIELD(struct_, choice.files),                                             \
	  "FILE",   "Project file, YAML or JSON; several are merged" },                           \
		{ "project-name",       'p', OPT_STRING, OPT_FIELD(struct_, choice.name), "NAME", \
		  "Name of the project" },                                                        \
		{ "env-file", 0,                                                                  \
		  OPT_LIST,   OPT_FIELD(struct_, choice.env_files),                               \
		  "FILE",     "Variables for the project files (.env)" },                         \
		{ "profile", 0,                                                                   \
		  OPT_LIST,  OPT_FIELD(struct_, choice.profiles),                                 \
		  "NAME",    "Take services of this profile too" },                               \
	{                                                                                         \
		"project-directory", 0, OPT_STRING, OPT_FIELD(struct_, choice.directory), "DIR",  \
			"What paths are relative to (that of the first file)"                     \
	}

/* `compose config stack.json web`: what looks like a file is one. */
bool project_is_file(const char *arg);
void project_choice_args(const struct strv *args, struct project_choice *choice);

/* Reads the project, and says what it warned of. */
int project_choice_load(const struct project_choice *choice, struct project *ret,
			struct error *err);

/*
 * All of that, and which services were named (none: all): a bool each, the caller's to free.  -EINVAL
 * for one that is not there.
 */
int project_choose(const struct strv *args, struct project_choice *choice, struct project *ret,
		   bool **ret_wanted, struct error *err);
