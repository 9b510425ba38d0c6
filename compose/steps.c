/* SPDX-License-Identifier: Apache-2.0 */
#include "compose/steps.h"

#include "base/fd.h"
#include "base/mem.h"

void step_parts_add(struct step_parts *parts, const char *name, int fd, bool is_awaited)
{
	parts->items = xrealloc(parts->items, parts->n + 1, sizeof(*parts->items));
	parts->items[parts->n++] = (struct step_part){
		.name = xstrdup(name),
		.fd = fd,
		.is_awaited = is_awaited,
	};
}

void step_parts_fini(struct step_parts *parts)
{
	for (size_t i = 0; i < parts->n; i++) {
		free(parts->items[i].name);
		close_fd(&parts->items[i].fd);
	}
	free(parts->items);
	*parts = (struct step_parts){ 0 };
}
