/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroups/scope.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "cgroups/cgroup_internal.h"
#include "cgroups/resources.h"
#include "cgroups/systemd.h"
#include "cgroups/systemd_names.h"
#include "cgroups/systemd_properties.h"

/* The holder, init, and who makes init in a user namespace; one more does no harm. */
#define SEATS 4

/* ---- the process that a new scope begins with */

static _Noreturn void hold(pid_t creator)
{
	sigset_t none;

	/* It has our descriptors, locks among them: they must not outlive us. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	close_from(0, -1);
	if (getppid() != creator)
		_exit(0);
	/* systemd stops a scope by SIGTERM. */
	(void)signal(SIGTERM, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	for (;;)
		(void)pause();
}

static int start_holder(struct cgroup *cgroup, struct error *err)
{
	pid_t creator = getpid();
	pid_t pid = fork();

	if (pid == 0)
		hold(creator);
	if (pid < 0)
		return err_sys(err, "start a process for cgroup '%s'", cgroup->path);
	cgroup->holder = pid;
	return 0;
}

void cgroup_end_holder(struct cgroup *cgroup)
{
	/* Our child, not yet waited for: the number is its own. */
	if (cgroup->holder <= 0)
		return;
	(void)kill(cgroup->holder, SIGKILL);
	while (waitpid(cgroup->holder, NULL, 0) < 0 && errno == EINTR)
		;
	cgroup->holder = 0;
}

int cgroup_seated(struct cgroup *cgroup, struct error *err)
{
	struct cgroup_resources late = { .has_pids = true, .pids = cgroup->pids_later };

	cgroup_end_holder(cgroup);
	if (cgroup->pids_later == 0)
		return 0;
	cgroup->pids_later = 0;
	return cgroup_update(cgroup, &late, err);
}

/* ---- the unit */

void cgroup_set_unit(struct cgroup *cgroup, const char *unit)
{
	free(cgroup->unit);
	cgroup->unit = unit ? xstrdup(unit) : NULL;
}

int cgroup_scope_update(const struct cgroup *cgroup, const struct cgroup_writes *writes,
			struct error *err)
{
	struct unit_properties properties = { 0 };
	auto_systemd struct systemd *systemd = NULL;
	int rc = 0;

	if (!cgroup->unit)
		return 0;
	unit_put_limits(&properties, writes);
	if (properties.n > 0)
		rc = systemd_open(&systemd, err);
	if (systemd)
		rc = systemd_change(systemd, cgroup->unit, &properties, err);
	unit_properties_fini(&properties);
	return rc;
}

static int describe(const struct systemd_scope *scope, const struct strv *annotations,
		    const struct cgroup_writes *writes, struct unit_properties *ret,
		    struct error *err)
{
	static const char *const counted[] = { "MemoryAccounting", "CPUAccounting", "IOAccounting",
					       "TasksAccounting" };
	auto_free char *description = xasprintf("minictr container %s", scope->unit);
	int rc;

	unit_put_text(ret, "Description", description);
	/* Nothing of it is to be stopped in a shutdown's order, or kept once it has failed. */
	unit_put_number(ret, "DefaultDependencies", "b", false);
	unit_put_text(ret, "CollectMode", "inactive-or-failed");
	for (size_t i = 0; i < ARRAY_LEN(counted); i++)
		unit_put_number(ret, counted[i], "b", true);
	rc = unit_put_annotations(ret, annotations, err);
	if (rc < 0)
		return rc;
	unit_put_limits(ret, writes);
	unit_put_text(ret, "Slice", scope->slice);
	unit_put_number(ret, "Delegate", "b", true);
	return 0;
}

/* Where systemd has no group of that path, it follows others than those that we would fill. */
static int check_place(const struct cgroup_host *host, const char *path, struct error *err)
{
	for (size_t i = 0; i < host->n; i++) {
		const struct cgroup_hierarchy *h = &host->items[i];
		auto_fd int fd = -1;

		if (h->version != CGROUP_V2 && h->controllers)
			continue;
		fd = cgroup_tree_open(h, path);
		if (fd < 0)
			return err_set(err, -fd, "find cgroup '%s/%s' of systemd's making: %s",
				       h->point, path, err_text(-fd));
	}
	return 0;
}

static int make(struct cgroup *cgroup, struct systemd *systemd, struct unit_properties *properties,
		const char *unit, const struct cgroup_resources *resources,
		const struct cgroup_writes *writes, struct error *err)
{
	struct error later;
	int rc = start_holder(cgroup, err);

	if (rc < 0)
		return rc;
	unit_put_number(properties, "PIDs", "au", (uint64_t)cgroup->holder);
	rc = systemd_start(systemd, unit, properties, err);
	if (rc < 0)
		return rc;
	rc = check_place(cgroup->host, cgroup->path, err);
	if (rc == 0)
		rc = cgroup_fill(cgroup, resources, writes, err);
	if (rc == 0) {
		cgroup_set_unit(cgroup, unit);
		return 0;
	}
	cgroup_end_holder(cgroup);
	if (systemd_end(unit, &later) < 0)
		log_warning("%s", later.msg);
	return rc;
}

int cgroup_create_scope(const struct cgroup_host *host, struct systemd *systemd,
			const struct systemd_scope *scope, const char *path,
			const struct strv *annotations, const struct cgroup_resources *resources,
			struct cgroup **ret, struct error *err)
{
	struct cgroup_resources wish = *resources; /* borrows all its pointers */
	auto_cgroup struct cgroup *cgroup = cgroup_new(host, path);
	struct unit_properties properties = { 0 };
	struct cgroup_writes writes = { 0 };
	int rc;

	/* Docker always sends "not disabled", which is what a new group is. */
	if (!wish.memory.is_oom_kill_disabled)
		wish.memory.has_oom_kill_disable = false;
	if (wish.has_pids && wish.pids > 0 && wish.pids < SEATS) {
		cgroup->pids_later = wish.pids;
		wish.pids = SEATS;
	}
	rc = cgroup_plan(host, &wish, &writes, err);
	if (rc == 0)
		rc = describe(scope, annotations, &writes, &properties, err);
	if (rc == 0)
		rc = make(cgroup, systemd, &properties, scope->unit, &wish, &writes, err);
	unit_properties_fini(&properties);
	cgroup_writes_fini(&writes);
	if (rc < 0)
		return rc;
	*ret = take_ptr(cgroup);
	return 0;
}
