/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile JSON FILTER CAPABILITY...
 *
 * Writes minictr's default seccomp profile for these capabilities, so that everybody who is
 * measured confines alike: as the OCI object for config.json, and compiled for tests/bench/floor.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <jansson.h>

#include "base/error.h"
#include "base/str.h"
#include "runtime/seccomp.h"

static int write_filter(const char *path, const struct seccomp_program *program)
{
	size_t size = program->n * sizeof(*program->filter);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, program->filter, size) != (ssize_t)size)
		return -1;
	return close(fd);
}

int main(int argc, char **argv)
{
	const struct dir no_cache = { .fd = -1, .path = "" };
	struct seccomp_program program = { 0 };
	struct spec_seccomp rules = { 0 };
	struct strv capabilities = { 0 };
	struct error err = { 0 };

	if (argc < 3) {
		(void)fprintf(stderr, "usage: profile JSON FILTER CAPABILITY...\n");
		return 2;
	}
	for (int i = 3; i < argc; i++)
		strv_add(&capabilities, argv[i]);
	seccomp_default(&capabilities, &rules);
	if (json_dump_file(seccomp_to_json(&rules), argv[1], JSON_INDENT(1)) < 0) {
		perror(argv[1]);
		return 1;
	}
	if (seccomp_program_get(&rules, &no_cache, &program, &err) < 0) {
		(void)fprintf(stderr, "profile: %s\n", err.msg);
		return 1;
	}
	if (write_filter(argv[2], &program) < 0) {
		perror(argv[2]);
		return 1;
	}
	(void)printf("%u instructions\n", (unsigned int)program.n);
	return 0;
}
