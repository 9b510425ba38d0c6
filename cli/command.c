/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/sys_exe.h"
#include "base/word.h"

static const struct opt no_opts[] = { OPTS_END };

static const struct opt *opts_of(const struct command *command)
{
	return command->opts ? command->opts : no_opts;
}

static bool has_shown_opts(const struct opt *opts)
{
	struct str text = { 0 };
	bool has = false;

	opts_help(opts, &text);
	has = text.len;
	str_fini(&text);
	return has;
}

/* The headings of a table stand for themselves; without one at the top it gets "Options:". */
static void add_opts(const struct opt *opts, struct str *ret)
{
	if (!has_shown_opts(opts))
		return;
	if (opts[0].kind != OPT_HEADING)
		str_add(ret, "\nOptions:\n");
	opts_help(opts, ret);
}

char *command_help(const struct command *command)
{
	struct str text = { 0 };

	str_addf(&text, "Usage: minictr %s%s%s\n\n%s\n", command->name,
		 command->synopsis ? " " : "", command->synopsis ? command->synopsis : "",
		 command->summary);
	if (command->details)
		str_addf(&text, "\n%s\n", command->details);
	add_opts(opts_of(command), &text);
	return str_take(&text);
}

static bool is_listed_under(const struct command *command, const char *group, const char *prefix)
{
	if (prefix)
		return str_starts(command->name, prefix) && command->name[strlen(prefix)] == ' ';
	return command->group && str_eq(command->group, group);
}

/* The first of its group, so that a group is listed once, where it first appears. */
static bool is_first_of_group(const struct command *const *commands, size_t i)
{
	if (!commands[i]->group)
		return false;
	for (size_t j = 0; j < i; j++) {
		if (str_eq(commands[j]->group, commands[i]->group))
			return false;
	}
	return true;
}

static size_t widest_name(const struct command *const *commands)
{
	size_t width = 0;

	for (; *commands; commands++) {
		if ((*commands)->group)
			width = MAX(width, strlen((*commands)->name));
	}
	return width;
}

static void list_group(const struct command *const *commands, const char *group, const char *prefix,
		       struct str *ret)
{
	size_t at = widest_name(commands) + 5;

	for (; *commands; commands++) {
		auto_free char *left = xasprintf("  %s", (*commands)->name);

		if (is_listed_under(*commands, group, prefix))
			opts_help_line(ret, left, (*commands)->summary, at);
	}
}

char *commands_help(const struct command *global, const struct command *const *commands)
{
	struct str text = { 0 };

	str_addf(&text, "Usage: minictr %s\n\n%s\n", global->synopsis, global->summary);
	for (size_t i = 0; commands[i]; i++) {
		if (!is_first_of_group(commands, i))
			continue;
		str_addf(&text, "\n%s:\n", commands[i]->group);
		list_group(commands, commands[i]->group, NULL, &text);
	}
	add_opts(opts_of(global), &text);
	str_add(&text, "\n'minictr COMMAND --help' tells more about a command.\n");
	return str_take(&text);
}

static const struct command *find_name(const struct command *const *commands, const char *name,
				       int argc, char *const argv[])
{
	for (; *commands; commands++) {
		const struct command *c = *commands;

		if (strcmp(c->name, name) == 0 && (!c->is_meant || c->is_meant(argc, argv)))
			return c;
	}
	return NULL;
}

static bool is_prefix(const struct command *const *commands, const char *word)
{
	for (; *commands; commands++) {
		if (is_listed_under(*commands, NULL, word))
			return true;
	}
	return false;
}

/* What runc ends with then, and no command of ours does: callers can tell "has no such verb". */
#define STATUS_NO_COMMAND 3

static int unknown_command(const struct command *const *commands, const char *name,
			   struct error *err)
{
	const struct command *best = NULL;

	for (; *commands; commands++) {
		if (!(*commands)->group || !word_is_close(name, (*commands)->name))
			continue;
		if (!best ||
		    word_distance(name, (*commands)->name) < word_distance(name, best->name))
			best = *commands;
	}
	if (best)
		(void)err_set(err, EINVAL, "unknown command '%s': did you mean '%s'?", name,
			      best->name);
	else
		(void)err_set(err, EINVAL, "unknown command '%s' (see 'minictr --help')", name);
	return err_exit(err, STATUS_NO_COMMAND);
}

int command_find(const struct command *const *commands, int argc, char *const argv[],
		 const struct command **ret, int *ret_words, struct error *err)
{
	auto_free char *two = argc > 1 ? xasprintf("%s %s", argv[0], argv[1]) : NULL;
	const struct command *found = NULL;

	if (argc == 0)
		return err_set(err, EINVAL, "no command (see 'minictr --help')");
	*ret_words = 2;
	if (two)
		found = find_name(commands, two, argc - 2, argv + 2);
	if (!found) {
		*ret_words = 1;
		found = find_name(commands, argv[0], argc - 1, argv + 1);
	}
	if (found) {
		*ret = found;
		return 0;
	}
	if (!is_prefix(commands, argv[0]))
		return unknown_command(commands, argv[0], err);
	if (two && argv[1][0] != '-')
		return unknown_command(commands, two, err);
	return err_set(err, EINVAL, "'%s' needs a command behind it (see 'minictr %s --help')",
		       argv[0], argv[0]);
}

static int check_args(const struct command *command, size_t n, struct error *err)
{
	const char *few = n < command->min_args ? "at least" : "at most";
	size_t limit = n < command->min_args ? command->min_args : command->max_args;

	if (n >= command->min_args && n <= command->max_args)
		return 0;
	if (limit == 0)
		return err_set(err, EINVAL, "'%s' takes no arguments", command->name);
	if (command->min_args == command->max_args)
		few = "exactly";
	return err_set(err, EINVAL, "'%s' needs %s %zu argument%s: minictr %s %s", command->name,
		       few, limit, limit == 1 ? "" : "s", command->name,
		       command->synopsis ? command->synopsis : "");
}

static int parse_and_run(const struct command *command, int argc, char *const argv[], void *options,
			 struct error *err)
{
	auto_strv struct strv args = { 0 };
	int rc = opts_parse(opts_of(command), command->stops_at_arg, argc, argv, options, &args,
			    err);

	if (rc == OPTS_HELP) {
		auto_free char *help = command_help(command);

		return fputs(help, stdout) < 0 ? err_sys(err, "write the help") : 0;
	}
	if (rc == 0)
		rc = check_args(command, args.n, err);
	if (rc < 0) {
		err->status = command->usage_status ? command->usage_status : 1;
		return rc;
	}
	rc = command->is_protected ? sys_exe_protect(err) : 0;
	return rc < 0 ? rc : command->run(options, &args, err);
}

int command_run(const struct command *command, int argc, char *const argv[], struct error *err)
{
	auto_free void *options = xcalloc(1, MAX(command->options_size, 1U));
	int rc;

	if (command->refusal)
		return err_set(err, ENOTSUP, "%s is not supported: %s", command->name,
			       command->refusal);
	if (command->options_init)
		command->options_init(options);
	rc = parse_and_run(command, argc, argv, options, err);
	if (command->options_fini)
		command->options_fini(options);
	if (rc < 0 && !err->status)
		err->status = command->usage_status ? command->usage_status : 1;
	return rc;
}

/* `minictr network --help` */
static char *prefix_help(const struct command *const *commands, const char *prefix)
{
	struct str text = { 0 };

	str_addf(&text, "Usage: minictr %s COMMAND [ARG...]\n\nCommands:\n", prefix);
	list_group(commands, NULL, prefix, &text);
	return str_take(&text);
}

static bool is_help_word(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* -EINVAL if it is for nobody's help that one asked. */
static int print_help(const struct command *global, const struct command *const *commands,
		      const struct strv *args)
{
	auto_free char *help = NULL;

	if (args->n == 0)
		help = commands_help(global, commands);
	else if (args->n == 2 && is_help_word(args->items[1]) &&
		 is_prefix(commands, args->items[0]))
		help = prefix_help(commands, args->items[0]);
	if (!help)
		return -EINVAL;
	return fputs(help, stdout) < 0 ? -EIO : 0;
}

static int find_and_run(const struct command *global, const struct command *const *commands,
			const struct strv *args, struct error *err)
{
	const struct command *command = NULL;
	int words = 0;
	int rc;

	if (args->n == 2 && is_help_word(args->items[1]) &&
	    !find_name(commands, args->items[0], 0, NULL) &&
	    print_help(global, commands, args) == 0)
		return 0;
	rc = command_find(commands, (int)args->n, strv_items(args), &command, &words, err);
	if (rc < 0)
		return rc;
	return command_run(command, (int)args->n - words, strv_items(args) + words, err);
}

static int run_all(const struct command *global, const struct command *const *commands, int argc,
		   char *const argv[], void *options, struct error *err)
{
	static const struct strv nothing;
	auto_strv struct strv args = { 0 };
	int rc = opts_parse(opts_of(global), true, argc, argv, options, &args, err);

	if (rc == OPTS_HELP)
		return print_help(global, commands, &nothing);
	if (rc == 0 && global->run)
		rc = global->run(options, &args, err);
	if (rc != 0)
		return rc;
	return find_and_run(global, commands, &args, err);
}

int commands_main(const struct command *global, const struct command *const *commands, int argc,
		  char *const argv[])
{
	auto_free void *options = xcalloc(1, MAX(global->options_size, 1U));
	auto_free char *text = NULL;
	struct error err = { 0 };
	int rc;

	if (global->options_init)
		global->options_init(options);
	rc = run_all(global, commands, argc - 1, argv + 1, options, &err);
	if (global->options_fini)
		global->options_fini(options);
	if (rc >= 0)
		return rc;

	text = str_escape(err.msg);
	log_error("%s", text);
	return err.status ? err.status : 1;
}
