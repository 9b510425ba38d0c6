/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/trees.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/mount.h>

#include "base/fd.h"
#include "base/mem.h"
#include "runtime/plan.h"

struct sys_bind trees_bind_root(const struct plan *plan, int source)
{
	/* pivot_root(2) wants a mount point, and its parent must not be shared. */
	return (struct sys_bind){
		.source = { .fd = source, .path = plan->rootfs },
		.is_recursive = true,
		.propagation = MS_PRIVATE,
	};
}

struct sys_bind trees_bind_mount(const struct plan *plan, size_t i, int source)
{
	const struct plan_mount *m = &plan->mounts[i];

	return (struct sys_bind){
		.source = { .fd = source, .path = m->source },
		.is_recursive = m->options.is_recursive,
		.attr_set = m->options.attr_set,
		.attr_clr = m->options.attr_clr,
		.rec_attr_set = m->options.rec_attr_set,
		.rec_attr_clr = m->options.rec_attr_clr,
		.propagation = m->options.propagation,
	};
}

static int open_source(const char *path, int flags, struct error *err)
{
	int fd = open(path, O_PATH | O_CLOEXEC | flags);

	return fd < 0 ? err_sys(err, "bind '%s'", path) : fd;
}

static int open_root(const struct plan *plan, int *ret, struct error *err)
{
	auto_fd int source = open_source(plan->rootfs, O_DIRECTORY, err);
	struct sys_bind bind;

	if (source < 0)
		return source;
	bind = trees_bind_root(plan, source);
	*ret = sys_bind_open(&bind, err);
	return *ret < 0 ? *ret : 0;
}

static int open_mount(const struct plan *plan, size_t i, int *ret, struct error *err)
{
	auto_fd int source = open_source(plan->mounts[i].source, 0, err);
	struct sys_bind bind;

	if (source < 0)
		return source;
	bind = trees_bind_mount(plan, i, source);
	*ret = sys_bind_open(&bind, err);
	return *ret < 0 ? *ret : 0;
}

int trees_open(const struct plan *plan, struct trees *ret, struct error *err)
{
	struct trees trees = { .root = -1, .n = plan->n_mounts };
	int rc;

	trees.mounts = xcalloc(trees.n, sizeof(*trees.mounts));
	for (size_t i = 0; i < trees.n; i++)
		trees.mounts[i] = -1;
	rc = open_root(plan, &trees.root, err);
	for (size_t i = 0; rc == 0 && i < trees.n; i++) {
		if (plan->mounts[i].options.is_bind)
			rc = open_mount(plan, i, &trees.mounts[i], err);
	}
	if (rc < 0) {
		trees_fini(&trees);
		return rc;
	}
	*ret = trees;
	return 0;
}

void trees_fini(struct trees *trees)
{
	close_fd(&trees->root);
	for (size_t i = 0; i < trees->n; i++)
		close_fd(&trees->mounts[i]);
	free(trees->mounts);
	*trees = (struct trees){ .root = -1 };
}
