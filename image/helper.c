/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "image/load.h"
#include "image/unwrap.h"

/*
 * minictr-image: everything that parses what a stranger sent.  Started by minictr only, with open
 * files as arguments; it confines itself, and answers with a JSON document.
 */

static const char usage[] =
	"usage: minictr-image load --store-fd N --input-fd N --result-fd N [--quiet] [--pull]\n"
	"                          [--for-others] [--verb WORD] NAME\n"
	"       minictr-image unwrap --store-fd N --input-fd N --output-fd N --result-fd N\n"
	"                          [--verb WORD] NAME\n"
	"       minictr-image --version\n";

static int bad_usage(void)
{
	(void)fputs(usage, stderr);
	return 2;
}

static int parse_fd(const char *text)
{
	struct error err = { 0 };
	uint64_t fd;

	return parse_uint64(text, 1U << 20, &fd, &err) < 0 ? -1 : (int)fd;
}

/* All verbs' arguments; each looks at its own. */
struct arguments {
	int store, input, output, result; /* descriptors; -1: not given */
	const char *name, *verb;          /* @verb is what it is done for */
	bool is_quiet, is_pull, is_for_others;
};

static const struct option options[] = {
	{ "store-fd", required_argument, NULL, 's' },
	{ "input-fd", required_argument, NULL, 'i' },
	{ "output-fd", required_argument, NULL, 'o' },
	{ "result-fd", required_argument, NULL, 'r' },
	{ "verb", required_argument, NULL, 'v' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "pull", no_argument, NULL, 'p' },
	{ "for-others", no_argument, NULL, 'f' },
	{ 0 },
};

static bool take(struct arguments *a, int option)
{
	switch (option) {
	case 's':
		a->store = parse_fd(optarg);
		return true;
	case 'i':
		a->input = parse_fd(optarg);
		return true;
	case 'o':
		a->output = parse_fd(optarg);
		return true;
	case 'r':
		a->result = parse_fd(optarg);
		return true;
	case 'v':
		a->verb = optarg;
		return true;
	case 'q':
		a->is_quiet = true;
		return true;
	case 'p':
		a->is_pull = true;
		return true;
	case 'f':
		a->is_for_others = true;
		return true;
	default:
		return false;
	}
}

static bool parse(int argc, char **argv, struct arguments *ret)
{
	int option;

	*ret = (struct arguments){ -1, -1, -1, -1, .verb = argv[0] };
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (!take(ret, option))
			return false;
	ret->name = argv[optind];
	return ret->store >= 0 && ret->input >= 0 && ret->result >= 0 && optind == argc - 1;
}

static int load_main(const struct arguments *a)
{
	const struct load_options load = {
		.store_fd = a->store,
		.input_fd = a->input,
		.result_fd = a->result,
		.name = a->name,
		.verb = a->verb,
		.is_quiet = a->is_quiet,
		.is_for_others = a->is_for_others,
		.is_pull = a->is_pull,
	};

	return load_run(&load);
}

static int unwrap_main(const struct arguments *a)
{
	const struct unwrap_options unwrap = {
		.root_fd = a->store,
		.input_fd = a->input,
		.output_fd = a->output,
		.result_fd = a->result,
		.name = a->name,
		.verb = a->verb,
	};

	return a->output < 0 ? bad_usage() : unwrap_run(&unwrap);
}

int main(int argc, char **argv)
{
	struct arguments arguments;

	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		(void)puts("minictr-image " MINICTR_VERSION);
		return EXIT_SUCCESS;
	}
	if (argc < 2 || !parse(argc - 1, argv + 1, &arguments))
		return bad_usage();
	if (strcmp(argv[1], "load") == 0)
		return load_main(&arguments);
	if (strcmp(argv[1], "unwrap") == 0)
		return unwrap_main(&arguments);
	return bad_usage();
}
