/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroups/stats.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/mem.h"
#include "base/str.h"
#include "cgroups/cgroup_internal.h"
#include "cgroups/events.h"
#include "cgroups/stats_parse.h"

/* ---- formats */

bool cgroup_key_value(const char *text, const char *key, uint64_t *ret)
{
	size_t len = strlen(key);

	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, len) == 0 && line[len] == ' ') {
			*ret = strtoull(line + len + 1, NULL, 10);
			return true;
		}
	}
	return false;
}

uint64_t cgroup_single_value(const char *text)
{
	uint64_t value;

	if (str_starts(text, "max") || *text == '-')
		return UINT64_MAX;
	/* v1 counts in pages: "no limit" is the greatest number of whole ones in an int64_t. */
	value = strtoull(text, NULL, 10);
	return value >= (uint64_t)INT64_MAX - 0xffff ? UINT64_MAX : value;
}

uint64_t cgroup_nested_sum(const char *text, const char *key)
{
	auto_free char *pattern = xasprintf(" %s=", key);
	uint64_t sum = 0;

	for (const char *p = text; (p = strstr(p, pattern));) {
		p += strlen(pattern);
		sum += strtoull(p, NULL, 10);
	}
	return sum;
}

uint64_t cgroup_blkio_sum(const char *text, const char *operation)
{
	auto_free char *pattern = xasprintf(" %s ", operation);
	uint64_t sum = 0;

	for (const char *p = text; (p = strstr(p, pattern));) {
		p += strlen(pattern);
		sum += strtoull(p, NULL, 10);
	}
	return sum;
}

/* ---- which value is where */

enum form {
	FORM_SINGLE, /* what a row without more means */
	FORM_KEYED,
	FORM_NESTED,
	FORM_BLKIO,
};

enum unit { UNIT_ONE, UNIT_NS_TO_US, UNIT_TICKS_TO_US };

struct source {
	size_t offset; /* in struct cgroup_stats */
	enum cgroup_controller controller;
	enum cgroup_version version;
	const char *file;
	enum form form;
	const char *key;
	enum unit unit;
};

#define AT(member) offsetof(struct cgroup_stats, member)

/* Rows that read the same file stand together: it is read once. */
/* clang-format off */
static const struct source sources[] = {
	{ AT(memory_current), CGROUP_MEMORY, CGROUP_V2, "memory.current" },
	{ AT(memory_peak), CGROUP_MEMORY, CGROUP_V2, "memory.peak" },
	{ AT(memory_limit), CGROUP_MEMORY, CGROUP_V2, "memory.max" },
	{ AT(memory_swap), CGROUP_MEMORY, CGROUP_V2, "memory.swap.current" },
	{ AT(memory_file), CGROUP_MEMORY, CGROUP_V2, "memory.stat", FORM_KEYED, "file" },
	{ AT(memory_inactive_file), CGROUP_MEMORY, CGROUP_V2, "memory.stat", FORM_KEYED,
	  "inactive_file" },
	{ AT(memory_current), CGROUP_MEMORY, CGROUP_V1, "memory.usage_in_bytes" },
	{ AT(memory_peak), CGROUP_MEMORY, CGROUP_V1, "memory.max_usage_in_bytes" },
	{ AT(memory_limit), CGROUP_MEMORY, CGROUP_V1, "memory.limit_in_bytes" },
	{ AT(memory_file), CGROUP_MEMORY, CGROUP_V1, "memory.stat", FORM_KEYED, "total_cache" },
	{ AT(memory_inactive_file), CGROUP_MEMORY, CGROUP_V1, "memory.stat", FORM_KEYED,
	  "total_inactive_file" },
	{ AT(memory_swap), CGROUP_MEMORY, CGROUP_V1, "memory.stat", FORM_KEYED, "total_swap" },

	{ AT(cpu_usage_us), CGROUP_CPUACCT, CGROUP_V2, "cpu.stat", FORM_KEYED, "usage_usec" },
	{ AT(cpu_user_us), CGROUP_CPUACCT, CGROUP_V2, "cpu.stat", FORM_KEYED, "user_usec" },
	{ AT(cpu_system_us), CGROUP_CPUACCT, CGROUP_V2, "cpu.stat", FORM_KEYED, "system_usec" },
	{ AT(cpu_usage_us), CGROUP_CPUACCT, CGROUP_V1, "cpuacct.usage", FORM_SINGLE, NULL,
	  UNIT_NS_TO_US },
	{ AT(cpu_user_us), CGROUP_CPUACCT, CGROUP_V1, "cpuacct.stat", FORM_KEYED, "user",
	  UNIT_TICKS_TO_US },
	{ AT(cpu_system_us), CGROUP_CPUACCT, CGROUP_V1, "cpuacct.stat", FORM_KEYED, "system",
	  UNIT_TICKS_TO_US },

	{ AT(cpu_periods), CGROUP_CPU, CGROUP_V2, "cpu.stat", FORM_KEYED, "nr_periods" },
	{ AT(cpu_throttled_periods), CGROUP_CPU, CGROUP_V2, "cpu.stat", FORM_KEYED, "nr_throttled" },
	{ AT(cpu_throttled_us), CGROUP_CPU, CGROUP_V2, "cpu.stat", FORM_KEYED, "throttled_usec" },
	{ AT(cpu_periods), CGROUP_CPU, CGROUP_V1, "cpu.stat", FORM_KEYED, "nr_periods" },
	{ AT(cpu_throttled_periods), CGROUP_CPU, CGROUP_V1, "cpu.stat", FORM_KEYED, "nr_throttled" },
	{ AT(cpu_throttled_us), CGROUP_CPU, CGROUP_V1, "cpu.stat", FORM_KEYED, "throttled_time",
	  UNIT_NS_TO_US },

	{ AT(pids_current), CGROUP_PIDS, CGROUP_V2, "pids.current" },
	{ AT(pids_limit), CGROUP_PIDS, CGROUP_V2, "pids.max" },
	{ AT(pids_current), CGROUP_PIDS, CGROUP_V1, "pids.current" },
	{ AT(pids_limit), CGROUP_PIDS, CGROUP_V1, "pids.max" },

	{ AT(io_read_bytes), CGROUP_IO, CGROUP_V2, "io.stat", FORM_NESTED, "rbytes" },
	{ AT(io_write_bytes), CGROUP_IO, CGROUP_V2, "io.stat", FORM_NESTED, "wbytes" },
	{ AT(io_read_bytes), CGROUP_IO, CGROUP_V1, "blkio.throttle.io_service_bytes_recursive",
	  FORM_BLKIO, "Read" },
	{ AT(io_write_bytes), CGROUP_IO, CGROUP_V1, "blkio.throttle.io_service_bytes_recursive",
	  FORM_BLKIO, "Write" },
};
/* clang-format on */

static uint64_t find(const struct source *s, const char *text)
{
	uint64_t value = 0;

	switch (s->form) {
	case FORM_SINGLE:
		return cgroup_single_value(text);
	case FORM_KEYED:
		return cgroup_key_value(text, s->key, &value) ? value : 0;
	case FORM_NESTED:
		return cgroup_nested_sum(text, s->key);
	case FORM_BLKIO:
		return cgroup_blkio_sum(text, s->key);
	}
	return 0;
}

static uint64_t convert(enum unit unit, uint64_t value)
{
	switch (unit) {
	case UNIT_ONE:
		return value;
	case UNIT_NS_TO_US:
		return value / 1000;
	case UNIT_TICKS_TO_US:
		return value * 1000000 / (uint64_t)sysconf(_SC_CLK_TCK);
	}
	return value;
}

int cgroup_stats_read(const struct cgroup *cgroup, struct cgroup_stats *ret, struct error *err)
{
	struct cgroup_stats stats = { .memory_limit = UINT64_MAX, .pids_limit = UINT64_MAX };
	const struct cgroup_part *read_part = NULL;
	const char *read_file = NULL;
	auto_free char *text = NULL;

	for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
		const struct source *s = &sources[i];
		const struct cgroup_part *part = cgroup_part_of(cgroup, s->controller);
		uint64_t value;

		if (!part || cgroup_part_version(cgroup, part) != s->version)
			continue;
		if (part != read_part || !str_eq(read_file, s->file)) {
			int rc;

			free(take_ptr(text));
			rc = cgroup_read(part, s->file, &text, err);
			/* Kernels differ in what they count; a group without a controller, too. */
			if (rc < 0 && rc != -ENOENT && rc != -EOPNOTSUPP)
				return err_wrap(err, "read statistics of cgroup '%s'",
						cgroup->path);
			read_part = part;
			read_file = s->file;
		}
		if (!text)
			continue;
		value = convert(s->unit, find(s, text));
		memcpy((char *)&stats + s->offset, &value, sizeof(value));
	}
	*ret = stats;
	return cgroup_oom_kills(cgroup, &ret->oom_kills, err);
}
