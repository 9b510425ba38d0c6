/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroups/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/step.h"
#include "base/sys.h"
#include "cgroups/cgroup_internal.h"
#include "cgroups/controllers.h"
#include "cgroups/devices.h"
#include "cgroups/resources.h"
#include "cgroups/scope.h"
#include "cgroups/systemd.h"

/* What every container gets on v1, limits or not: statistics, OOM events, device rules, kill. */
#define BASE_CONTROLLERS                                                                   \
	(CGROUP_BIT(CGROUP_MEMORY) | CGROUP_BIT(CGROUP_CPU) | CGROUP_BIT(CGROUP_CPUACCT) | \
	 CGROUP_BIT(CGROUP_PIDS) | CGROUP_BIT(CGROUP_DEVICES) | CGROUP_BIT(CGROUP_FREEZER))

/* Enabled along the path on v2, if the host has them, for the same reason. */
#define WANTED_CONTROLLERS (BASE_CONTROLLERS | CGROUP_BIT(CGROUP_IO))

/* ---- the path */

static int check_component(const char *path, const char *name, size_t len, struct error *err)
{
	if (len == 2 && memcmp(name, "..", 2) == 0)
		return err_set(err, EINVAL, "use cgroup path '%s': it has '..' in it", path);
	if (len > NAME_MAX)
		return err_set(err, ENAMETOOLONG,
			       "use cgroup path '%s': a part is longer than %d characters", path,
			       NAME_MAX);
	return 0;
}

int cgroup_path_clean(const char *cgroups_path, char **ret, struct error *err)
{
	auto_str struct str clean = { 0 };
	const char *p = cgroups_path;

	if (!p || !*p)
		return err_set(err, EINVAL, "use cgroup path '': it is empty");
	/* The kernel refuses a newline too: it would forge lines of /proc/PID/cgroup. */
	if (strchr(p, '\n'))
		return err_set(err, EINVAL, "use cgroup path: it has a line break in it");
	if (*p != '/')
		str_add(&clean, "minictr");

	for (size_t len; *p; p += len) {
		int rc;

		p += strspn(p, "/");
		len = strcspn(p, "/");
		if (len == 0 || (len == 1 && *p == '.'))
			continue;
		rc = check_component(cgroups_path, p, len, err);
		if (rc < 0)
			return rc;
		if (clean.len > 0)
			str_add(&clean, "/");
		str_add_len(&clean, p, len);
	}
	if (clean.len == 0)
		return err_set(err, EBUSY, "use cgroup path '%s': it is the root of the hierarchy",
			       cgroups_path);
	if (str_eq(clean.text, "minictr"))
		return err_set(err, EBUSY,
			       "use cgroup path '%s': it is the parent of all containers",
			       cgroups_path);
	if (clean.len > PATH_MAX / 2)
		return err_set(err, ENAMETOOLONG,
			       "use cgroup path: it is longer than %d characters", PATH_MAX / 2);
	*ret = str_take(&clean);
	return 0;
}

/* ---- the handle */

struct cgroup *cgroup_new(const struct cgroup_host *host, const char *path)
{
	struct cgroup *cgroup = xcalloc(1, sizeof(*cgroup));

	/* Sharing only counts; nothing of what the caller sees of the host changes. */
	cgroup->host = cgroup_host_ref((struct cgroup_host *)(uintptr_t)host);
	cgroup->path = xstrdup(path);
	for (size_t i = 0; i < ARRAY_LEN(cgroup->parts); i++)
		cgroup->parts[i].fd = -1;
	return cgroup;
}

void cgroup_free(struct cgroup *cgroup)
{
	if (!cgroup)
		return;
	for (size_t i = 0; i < ARRAY_LEN(cgroup->parts); i++) {
		close_fd(&cgroup->parts[i].fd);
		free(cgroup->parts[i].directory);
	}
	cgroup_end_holder(cgroup);
	cgroup_host_free(cgroup->host);
	free(cgroup->path);
	free(cgroup->unit);
	free(cgroup);
}

void cgroup_freep(struct cgroup **cgroup)
{
	cgroup_free(*cgroup);
	*cgroup = NULL;
}

static const struct cgroup_part *part_at(const struct cgroup *cgroup, int i)
{
	return i < 0 || cgroup->parts[i].fd < 0 ? NULL : &cgroup->parts[i];
}

const struct cgroup_part *cgroup_part_of(const struct cgroup *cgroup,
					 enum cgroup_controller controller)
{
	return part_at(cgroup, cgroup->host->of[controller]);
}

enum cgroup_version cgroup_part_version(const struct cgroup *cgroup, const struct cgroup_part *part)
{
	return cgroup->host->items[part - cgroup->parts].version;
}

struct dir cgroup_part_dir(const struct cgroup_part *part)
{
	return (struct dir){ .fd = part->fd, .path = part->directory };
}

int cgroup_read(const struct cgroup_part *part, const char *file, char **ret, struct error *err)
{
	const struct dir dir = cgroup_part_dir(part);

	return file_read_at(&dir, file, CGROUP_FILE_MAX, ret, NULL, err);
}

const char *cgroup_directory(const struct cgroup *cgroup, enum cgroup_controller controller)
{
	const struct cgroup_part *part = cgroup_part_of(cgroup, controller);

	return part ? part->directory : NULL;
}

const char *cgroup_path(const struct cgroup *cgroup)
{
	return cgroup->path;
}

bool cgroup_is_whole(const struct cgroup *cgroup, const struct cgroup *other)
{
	for (size_t i = 0; i < cgroup->host->n; i++) {
		if (other->parts[i].fd >= 0 && cgroup->parts[i].fd < 0)
			return false;
	}
	return true;
}

bool cgroup_is_unified(const struct cgroup *cgroup)
{
	return cgroup_host_is_unified(cgroup->host);
}

char *cgroup_v1_options(const struct cgroup *cgroup, enum cgroup_controller controller)
{
	const struct cgroup_part *part = cgroup_part_of(cgroup, controller);
	int index = cgroup->host->of[controller];
	struct str out = { 0 };

	if (!part || cgroup->host->items[index].version != CGROUP_V1)
		return NULL;
	for (int c = 0; c < CGROUP_CONTROLLERS; c++) {
		if (cgroup->host->items[index].controllers & CGROUP_BIT(c))
			str_addf(&out, "%s%s", out.len ? "," : "",
				 c == CGROUP_IO
					 ? "blkio"
					 : cgroup_controller_name((enum cgroup_controller)c));
	}
	return str_take(&out);
}

int cgroup_v2_fd(const struct cgroup *cgroup)
{
	const struct cgroup_part *part = part_at(cgroup, cgroup->host->v2);

	return part ? part->fd : -1;
}

bool cgroup_wait_more(struct cgroup_patience *p)
{
	enum { FIRST_US = 1000, LONGEST_US = 100000 };
	struct timespec ts;

	if (p->waited_us >= p->total_us)
		return false;
	p->next_us = p->next_us ? MIN(p->next_us * 2, LONGEST_US) : FIRST_US;
	p->waited_us += p->next_us;
	ts = (struct timespec){ .tv_sec = 0, .tv_nsec = p->next_us * 1000 };
	(void)nanosleep(&ts, NULL);
	return true;
}

/* ---- create and open */

static bool is_needed(const struct cgroup_host *host, size_t i, unsigned int controllers)
{
	/* Without controllers it is here for a scope that systemd follows there. */
	if ((int)i == host->v2 || !host->items[i].controllers)
		return true;
	for (size_t c = 0; c < CGROUP_CONTROLLERS; c++)
		if (controllers & CGROUP_BIT(c) && host->of[c] == (int)i)
			return true;
	return false;
}

/*
 * A directory that was there before must be nobody's: it may be ours to fill, not to take over.
 * @holder: a process that may be in it; 0: none.
 */
static int check_unused(const struct dir *dir, pid_t holder, struct error *err)
{
	struct cgroup_pid_list list = { 0 };
	int rc = cgroup_tree_pids(dir, &list, err);
	bool is_ours = false;
	size_t others = 0;

	for (size_t i = 0; i < list.n; i++) {
		is_ours = is_ours || list.items[i] == getpid();
		others += list.items[i] != holder;
	}
	free(list.items);
	if (rc < 0)
		return rc;
	if (is_ours)
		return err_set(err, EBUSY, "use cgroup '%s': minictr itself runs in it", dir->path);
	if (others > 0)
		return err_set(err, EBUSY, "use cgroup '%s': it has processes in it already",
			       dir->path);
	return 0;
}

static int make_part(struct cgroup *cgroup, size_t i, struct error *err)
{
	const struct cgroup_hierarchy *h = &cgroup->host->items[i];
	struct cgroup_part *part = &cgroup->parts[i];
	struct dir dir;

	part->directory = path_join(h->point, cgroup->path);
	part->fd = cgroup_tree_make(h, cgroup->path, &part->made, err);
	if (part->fd == -EACCES || part->fd == -EPERM || part->fd == -EROFS)
		return err_wrap(err, "cgroups need root, or a subtree that is delegated");
	if (part->fd < 0)
		return part->fd;
	dir = cgroup_part_dir(part);
	return part->made ? 0 : check_unused(&dir, cgroup->holder, err);
}

/* cgroup-v2.rst, "Threads": below a parent that turned threaded, no process can enter a group. */
static int check_type(const struct cgroup_part *part, struct error *err)
{
	auto_free char *type = NULL;
	int rc = cgroup_read(part, "cgroup.type", &type, err);

	if (rc == -ENOENT)
		return 0; /* before Linux 4.14 */
	if (rc == 0 && str_starts(type, "domain invalid"))
		return err_set(err, EOPNOTSUPP,
			       "use cgroup '%s': a parent has controllers enabled and processes of "
			       "its own: choose another one",
			       part->directory);
	return rc;
}

/* Of a scope systemd may have made more than we need: its processes belong there, too. */
static bool is_made(const struct cgroup *cgroup, size_t i)
{
	auto_fd int fd = -1;

	if (cgroup->holder > 0)
		fd = cgroup_tree_open(&cgroup->host->items[i], cgroup->path);
	return fd >= 0;
}

static int make_parts(struct cgroup *cgroup, unsigned int required, struct error *err)
{
	const struct cgroup_host *host = cgroup->host;
	unsigned int wanted = cgroup_host_is_unified(host) ? WANTED_CONTROLLERS : 0;

	for (size_t i = 0; i < host->n; i++) {
		int rc;

		if (!is_needed(host, i, required | BASE_CONTROLLERS) && !is_made(cgroup, i))
			continue;
		rc = make_part(cgroup, i, err);
		if (rc == 0 && (int)i == host->v2)
			rc = cgroup_controllers_enable(&host->items[i], cgroup->path, required,
						       wanted, err);
		if (rc == 0 && (int)i == host->v2)
			rc = check_type(&cgroup->parts[i], err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static void unmake_parts(struct cgroup *cgroup)
{
	for (size_t i = 0; i < cgroup->host->n; i++)
		cgroup_tree_unmake(&cgroup->host->items[i], cgroup->path, cgroup->parts[i].made);
}

static void host_versions(const struct cgroup_host *host,
			  enum cgroup_version ret[CGROUP_CONTROLLERS])
{
	for (size_t i = 0; i < CGROUP_CONTROLLERS; i++)
		ret[i] = cgroup_host_controller(host, (enum cgroup_controller)i);
}

int cgroup_plan(const struct cgroup_host *host, const struct cgroup_resources *resources,
		struct cgroup_writes *ret, struct error *err)
{
	enum cgroup_version versions[CGROUP_CONTROLLERS];

	host_versions(host, versions);
	return cgroup_limits_plan(resources, versions, ret, err);
}

static unsigned int required_by(const struct cgroup_writes *writes)
{
	unsigned int required = 0;

	for (size_t i = 0; i < writes->n; i++)
		required |= CGROUP_BIT(writes->items[i].controller);
	return required;
}

int cgroup_fill(struct cgroup *cgroup, const struct cgroup_resources *resources,
		const struct cgroup_writes *writes, struct error *err)
{
	int rc = make_parts(cgroup, required_by(writes), err);

	if (rc == 0)
		rc = cgroup_writes_apply(cgroup, writes, err);
	if (rc == 0 && resources->n_devices > 0 &&
	    cgroup_host_controller(cgroup->host, CGROUP_DEVICES) == CGROUP_V2)
		rc = cgroup_devices_attach(cgroup_v2_fd(cgroup), resources->devices,
					   resources->n_devices, err);
	if (rc < 0)
		unmake_parts(cgroup);
	return rc;
}

int cgroup_create(const struct cgroup_host *host, const char *path,
		  const struct cgroup_resources *resources, struct cgroup **ret, struct error *err)
{
	struct cgroup_resources wish = *resources; /* borrows all its pointers */
	struct cgroup_writes writes = { 0 };
	struct cgroup *cgroup = NULL;
	int rc;

	/* Docker always sends "not disabled", which is what a new group is. */
	if (!wish.memory.is_oom_kill_disabled)
		wish.memory.has_oom_kill_disable = false;

	rc = cgroup_plan(host, &wish, &writes, err);
	if (rc < 0)
		return rc;
	cgroup = cgroup_new(host, path);
	rc = cgroup_fill(cgroup, &wish, &writes, err);
	cgroup_writes_fini(&writes);
	if (rc < 0) {
		cgroup_free(cgroup);
		return rc;
	}
	*ret = cgroup;
	return 0;
}

int cgroup_open(const struct cgroup_host *host, const char *path, struct cgroup **ret,
		struct error *err)
{
	struct cgroup *cgroup = cgroup_new(host, path);

	for (size_t i = 0; i < host->n; i++) {
		struct cgroup_part *part = &cgroup->parts[i];
		auto_free char *directory = path_join(host->items[i].point, path);
		int fd = cgroup_tree_open(&host->items[i], path);

		if (fd == -ENOENT || fd == -ENODEV)
			continue;
		if (fd < 0) {
			cgroup_free(cgroup);
			return err_set(err, -fd, "open cgroup '%s': %s", directory, err_text(-fd));
		}
		part->fd = fd;
		part->directory = take_ptr(directory);
	}
	*ret = cgroup;
	return 0;
}

/* The same directory as @from, by a descriptor of our own. */
static int share_part(const struct cgroup_part *from, struct cgroup_part *part, struct error *err)
{
	part->fd = fcntl(from->fd, F_DUPFD_CLOEXEC, 3);
	if (part->fd < 0)
		return err_sys(err, "open cgroup '%s'", from->directory);
	part->directory = xstrdup(from->directory);
	return 0;
}

int cgroup_create_below(const struct cgroup *parent, const char *name, struct cgroup **ret,
			struct error *err)
{
	enum cgroup_version version;
	const struct cgroup_part *tracker = cgroup_tracker(parent, &version);
	auto_free char *path = path_join(parent->path, name);
	auto_cgroup struct cgroup *cgroup = NULL;
	int rc = 0;

	if (!tracker)
		return err_set(err, ENOENT, "make a cgroup below '%s': it does not exist",
			       parent->path);
	cgroup = cgroup_new(parent->host, path);
	for (size_t i = 0; rc == 0 && i < parent->host->n; i++) {
		struct cgroup_part *part = &cgroup->parts[i];

		if (&parent->parts[i] == tracker) {
			part->directory = path_join(tracker->directory, name);
			part->fd =
				cgroup_tree_make(&parent->host->items[i], path, &part->made, err);
			rc = part->fd < 0 ? part->fd : 0;
			if (rc == 0 && !part->made)
				rc = err_set(err, EEXIST, "make cgroup '%s': it exists",
					     part->directory);
		} else if (parent->parts[i].fd >= 0) {
			rc = share_part(&parent->parts[i], part, err);
		}
	}
	if (rc < 0)
		return rc;
	*ret = take_ptr(cgroup);
	return 0;
}

int cgroup_check_unused(const struct cgroup_host *host, const char *path, struct error *err)
{
	auto_cgroup struct cgroup *cgroup = NULL;
	int rc = cgroup_open(host, path, &cgroup, err);

	for (size_t i = 0; rc == 0 && i < host->n; i++) {
		const struct dir dir = cgroup_part_dir(&cgroup->parts[i]);

		if (dir.fd >= 0)
			rc = check_unused(&dir, 0, err);
	}
	return rc;
}

/* ---- join */

/* clone3(2) has put us into it already: what one would have to type instead. */
static void show_join(const struct dir *dir)
{
	const struct step step = step_begin();

	step_end_write(&step, 0, "0", dir->path, "cgroup.procs");
}

int cgroup_join_self(const struct cgroup *cgroup, struct error *err)
{
	for (size_t i = 0; i < cgroup->host->n; i++) {
		const struct dir dir = cgroup_part_dir(&cgroup->parts[i]);
		int rc;

		if (dir.fd < 0)
			continue;
		if (cgroup->host->items[i].version != CGROUP_V1) {
			if (step_is_on())
				show_join(&dir);
			continue;
		}
		rc = sys_write_at(&dir, "tasks", "0", err);
		if (rc < 0)
			return err_wrap(err, "join cgroup '%s'", cgroup->path);
	}
	return 0;
}

/* cgroup-v2.rst, "Processes": the line of v2 in /proc/PID/cgroup is "0::PATH". */
int cgroup_v2_open_of(const struct cgroup_host *host, pid_t pid, struct error *err)
{
	auto_free char *file = xasprintf("/proc/%d/cgroup", pid);
	auto_free char *text = NULL;
	char *path;
	int rc = file_read(file, CGROUP_FILE_MAX, &text, NULL, err);
	int fd;

	if (rc < 0)
		return rc;
	path = str_starts(text, "0::/") ? text : strstr(text, "\n0::/");
	if (host->v2 < 0 || !path)
		return err_set(err, ENODEV, "find the v2 cgroup of process %d: it has none", pid);
	path = strchr(path, '/') + 1;
	path[strcspn(path, "\n")] = '\0';
	fd = cgroup_tree_open(&host->items[host->v2], *path ? path : ".");
	if (fd < 0)
		return err_set(err, -fd, "open the v2 cgroup '%s': %s", path, err_text(-fd));
	return fd;
}

int cgroup_join_pid(const struct cgroup *cgroup, pid_t pid, struct error *err)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%d", pid);
	for (size_t i = 0; i < cgroup->host->n; i++) {
		const struct dir dir = cgroup_part_dir(&cgroup->parts[i]);
		int rc;

		if (dir.fd < 0)
			continue;
		rc = sys_write_at(&dir, "cgroup.procs", text, err);
		if (rc < 0)
			return err_wrap(err, "join process %d to cgroup '%s'", pid, cgroup->path);
	}
	return 0;
}

/* ---- update */

/* First number of an interface file; UINT64_MAX for "max" and v1's "-1". */
static int read_limit(const struct cgroup_part *part, const char *file, int64_t *ret,
		      struct error *err)
{
	auto_free char *text = NULL;
	int rc = cgroup_read(part, file, &text, err);
	unsigned long long value;

	if (rc < 0)
		return rc;
	value = strtoull(text, NULL, 10);
	/* v1 shows "no limit" as the greatest number of whole pages. */
	*ret = str_starts(text, "max") || value > INT64_MAX / 2 ? -1 : (int64_t)value;
	return 0;
}

/* v2: the second number of cpu.max. */
static int read_period(const struct cgroup *cgroup, const struct cgroup_part *part, uint64_t *ret,
		       struct error *err)
{
	bool is_v1 = cgroup_part_version(cgroup, part) == CGROUP_V1;
	auto_free char *text = NULL;
	int rc = cgroup_read(part, is_v1 ? "cpu.cfs_period_us" : "cpu.max", &text, err);

	if (rc == 0)
		*ret = strtoull(text + (is_v1 ? 0 : strcspn(text, " ")), NULL, 10);
	return rc;
}

static const char *memory_file(const struct cgroup *cgroup, const struct cgroup_part *part,
			       const char *v1, const char *v2)
{
	return cgroup_part_version(cgroup, part) == CGROUP_V1 ? v1 : v2;
}

/* What the files of the live group say completes a half-given pair. */
static int complete(const struct cgroup *cgroup, struct cgroup_resources *r, struct error *err)
{
	const struct cgroup_part *memory = cgroup_part_of(cgroup, CGROUP_MEMORY);
	const struct cgroup_part *cpu = cgroup_part_of(cgroup, CGROUP_CPU);
	int rc = 0;

	if (memory && r->memory.has_swap && r->memory.swap > 0 &&
	    (!r->memory.has_limit || r->memory.limit == 0)) {
		const char *file =
			memory_file(cgroup, memory, "memory.limit_in_bytes", "memory.max");

		rc = read_limit(memory, file, &r->memory.limit, err);
		r->memory.has_limit = true;
	}
	if (rc == 0 && cpu && cgroup_part_version(cgroup, cpu) == CGROUP_V2 && r->cpu.has_period &&
	    r->cpu.period > 0 && (!r->cpu.has_quota || r->cpu.quota == 0)) {
		rc = read_limit(cpu, "cpu.max", &r->cpu.quota, err);
		r->cpu.has_quota = true;
	}
	/* systemd has to be told both. */
	if (rc == 0 && cpu && cgroup->unit && r->cpu.has_quota &&
	    (!r->cpu.has_period || r->cpu.period == 0)) {
		rc = read_period(cgroup, cpu, &r->cpu.period, err);
		r->cpu.has_period = true;
	}
	return rc;
}

/* runtime-spec config-linux.md, "checkBeforeUpdate": on v2 a lower limit would kill instead. */
static int check_use(const struct cgroup *cgroup, const struct cgroup_memory *m, struct error *err)
{
	const struct cgroup_part *part = cgroup_part_of(cgroup, CGROUP_MEMORY);
	int64_t used;
	int rc;

	if (!part || !m->is_update_checked || !m->has_limit || m->limit <= 0)
		return 0;
	rc = read_limit(part, memory_file(cgroup, part, "memory.usage_in_bytes", "memory.current"),
			&used, err);
	if (rc < 0 || used <= m->limit)
		return rc;
	return err_set(err, EBUSY, "limit memory to %lld: %lld bytes are in use",
		       (long long)m->limit, (long long)used);
}

/*
 * Moves all processes of the group into a part that is new.  What forks meanwhile is born where its
 * parent was: another round finds it.
 */
static int fill_part(const struct cgroup *cgroup, const struct cgroup_part *part, struct error *err)
{
	enum { ROUNDS = 20 };
	const struct dir dir = cgroup_part_dir(part);

	for (int round = 0; round < ROUNDS; round++) {
		struct cgroup_pid_list here = { 0 };
		auto_free pid_t *pids = NULL;
		size_t n = 0, n_here;
		int rc = cgroup_pids(cgroup, &pids, &n, err);

		for (size_t i = 0; rc == 0 && i < n; i++) {
			char text[16];

			(void)snprintf(text, sizeof(text), "%d", pids[i]);
			rc = sys_write_at(&dir, "cgroup.procs", text, err);
			if (rc == -ESRCH)
				rc = 0; /* it has ended */
		}
		if (rc == 0)
			rc = cgroup_tree_pids(&dir, &here, err);
		n_here = here.n;
		free(here.items);
		if (rc < 0 || n_here >= n)
			return rc;
	}
	return err_set(err, EAGAIN, "move the processes of cgroup '%s': they fork too fast",
		       cgroup->path);
}

/*
 * A limit may come late (docker update --cpuset-cpus, Kubernetes' CPU manager) for a controller
 * that the group did without.
 */
static int add_parts(struct cgroup *cgroup, unsigned int required, struct error *err)
{
	const struct cgroup_host *host = cgroup->host;

	for (size_t i = 0; i < host->n; i++) {
		struct cgroup_part *part = &cgroup->parts[i];
		bool is_there = part->fd >= 0;
		int rc = 0;

		if (!is_needed(host, i, required))
			continue;
		if (!is_there)
			rc = make_part(cgroup, i, err);
		if (rc == 0 && (int)i == host->v2)
			rc = cgroup_controllers_enable(&host->items[i], cgroup->path, required, 0,
						       err);
		if (rc == 0 && !is_there)
			rc = fill_part(cgroup, part, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int cgroup_update(struct cgroup *cgroup, const struct cgroup_resources *resources,
		  struct error *err)
{
	struct cgroup_resources wish = *resources; /* borrows all its pointers */
	struct cgroup_writes writes = { 0 };
	int rc;

	/* Kubernetes sends a "deny all" here: device rules are for a new group only, as with runc. */
	wish.devices = NULL;
	wish.n_devices = 0;

	rc = check_use(cgroup, &wish.memory, err);
	if (rc == 0)
		rc = complete(cgroup, &wish, err);
	if (rc == 0)
		rc = cgroup_plan(cgroup->host, &wish, &writes, err);
	if (rc == 0)
		rc = cgroup_scope_update(cgroup, &writes, err);
	if (rc == 0)
		rc = add_parts(cgroup, required_by(&writes), err);
	if (rc == 0)
		rc = cgroup_writes_apply(cgroup, &writes, err);
	cgroup_writes_fini(&writes);
	return rc;
}

/* ---- destroy */

static int explain_busy(const struct cgroup *cgroup, struct error *err)
{
	struct error ignored = { 0 };
	auto_free pid_t *pids = NULL;
	size_t n = 0;

	if (cgroup_pids(cgroup, &pids, &n, &ignored) == 0 && n > 0)
		return err_set(err, EBUSY,
			       "destroy cgroup '%s': processes are still in it after %d s: %d%s",
			       cgroup->path, CGROUP_PATIENCE_US / 1000000, pids[0],
			       n > 1 ? " and others" : "");
	return err_wrap(err, "destroy cgroup '%s'", cgroup->path);
}

/* One try at each part that is left.  -EBUSY (with text) if it is worth another one. */
static int remove_parts(const struct cgroup *cgroup, bool *is_done, int *first,
			struct error *first_err, struct error *busy_err)
{
	int busy = 0;

	for (size_t i = 0; i < cgroup->host->n; i++) {
		struct error err = { 0 };
		int rc;

		if (is_done[i] || cgroup->parts[i].fd < 0)
			continue;
		rc = cgroup_tree_remove(&cgroup->host->items[i], cgroup->path, &err);
		is_done[i] = rc != -EBUSY;
		if (rc == -EBUSY) {
			busy = rc;
			*busy_err = err;
		} else if (rc < 0 && *first == 0) {
			*first = rc;
			*first_err = err;
		}
	}
	return busy;
}

int cgroup_destroy(const struct cgroup *cgroup, struct error *err)
{
	struct cgroup_patience patience = { .total_us = CGROUP_PATIENCE_US };
	bool is_done[CGROUP_HIERARCHIES] = { false };
	struct error busy_err = { 0 };
	int first = cgroup->unit ? systemd_end(cgroup->unit, err) : 0;

	while (remove_parts(cgroup, is_done, &first, err, &busy_err) == -EBUSY) {
		if (cgroup_wait_more(&patience))
			continue;
		if (first)
			break;
		*err = busy_err;
		return explain_busy(cgroup, err);
	}
	return first;
}

int cgroup_remove(const struct cgroup *cgroup, struct error *err)
{
	bool is_done[CGROUP_HIERARCHIES] = { false };
	struct error busy_err = { 0 };
	int first = 0;

	if (remove_parts(cgroup, is_done, &first, err, &busy_err) == -EBUSY && first == 0) {
		*err = busy_err;
		return -EBUSY;
	}
	return first;
}
