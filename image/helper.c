/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
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

static int load_main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "store-fd", required_argument, NULL, 's' },
		{ "input-fd", required_argument, NULL, 'i' },
		{ "result-fd", required_argument, NULL, 'r' },
		{ "verb", required_argument, NULL, 'v' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "pull", no_argument, NULL, 'p' },
		{ "for-others", no_argument, NULL, 'f' },
		{ 0 },
	};
	struct load_options load = {
		.store_fd = -1,
		.input_fd = -1,
		.result_fd = -1,
		.verb = "load",
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 's':
			load.store_fd = parse_fd(optarg);
			break;
		case 'i':
			load.input_fd = parse_fd(optarg);
			break;
		case 'r':
			load.result_fd = parse_fd(optarg);
			break;
		case 'v':
			load.verb = optarg;
			break;
		case 'f':
			load.is_for_others = true;
			break;
		case 'q':
			load.is_quiet = true;
			break;
		case 'p':
			load.is_pull = true;
			break;
		default:
			return bad_usage();
		}
	}
	if (load.store_fd < 0 || load.input_fd < 0 || load.result_fd < 0 || optind != argc - 1)
		return bad_usage();
	load.name = argv[optind];
	return load_run(&load);
}

static int unwrap_main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "store-fd", required_argument, NULL, 's' },
		{ "input-fd", required_argument, NULL, 'i' },
		{ "output-fd", required_argument, NULL, 'o' },
		{ "result-fd", required_argument, NULL, 'r' },
		{ "verb", required_argument, NULL, 'v' },
		{ 0 },
	};
	struct unwrap_options unwrap = { -1, -1, -1, -1, .verb = "unwrap" };
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 's':
			unwrap.root_fd = parse_fd(optarg);
			break;
		case 'i':
			unwrap.input_fd = parse_fd(optarg);
			break;
		case 'o':
			unwrap.output_fd = parse_fd(optarg);
			break;
		case 'r':
			unwrap.result_fd = parse_fd(optarg);
			break;
		case 'v':
			unwrap.verb = optarg;
			break;
		default:
			return bad_usage();
		}
	}
	if (unwrap.root_fd < 0 || unwrap.input_fd < 0 || unwrap.output_fd < 0 ||
	    unwrap.result_fd < 0 || optind != argc - 1)
		return bad_usage();
	unwrap.name = argv[optind];
	return unwrap_run(&unwrap);
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		(void)puts("minictr-image " MINICTR_VERSION);
		return EXIT_SUCCESS;
	}
	if (argc >= 2 && strcmp(argv[1], "load") == 0)
		return load_main(argc - 1, argv + 1);
	if (argc >= 2 && strcmp(argv[1], "unwrap") == 0)
		return unwrap_main(argc - 1, argv + 1);
	return bad_usage();
}
