/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/trees.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/mount.h>

#include "base/fd.h"
#include "base/mem.h"
#include "runtime/idmap.h"
#include "runtime/namespaces.h"
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
		.is_idmap_recursive = m->options.is_idmap_recursive,
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

/* The user namespace whose maps are those of the mount. */
static int open_mapping(const struct plan *plan, const struct plan_mount *m, struct error *err)
{
	const char *joined = namespace_path(plan->spec, SPEC_NS_USER);
	int fd;

	if (m->n_uid_maps) {
		fd = idmap_open(m, err);
		return fd < 0 ? err_wrap(err, "bind '%s': map its ids", m->source) : fd;
	}
	fd = open(joined, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? err_sys(err, "open namespace '%s'", joined) : fd;
}

static int open_mount(const struct plan *plan, size_t i, int *ret, struct error *err)
{
	auto_fd int source = open_source(plan->mounts[i].source, 0, err);
	auto_fd int user_ns = -1;
	struct sys_bind bind;

	if (source < 0)
		return source;
	bind = trees_bind_mount(plan, i, source);
	bind.is_idmapped = plan->mounts[i].options.is_idmapped;
	if (bind.is_idmapped)
		bind.user_ns = user_ns = open_mapping(plan, &plan->mounts[i], err);
	if (bind.is_idmapped && user_ns < 0)
		return user_ns;
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
	rc = plan->has_user_namespace ? open_root(plan, &trees.root, err) : 0;
	for (size_t i = 0; rc == 0 && i < trees.n; i++) {
		const struct mount_options *o = &plan->mounts[i].options;

		if (o->is_idmapped || (o->is_bind && plan->has_user_namespace))
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
