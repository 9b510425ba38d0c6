/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "compose/model.h"
#include "tests/unit/test.h"

/* Files that are not on a disk; ended by a NULL path. */
struct memory_file {
	const char *path, *text;
};

static inline int read_memory(void *data, const char *path, char **ret, size_t *ret_len,
			      struct error *err)
{
	for (const struct memory_file *file = data; file->path; file++) {
		if (strcmp(file->path, path) == 0) {
			*ret = xstrdup(file->text);
			*ret_len = strlen(file->text);
			return 0;
		}
	}
	return err_set(err, ENOENT, "read '%s': no such file or directory", path);
}

/*
 * Loads the first @n of @files as the project in /srv/shop; the others are there to be read.
 * Variables: HOME=/root, TAG=7, EMPTY=.  @profile may be NULL.
 */
static inline int load_memory(struct memory_file *files, size_t n, const char *profile,
			      struct project *project, struct error *err)
{
	struct project_input input = { .read = read_memory, .read_data = files };
	int rc;

	for (size_t i = 0; i < n; i++)
		strv_add(&input.files, files[i].path);
	input.directory = xstrdup("/srv/shop");
	strv_add(&input.env, "HOME=/root");
	strv_add(&input.env, "TAG=7");
	strv_add(&input.env, "EMPTY=");
	if (profile)
		strv_add(&input.profiles, profile);
	rc = project_load(&input, project, err);
	project_input_fini(&input);
	return rc;
}

/* One file, "f". */
static inline int load_text(const char *text, struct project *project, struct error *err)
{
	struct memory_file files[] = { { "f", text }, { NULL, NULL } };

	return load_memory(files, 1, NULL, project, err);
}
