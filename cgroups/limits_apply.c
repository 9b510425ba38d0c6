/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/sys.h"
#include "cgroups/cgroup_internal.h"

/*
 * cgroup.subtree_control shows a controller as soon as somebody is enabling it, a moment before the
 * files are there.  Each write to such a file waits for the one under way, even if it changes
 * nothing (cgroup_mutex).
 */
static void wait_for_files(const struct dir *dir)
{
	struct error ignored = { 0 };

	(void)sys_write_at(dir, "cgroup.subtree_control", " ", &ignored);
}

static int write_file(const struct cgroup *cgroup, const struct cgroup_part *part,
		      const struct cgroup_write *write, struct error *err)
{
	const struct dir dir = cgroup_part_dir(part);
	int rc = sys_write_at(&dir, write->file, write->value, err);

	if (rc == -ENOENT && cgroup_part_version(cgroup, part) == CGROUP_V2) {
		wait_for_files(&dir);
		rc = sys_write_at(&dir, write->file, write->value, err);
	}
	if (rc == -ENOENT && write->other_value)
		rc = sys_write_at(&dir, write->other_file, write->other_value, err);
	return rc;
}

static int apply_one(const struct cgroup *cgroup, const struct cgroup_write *write,
		     struct error *err)
{
	const struct cgroup_part *part = cgroup_part_of(cgroup, write->controller);
	int rc;

	if (!part)
		return err_set(err, ENODEV, "write '%s': the cgroup has no '%s' controller",
			       write->file, cgroup_controller_name(write->controller));
	rc = write_file(cgroup, part, write, err);
	if (rc == -ENOENT && write->is_optional) {
		log_debug("left out: %s", err->msg);
		return 0;
	}
	if (rc == -ENOENT)
		return err_set(err, ENODEV, "write '%s' to '%s/%s': this kernel has no such limit",
			       write->value, part->directory, write->file);
	if (rc == -EBUSY && write->controller == CGROUP_MEMORY)
		return err_set(
			err, EBUSY,
			"write '%s' to '%s/%s': more than that is in use, and cannot be freed",
			write->value, part->directory, write->file);
	return rc;
}

/* Writes in turn until all are done, or a whole round of them is refused. */
static int apply_set(const struct cgroup *cgroup, const struct cgroup_write *writes, size_t n,
		     struct error *err)
{
	bool is_done[4] = { false };
	size_t left = n;

	assert(n <= ARRAY_LEN(is_done));
	while (left > 0) {
		struct error refusal = { 0 };
		size_t before = left;

		for (size_t i = 0; i < n; i++) {
			int rc = is_done[i] ? 1 : apply_one(cgroup, &writes[i], err);

			if (rc == 0) {
				is_done[i] = true;
				left--;
			} else if (rc < 0 && rc != -EINVAL && rc != -EBUSY) {
				return rc;
			} else if (rc < 0 && refusal.code == 0) {
				refusal = *err; /* the first one is the cause of those behind it */
			}
		}
		if (left == before) {
			*err = refusal;
			return -refusal.code;
		}
	}
	return 0;
}

/* How many from @first on go to one file and depend on nothing else: device rules do. */
static size_t count_same(const struct cgroup_write *first, size_t left)
{
	size_t n = 1;

	while (n < left && !first->set && !first->other_value && !first->is_optional &&
	       !first[n].set && !first[n].other_value && !first[n].is_optional &&
	       first[n].controller == first->controller && strcmp(first[n].file, first->file) == 0)
		n++;
	return n;
}

static int apply_same(const struct cgroup *cgroup, const struct cgroup_write *writes, size_t n,
		      struct error *err)
{
	const struct cgroup_part *part = cgroup_part_of(cgroup, writes->controller);
	auto_free const char **values = xcalloc(n, sizeof(*values));
	struct dir dir;

	/* Its way to say that there is none. */
	if (!part)
		return apply_one(cgroup, writes, err);
	dir = cgroup_part_dir(part);
	for (size_t i = 0; i < n; i++)
		values[i] = writes[i].value;
	return sys_write_each_at(&dir, writes->file, values, n, err);
}

int cgroup_writes_apply(const struct cgroup *cgroup, const struct cgroup_writes *writes,
			struct error *err)
{
	for (size_t i = 0, n; i < writes->n; i += n) {
		const struct cgroup_write *first = &writes->items[i];
		int rc;

		for (n = 1; first->set && i + n < writes->n && first[n].set == first->set; n++)
			continue;
		if (n > 1) {
			rc = apply_set(cgroup, first, n, err);
		} else {
			n = count_same(first, writes->n - i);
			rc = n > 1 ? apply_same(cgroup, first, n, err)
				   : apply_one(cgroup, first, err);
		}
		if (rc < 0)
			return err_wrap(err, "limit cgroup '%s'", cgroup->path);
	}
	return 0;
}
