/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include <check.h>

#include "base/fd.h"
#include "base/file.h"

/* A directory of the test's own; temp_remove() takes it away with all that is in it. */
struct temp {
	char path[64];
	struct dir dir;
};

static inline void temp_make(struct temp *temp)
{
	(void)snprintf(temp->path, sizeof(temp->path), "/tmp/minictr-unit-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(temp->path));
	temp->dir.path = temp->path;
	temp->dir.fd = open(temp->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(temp->dir.fd, 0);
}

static inline void temp_remove(struct temp *temp)
{
	const struct dir tmp = { .fd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
				 .path = "/tmp" };
	struct error err;

	ck_assert_int_eq(tree_remove_at(&tmp, temp->path + sizeof("/tmp/") - 1, &err), 0);
	close_fd(&temp->dir.fd);
}
