/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "cgroups/controllers.h"
#include "cgroups/devices.h"
#include "cgroups/limits_internal.h"

#define WEIGHT_MIN 10
#define WEIGHT_MAX 1000

static int check_device(const struct limits_planner *p, int64_t major, int64_t minor)
{
	if (major >= 0 && major <= INT32_MAX && minor >= 0 && minor <= INT32_MAX)
		return 0;
	return err_set(p->err, EINVAL,
		       "limit io: device number %" PRId64 ":%" PRId64 " is out of range", major,
		       minor);
}

static uint64_t io_weight(uint16_t weight)
{
	return 1 + (uint64_t)(weight - WEIGHT_MIN) * 9999 / (WEIGHT_MAX - WEIGHT_MIN);
}

/* BFQ brings files of its own, in the old range; one of both is there, or none. */
static int plan_weight(struct limits_planner *p, const char *device, uint16_t weight)
{
	bool is_v2 = p->versions[CGROUP_IO] == CGROUP_V2;
	struct cgroup_write *write;
	int rc = limits_check_range("io weight", weight, WEIGHT_MIN, WEIGHT_MAX, p->err);

	if (rc == 0)
		rc = limits_check_controller(p, CGROUP_IO, "io weight");
	if (rc < 0)
		return rc;
	write = limits_add(p, CGROUP_IO,
			   is_v2     ? "io.weight"
			   : *device ? "blkio.weight_device"
				     : "blkio.weight",
			   xasprintf("%s%" PRIu64, device, is_v2 ? io_weight(weight) : weight));
	(void)snprintf(write->other_file, sizeof(write->other_file), "%s",
		       is_v2     ? "io.bfq.weight"
		       : *device ? "blkio.bfq.weight_device"
				 : "blkio.bfq.weight");
	write->other_value = xasprintf("%s%u", device, weight);
	return 0;
}

int limits_plan_weights(struct limits_planner *p, const struct cgroup_io *io)
{
	int rc = 0;

	if (io->has_weight && io->weight != 0)
		rc = plan_weight(p, "", io->weight);
	for (size_t i = 0; rc == 0 && i < io->n_weight_devices; i++) {
		const struct cgroup_weight_device *d = &io->weight_devices[i];
		char device[64];

		if (d->weight == 0)
			continue;
		rc = check_device(p, d->major, d->minor);
		(void)snprintf(device, sizeof(device), "%" PRId64 ":%" PRId64 " ", d->major,
			       d->minor);
		if (rc == 0)
			rc = plan_weight(p, device, d->weight);
	}
	return rc;
}

int limits_plan_throttles(struct limits_planner *p, const struct cgroup_io *io)
{
	const struct {
		const struct cgroup_throttle *items;
		size_t n;
		const char *v1, *v2;
	} kinds[] = {
		{ io->read_bps, io->n_read_bps, "blkio.throttle.read_bps_device", "rbps" },
		{ io->write_bps, io->n_write_bps, "blkio.throttle.write_bps_device", "wbps" },
		{ io->read_iops, io->n_read_iops, "blkio.throttle.read_iops_device", "riops" },
		{ io->write_iops, io->n_write_iops, "blkio.throttle.write_iops_device", "wiops" },
	};

	for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
		for (size_t i = 0; i < kinds[k].n; i++) {
			const struct cgroup_throttle *t = &kinds[k].items[i];
			char device[64], rate[24] = "max";
			int rc = check_device(p, t->major, t->minor);

			if (rc == 0)
				rc = limits_check_controller(p, CGROUP_IO, "io rate");
			if (rc < 0)
				return rc;
			(void)snprintf(device, sizeof(device), "%" PRId64 ":%" PRId64, t->major,
				       t->minor);
			if (t->rate > 0 || p->versions[CGROUP_IO] == CGROUP_V1)
				(void)snprintf(rate, sizeof(rate), "%" PRIu64, t->rate);
			if (p->versions[CGROUP_IO] == CGROUP_V2)
				(void)limits_add(p, CGROUP_IO, "io.max",
						 xasprintf("%s %s=%s", device, kinds[k].v2, rate));
			else
				(void)limits_add(p, CGROUP_IO, kinds[k].v1,
						 xasprintf("%s %s", device, rate));
		}
	return 0;
}

/* It becomes part of a file name: "2MB", "1GB", "64KB". */
static bool is_page_size(const char *text)
{
	size_t digits = text ? strspn(text, "0123456789") : 0;

	return digits > 0 && digits < 8 && text[digits] && strchr("KMG", text[digits]) &&
	       str_eq(text + digits + 1, "B");
}

int limits_plan_hugepages(struct limits_planner *p, const struct cgroup_resources *r)
{
	for (size_t i = 0; i < r->n_hugepages; i++) {
		const struct cgroup_hugepage *page = &r->hugepages[i];
		const char *suffix =
			p->versions[CGROUP_HUGETLB] == CGROUP_V2 ? "max" : "limit_in_bytes";
		char file[64];
		int rc = limits_check_controller(p, CGROUP_HUGETLB, "huge pages");

		if (rc < 0)
			return rc;
		if (!is_page_size(page->page_size))
			return err_set(p->err, EINVAL,
				       "limit huge pages: '%s' is no page size (such as '2MB')",
				       page->page_size ? page->page_size : "");
		(void)snprintf(file, sizeof(file), "hugetlb.%s.%s", page->page_size, suffix);
		(void)limits_add(p, CGROUP_HUGETLB, file, xasprintf("%" PRIu64, page->limit));
		/* Reservations count apart since Linux 5.7 (hugetlb.rst). */
		(void)snprintf(file, sizeof(file), "hugetlb.%s.rsvd.%s", page->page_size, suffix);
		limits_add(p, CGROUP_HUGETLB, file, xasprintf("%" PRIu64, page->limit))
			->is_optional = true;
	}
	return 0;
}

int limits_plan_rdma(struct limits_planner *p, const struct cgroup_resources *r)
{
	for (size_t i = 0; i < r->n_rdma; i++) {
		const struct cgroup_rdma *rdma = &r->rdma[i];
		auto_str struct str value = { 0 };
		int rc = limits_check_controller(p, CGROUP_RDMA, "rdma");

		if (rc < 0)
			return rc;
		if (!rdma->device || !*rdma->device || strpbrk(rdma->device, " \t\n/"))
			return err_set(p->err, EINVAL, "limit rdma: '%s' is no device name",
				       rdma->device ? rdma->device : "");
		str_add(&value, rdma->device);
		if (rdma->has_handles)
			str_addf(&value, " hca_handle=%" PRIu32, rdma->handles);
		if (rdma->has_objects)
			str_addf(&value, " hca_object=%" PRIu32, rdma->objects);
		(void)limits_add(p, CGROUP_RDMA, "rdma.max", str_take(&value));
	}
	return 0;
}

int limits_plan_devices(struct limits_planner *p, const struct cgroup_resources *r)
{
	auto_strv struct strv texts = { 0 };
	int rc;

	if (r->n_devices == 0)
		return 0;
	rc = limits_check_controller(p, CGROUP_DEVICES, "devices");
	if (rc < 0 || p->versions[CGROUP_DEVICES] == CGROUP_V2)
		return rc < 0 ? rc : cgroup_devices_check(r->devices, r->n_devices, p->err);

	rc = cgroup_devices_texts(r->devices, r->n_devices, &texts, p->err);
	for (size_t i = 0; rc == 0 && i < texts.n; i++) {
		const char *text = texts.items[i];

		(void)limits_add(p, CGROUP_DEVICES, *text == '+' ? "devices.allow" : "devices.deny",
				 xstrdup(str_starts(text + 1, "a ") ? "a" : text + 1));
	}
	return rc;
}

/* The core's own files act (kill, freeze, move processes) rather than limit. */
static bool is_unified_file(const char *file, size_t len)
{
	static const char *const core[] = { "cgroup.max.depth", "cgroup.max.descendants",
					    "cgroup.pressure" };

	if (len == 0 || len >= sizeof(((struct cgroup_write *)0)->file) || memchr(file, '/', len) ||
	    !memchr(file, '.', len) || *file == '.')
		return false;
	if (len < 7 || memcmp(file, "cgroup.", 7) != 0)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(core); i++)
		if (strlen(core[i]) == len && memcmp(core[i], file, len) == 0)
			return true;
	return false;
}

static int unified_controller(const struct limits_planner *p, const char *file,
			      enum cgroup_controller *ret)
{
	auto_free char *name = xstrndup(file, strcspn(file, "."));
	unsigned int bit = cgroup_controllers_parse(name, " ");

	if (str_eq(name, "cgroup")) {
		*ret = CGROUP_FREEZER; /* where the core is */
	} else {
		if (bit == 0)
			return err_set(p->err, ENODEV,
				       "set '%s': the cgroup controller '%s' is not known", file,
				       name);
		*ret = (enum cgroup_controller)__builtin_ctz(bit);
	}
	if (p->versions[*ret] != CGROUP_V2)
		return err_set(p->err, ENODEV,
			       "set '%s': this host has no '%s' controller on cgroup v2", file,
			       name);
	return 0;
}

int limits_plan_unified(struct limits_planner *p, const struct cgroup_resources *r)
{
	for (size_t i = 0; i < r->unified.n; i++) {
		const char *item = r->unified.items[i];
		const char *value = strchr(item, '=');
		auto_free char *file = xstrndup(item, value ? (size_t)(value - item) : 0);
		auto_strv struct strv lines = { 0 };
		enum cgroup_controller controller = CGROUP_CONTROLLERS;
		int rc;

		if (!is_unified_file(file, strlen(file)))
			return err_set(p->err, EINVAL, "set '%s': it is no cgroup v2 limit file",
				       value ? file : item);
		rc = unified_controller(p, file, &controller);
		if (rc < 0)
			return rc;
		/* io.max and its like take one line, one device, in a write. */
		strv_split(&lines, value + 1, '\n');
		for (size_t l = 0; l < lines.n; l++)
			if (*lines.items[l] || lines.n == 1)
				(void)limits_add(p, controller, file, xstrdup(lines.items[l]));
	}
	return 0;
}
