/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/opts.h"

/*
 * A command of minictr.  The table of all of them ends with a NULL name.
 *
 *	static const struct command rm_command = {
 *		.name = "rm",
 *		.group = "Containers",
 *		.summary = "Remove containers",
 *		.synopsis = "[OPTIONS] NAME [NAME...]",
 *		.opts = rm_opts,
 *		.options_size = sizeof(struct rm_options),
 *		.min_args = 1,
 *		.max_args = ARGS_MANY,
 *		.run = run_rm,
 *	};
 */
struct command {
	const char *name;     /* "run", or two words: "network create" */
	const char *group;    /* heading in `minictr --help`; NULL: not listed */
	const char *summary;  /* one line, without a full stop */
	const char *synopsis; /* behind the name in "Usage:" */
	const char *details;  /* further paragraphs, lines of at most 80 columns; may be NULL */

	const struct opt *opts;              /* NULL: none */
	size_t options_size;                 /* of the struct that they fill; it begins zeroed */
	void (*options_init)(void *options); /* other defaults than zero; may be NULL */
	void (*options_fini)(void *options); /* may be NULL */

	size_t min_args, max_args;
	bool stops_at_arg; /* what follows the first argument is not ours: run IMAGE ls -l */
	int usage_status;  /* exit status for wrong usage; 0: 1 */

	/*
	 * A copy of our process executes programs in containers, now or later (a supervisor's probes):
	 * it runs from a program file that containers cannot write to (base/sys_exe.h).
	 */
	bool is_protected;

	/*
	 * Where commands share a name: whether these words behind it mean this one.  The first that
	 * is meant is taken; NULL: always.
	 */
	bool (*is_meant)(int argc, char *const argv[]);

	/*
	 * Of a command that others know and we do not have: why not.  It fails whatever follows it,
	 * --help too: that is how callers find out.  NULL: it is one of ours.
	 */
	const char *refusal;

	/* Returns the exit status (0..255), or a negative errno with @err. */
	int (*run)(void *options, const struct strv *args, struct error *err);
};

#define ARGS_MANY SIZE_MAX

/* "Usage: ..." with all options; caller frees. */
char *command_help(const struct command *command);

/* The same for minictr as a whole: @global has the synopsis and the global options. */
char *commands_help(const struct command *global, const struct command *const *commands);

/*
 * Finds the command that argv[0..argc) begins with, of one or two words; *ret_words says how many.
 * -EINVAL with "unknown command 'x': did you mean 'y'?" and exit status 3 if there is none.
 */
int command_find(const struct command *const *commands, int argc, char *const argv[],
		 const struct command **ret, int *ret_words, struct error *err);

/*
 * Parses argv[0..argc) (behind the command's name), checks the number of arguments, runs.  Returns
 * the exit status, or a negative errno with @err (err->status is the exit status).  --help is
 * printed to stdout, and 0.
 */
int command_run(const struct command *command, int argc, char *const argv[], struct error *err);

/*
 * The whole of it: global options by @global (its run() sees the options and the remaining words
 * first, and a non-zero return ends it), then a command.  Prints the final error as one line
 * "minictr: ..." to stderr and returns the exit status.
 */
int commands_main(const struct command *global, const struct command *const *commands, int argc,
		  char *const argv[]);
