/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/networks.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/path.h"
#include "base/str.h"

void networks_close(struct networks *networks)
{
	close_fd(&networks->dir.fd);
	free(networks->path);
	*networks = (struct networks)NETWORKS_CLOSED;
}

int networks_open(const struct engine_dirs *dirs, struct networks *ret, struct error *err)
{
	char *path = path_join(dirs->data, "networks");
	int fd = dir_make_open(path, 0700, err);

	*ret = (struct networks){ .dir = { .fd = fd, .path = path }, .path = path };
	if (fd < 0)
		networks_close(ret);
	return fd < 0 ? fd : 0;
}

bool network_is_pseudo(const char *name)
{
	return str_eq(name, "host") || str_eq(name, "none");
}
