/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/enum.h"
#include "base/error.h"
#include "base/str.h"

/*
 * Options of a command: one table fills the struct, and prints the help.
 *
 * Understood as docker's users write them: --x V, --x=V, -x V, -xV, -x=V, flags in a bundle (-it),
 * --x=false and --no-x for flags, "--" before the first argument.
 */
enum opt_kind {
	OPT_FLAG,     /* bool */
	OPT_STRING,   /* char *, owned; the last one counts */
	OPT_LIST,     /* struct strv; one more each time */
	OPT_INT,      /* int, from @min to @max */
	OPT_INT64,    /* int64_t, from @min to @max */
	OPT_UINT64,   /* uint64_t */
	OPT_SIZE,     /* uint64_t, bytes: "64m" */
	OPT_DURATION, /* int64_t, nanoseconds: "1m30s" */
	OPT_CPUS,     /* int64_t, billionths of a CPU: "0.5" */
	OPT_ENUM,     /* int, by @names */
	OPT_PARSE,    /* whatever @parse makes of it */
	OPT_HEADING,  /* no option: @help is a heading of its own in the help */
};

/* @field is the member at @offset (the whole struct if that is 0); called in order of arrival. */
typedef int opt_parser(const char *text, void *field, struct error *err);

struct opt {
	const char *name; /* long, without "--"; NULL: only @letter */
	char letter;      /* 0: none */
	enum opt_kind kind;
	size_t offset;
	const char *arg;  /* what stands for the value in the help: "SIZE" */
	const char *help; /* one sentence without a full stop; NULL: not shown */

	/* By name, where needed. */
	opt_parser *parse;
	const struct enum_name *names;
	const char *optional; /* the value if none is given; another one comes only by "=" */
	size_t present;       /* OPT_HAS(): a bool to set to true */
	int64_t min, max;     /* both 0: the type's own */
};

#define OPT_FIELD(struct_, member) offsetof(struct_, member)
#define OPT_HAS(struct_, member)   (offsetof(struct_, member) + 1)

/* Tables end with this row. */
#define OPTS_END             \
	{                    \
		.arg = NULL, \
	}

/* More than an error: opts_parse() met --help (or -h, where the table does not use it). */
#define OPTS_HELP 1

/*
 * Reads argv[0..argc) (without the command's name) into @options; what is no option is added to
 * @args, and everything behind the first such word too if @stops_at_arg.
 *
 * Returns 0, OPTS_HELP, or -EINVAL with one line in @err.
 */
int opts_parse(const struct opt *table, bool stops_at_arg, int argc, char *const argv[],
	       void *options, struct strv *args, struct error *err);

/* Adds the table as it stands in a help text: aligned, at most 80 columns. */
void opts_help(const struct opt *table, struct str *ret);

/* One line of such a help: @left, then @help from column @at on, wrapped. */
void opts_help_line(struct str *ret, const char *left, const char *help, size_t at);
