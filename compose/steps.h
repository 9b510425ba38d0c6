/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* What a command on a project has asked of the kernel (base/step.h), by what it was for. */
struct step_part {
	char *name;      /* of the container; NULL: networks */
	int fd;          /* of the records */
	bool is_awaited; /* others have waited until it had done its work */
};

struct step_parts {
	struct step_part *items;
	size_t n;
};

/* @fd is taken over. */
void step_parts_add(struct step_parts *parts, const char *name, int fd, bool is_awaited);
void step_parts_fini(struct step_parts *parts);
#define auto_step_parts __attribute__((cleanup(step_parts_fini)))
