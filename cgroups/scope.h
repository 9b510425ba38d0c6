/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

/*
 * Control groups that systemd keeps: a container's group is a transient scope, delegated to us.
 *
 * systemd makes the directories of the controllers that it manages and has the limits as properties of
 * the unit; we make the other ones under the same path, and write all limits ourselves, too: they are
 * more than systemd knows of.  On v1 such a group is in the hierarchy "name=systemd" as well, see
 * cgroup_host_add_systemd().
 */

struct cgroup;
struct cgroup_host;
struct cgroup_resources;
struct strv;
struct systemd;
struct systemd_scope;

/*
 * As cgroup_create(), for @path = systemd_root() and scope->path.  @annotations: properties for the
 * unit, see unit_put_annotations().
 *
 * A scope lives as long as there are processes in it: until the container is, a child of ours waits
 * there, which cgroup_seated() ends.
 */
int cgroup_create_scope(const struct cgroup_host *host, struct systemd *systemd,
			const struct systemd_scope *scope, const char *path,
			const struct strv *annotations, const struct cgroup_resources *resources,
			struct cgroup **ret, struct error *err);

/* The container's init is in the group.  Nothing to do for one that is no scope. */
int cgroup_seated(struct cgroup *cgroup, struct error *err);

/* That is the group of this unit: it is changed and destroyed by way of systemd.  NULL: it is not. */
void cgroup_set_unit(struct cgroup *cgroup, const char *unit);

void cgroup_end_holder(struct cgroup *cgroup);
