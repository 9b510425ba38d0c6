/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/command.h"
#include "tests/unit/base/temp.h"
#include "tests/unit/test.h"

struct run_options {
	bool is_detached;
	char *name;
	int patience;
};

static const struct opt run_opts[] = {
	{ "detach", 'd', OPT_FLAG, OPT_FIELD(struct run_options, is_detached), NULL,
	  "Do not wait for the end" },
	{ "name", 0, OPT_STRING, OPT_FIELD(struct run_options, name), "NAME", "Name it" },
	OPTS_END,
};

static void run_init(void *options)
{
	((struct run_options *)options)->patience = 7;
}

static void run_fini(void *options)
{
	free(((struct run_options *)options)->name);
}

/* The exit status tells what arrived. */
static int run(void *options, const struct strv *args, struct error *err)
{
	const struct run_options *o = options;

	if (o->name && strcmp(o->name, "fail") == 0)
		return err_set(err, EBUSY, "take name '%s': in use", o->name);
	if (o->name && strcmp(o->name, "missing") == 0) {
		(void)err_set(err, ENOENT, "no command\033[2J");
		return err_exit(err, 127);
	}
	return o->patience * 10 + (int)args->n + (o->is_detached ? 100 : 0);
}

static int list(void *options, const struct strv *args, struct error *err)
{
	(void)options;
	(void)err;
	return 40 + (int)args->n;
}

static const struct command run_command = {
	.name = "run",
	.group = "Containers",
	.summary = "Run a command in a new container",
	.synopsis = "[OPTIONS] IMAGE [COMMAND] [ARG...]",
	.details = "The exit status is the command's own.",
	.opts = run_opts,
	.options_size = sizeof(struct run_options),
	.options_init = run_init,
	.options_fini = run_fini,
	.min_args = 1,
	.max_args = ARGS_MANY,
	.stops_at_arg = true,
	.usage_status = 125,
	.run = run,
};
static const struct command ps_command = {
	.name = "ps",
	.group = "Containers",
	.summary = "List containers",
	.run = list,
};
static const struct command images_command = {
	.name = "images",
	.group = "Images",
	.summary = "List images",
	.run = list,
	.max_args = 1,
	.synopsis = "[NAME]",
};
static const struct command create_command = {
	.name = "network create",
	.group = "Networks",
	.summary = "Create a network",
	.synopsis = "NAME",
	.min_args = 1,
	.max_args = 1,
	.run = list,
};
static const struct command hidden_command = {
	.name = "secret",
	.summary = "Not listed",
	.run = list,
};
static const struct command *const commands[] = {
	&run_command, &ps_command, &images_command, &create_command, &hidden_command, NULL,
};

struct global_options {
	bool is_debug;
	bool is_version;
};

static const struct opt global_opts[] = {
	{ "debug", 'D', OPT_FLAG, OPT_FIELD(struct global_options, is_debug), NULL, "Say more" },
	{ "version", 'v', OPT_FLAG, OPT_FIELD(struct global_options, is_version), NULL,
	  "Print the version" },
	OPTS_END,
};

static int run_global(void *options, const struct strv *args, struct error *err)
{
	const struct global_options *o = options;

	(void)args;
	(void)err;
	return o->is_version ? 99 : 0;
}

static const struct command global = {
	.name = "minictr",
	.summary = "A container engine",
	.synopsis = "[OPTIONS] COMMAND [ARG...]",
	.opts = global_opts,
	.options_size = sizeof(struct global_options),
	.run = run_global,
};

/* Runs a line with stdout and stderr in files; both outputs come back as one text. */
static int run_line(const char *line, char **ret_output)
{
	auto_strv struct strv words = { 0 };
	struct error err = { 0 };
	struct temp temp;
	int fd;
	int status;

	temp_make(&temp);
	fd = openat(temp.dir.fd, "output", O_RDWR | O_CREAT | O_CLOEXEC | O_APPEND, 0600);
	ck_assert_int_eq(dup2(fd, STDOUT_FILENO), STDOUT_FILENO);
	ck_assert_int_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	strv_split(&words, line, ' ');
	status = commands_main(&global, commands, (int)words.n, strv_items(&words));
	(void)fflush(stdout);
	ck_assert_int_eq(file_read_at(&temp.dir, "output", 1 << 20, ret_output, NULL, &err), 0);
	temp_remove(&temp);
	close_fd(&fd);
	return status;
}

START_TEST(runs)
{
	static const struct {
		const char *line;
		int status;
		const char *output;
	} rows[] = {
		{ "minictr run image", 71, "" },
		{ "minictr run image ls -l --nope", 74, "" },
		{ "minictr -D run -d image", 171, "" },
		{ "minictr ps", 40, "" },
		{ "minictr images x", 41, "" },
		{ "minictr network create x", 41, "" },
		{ "minictr secret", 40, "" },
		{ "minictr --version", 99, "" },
		{ "minictr", 1, "minictr: no command (see 'minictr --help')\n" },
		{ "minictr --nope", 1, "minictr: unknown option '--nope'\n" },
		{ "minictr rnu", 3, "minictr: unknown command 'rnu': did you mean 'run'?\n" },
		{ "minictr secrets", 3,
		  "minictr: unknown command 'secrets' (see 'minictr --help')\n" },
		{ "minictr frob", 3, "minictr: unknown command 'frob' (see 'minictr --help')\n" },
		{ "minictr network", 1,
		  "minictr: 'network' needs a command behind it (see 'minictr network --help')\n" },
		{ "minictr network craete x", 3,
		  "minictr: unknown command 'network craete': did you mean 'network create'?\n" },
		{ "minictr run", 125,
		  "minictr: 'run' needs at least 1 argument: minictr run [OPTIONS] IMAGE [COMMAND] "
		  "[ARG...]\n" },
		{ "minictr run --detahc x", 125,
		  "minictr: unknown option '--detahc': did you mean '--detach'?\n" },
		{ "minictr ps x", 1, "minictr: 'ps' takes no arguments\n" },
		{ "minictr images x y", 1,
		  "minictr: 'images' needs at most 1 argument: minictr images [NAME]\n" },
		{ "minictr network create x y", 1,
		  "minictr: 'network create' needs exactly 1 argument: minictr network create NAME\n" },
		{ "minictr run --name fail x", 125, "minictr: take name 'fail': in use\n" },
		{ "minictr run --name missing x", 127, "minictr: no command\\x1b[2J\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_free char *output = NULL;
		int status = run_line(rows[i].line, &output);

		ck_assert_str_eq(output, rows[i].output);
		ck_assert_int_eq(status, rows[i].status);
	}
}
END_TEST

START_TEST(prints_help_of_all)
{
	static const char expected[] = "Usage: minictr [OPTIONS] COMMAND [ARG...]\n"
				       "\n"
				       "A container engine\n"
				       "\n"
				       "Containers:\n"
				       "  run              Run a command in a new container\n"
				       "  ps               List containers\n"
				       "\n"
				       "Images:\n"
				       "  images           List images\n"
				       "\n"
				       "Networks:\n"
				       "  network create   Create a network\n"
				       "\n"
				       "Options:\n"
				       "  -D, --debug    Say more\n"
				       "  -v, --version  Print the version\n"
				       "\n"
				       "'minictr COMMAND --help' tells more about a command.\n";
	auto_free char *output = NULL;

	ck_assert_int_eq(run_line("minictr --help", &output), 0);
	ck_assert_str_eq(output, expected);
}
END_TEST

START_TEST(prints_help_of_one)
{
	static const char expected[] = "Usage: minictr run [OPTIONS] IMAGE [COMMAND] [ARG...]\n"
				       "\n"
				       "Run a command in a new container\n"
				       "\n"
				       "The exit status is the command's own.\n"
				       "\n"
				       "Options:\n"
				       "  -d, --detach     Do not wait for the end\n"
				       "      --name NAME  Name it\n";
	auto_free char *output = NULL;

	ck_assert_int_eq(run_line("minictr run --help", &output), 0);
	ck_assert_str_eq(output, expected);
}
END_TEST

START_TEST(prints_help_of_a_family)
{
	auto_free char *output = NULL;

	ck_assert_int_eq(run_line("minictr network --help", &output), 0);
	ck_assert_str_eq(output, "Usage: minictr network COMMAND [ARG...]\n\nCommands:\n"
				 "  network create   Create a network\n");
}
END_TEST

START_TEST(refuses_what_it_has_not)
{
	static const struct command refused = { .name = "checkpoint", .refusal = "no way" };
	char help[] = "--help", unknown[] = "-x";
	char *const words[][2] = { { NULL, NULL }, { help, NULL }, { unknown, NULL } };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		struct error err = { 0 };

		ck_assert_int_eq(command_run(&refused, words[i][0] ? 1 : 0, words[i], &err),
				 -ENOTSUP);
		ck_assert_str_eq(err.msg, "checkpoint is not supported: no way");
	}
}
END_TEST

TEST_MAIN("cli/command", runs, refuses_what_it_has_not, prints_help_of_all, prints_help_of_one,
	  prints_help_of_a_family)
