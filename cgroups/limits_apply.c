/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/log.h"
#include "base/macros.h"
#include "base/sys.h"
#include "cgroups/cgroup_internal.h"

static int apply_one(const struct cgroup *cgroup, const struct cgroup_write *write,
		     struct error *err)
{
	const struct cgroup_part *part = cgroup_part_of(cgroup, write->controller);
	struct dir dir;
	int rc;

	if (!part)
		return err_set(err, ENODEV, "write '%s': the cgroup has no '%s' controller",
			       write->file, cgroup_controller_name(write->controller));
	dir = cgroup_part_dir(part);
	rc = sys_write_at(&dir, write->file, write->value, err);
	if (rc == -ENOENT && write->other_value)
		rc = sys_write_at(&dir, write->other_file, write->other_value, err);
	if (rc == -ENOENT && write->is_optional) {
		log_debug("left out: %s", err->msg);
		return 0;
	}
	if (rc == -ENOENT)
		return err_set(err, ENODEV, "write '%s' to '%s/%s': this kernel has no such limit",
			       write->value, dir.path, write->file);
	return rc;
}

/* Returns how many of the @n side by side are done, or the last refusal. */
static int apply_set(const struct cgroup *cgroup, const struct cgroup_write *writes, size_t n,
		     struct error *err)
{
	bool is_done[8] = { false };
	size_t left = MIN(n, ARRAY_LEN(is_done));

	while (left > 0) {
		size_t before = left;
		int refusal = 0;

		for (size_t i = 0; i < MIN(n, ARRAY_LEN(is_done)); i++) {
			int rc = is_done[i] ? -EALREADY : apply_one(cgroup, &writes[i], err);

			if (rc == 0) {
				is_done[i] = true;
				left--;
			} else if (rc == -EINVAL || rc == -EBUSY) {
				refusal = rc;
			} else if (rc != -EALREADY) {
				return rc;
			}
		}
		if (left == before)
			return refusal;
	}
	return 0;
}

int cgroup_writes_apply(const struct cgroup *cgroup, const struct cgroup_writes *writes,
			struct error *err)
{
	for (size_t i = 0, n; i < writes->n; i += n) {
		const struct cgroup_write *first = &writes->items[i];
		int rc;

		for (n = 1; first->set && i + n < writes->n && first[n].set == first->set; n++)
			continue;
		rc = n == 1 ? apply_one(cgroup, first, err) : apply_set(cgroup, first, n, err);
		if (rc < 0)
			return err_wrap(err, "limit cgroup '%s'", cgroup->path);
	}
	return 0;
}
