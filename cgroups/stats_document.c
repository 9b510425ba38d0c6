/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/str.h"
#include "cgroups/cgroup_internal.h"
#include "cgroups/stats.h"
#include "cgroups/stats_parse.h"

/* CPUs and memory nodes that a list may have: no more are written out. */
#define LIST_MAX 8192

/* What is being read: a failure is kept in @err, and nothing more is read then. */
struct reading {
	const struct cgroup *cgroup;
	json_t *document;
	struct error *err;
	int rc;
};

/* NULL where the kernel or this group does not have the file; the caller frees. */
static char *read_file(struct reading *r, enum cgroup_controller controller,
		       enum cgroup_version version, const char *file)
{
	const struct cgroup_part *part = cgroup_part_of(r->cgroup, controller);
	char *text = NULL;
	int rc;

	if (r->rc < 0 || !part || cgroup_part_version(r->cgroup, part) != version)
		return NULL;
	rc = cgroup_read(part, file, &text, r->err);
	if (rc < 0 && rc != -ENOENT && rc != -EOPNOTSUPP)
		r->rc = rc;
	return rc < 0 ? NULL : text;
}

/* The object at "memory.usage" of the document, made if it is missing. */
static json_t *object_at(json_t *object, const char *path)
{
	while (*path) {
		size_t len = strcspn(path, ".");
		auto_free char *name = xstrndup(path, len);
		json_t *next = json_object_get(object, name);

		if (!next) {
			next = json_object_new();
			json_put(object, name, next);
		}
		object = next;
		path += len + (path[len] == '.');
	}
	return object;
}

/* jansson has no unsigned numbers: no limit is the greatest one that it has. */
static json_int_t to_json(uint64_t value)
{
	return value > INT64_MAX ? INT64_MAX : (json_int_t)value;
}

/* ---- single numbers --------------------------------------------------------------------------- */

struct number {
	const char *object, *name;
	enum cgroup_controller controller;
	enum cgroup_version version;
	const char *file, *key; /* key NULL: the file is one number */
	uint64_t factor;        /* 0: 1 */
	bool is_left_out;       /* if it is 0 or unlimited */
};

#define US    1000
#define TICKS UINT64_MAX /* the kernel's clock ticks, which are asked for */

/* clang-format off */
static const struct number numbers[] = {
	{ "cpu.usage", "total", CGROUP_CPUACCT, CGROUP_V2, "cpu.stat", "usage_usec", US },
	{ "cpu.usage", "kernel", CGROUP_CPUACCT, CGROUP_V2, "cpu.stat", "system_usec", US },
	{ "cpu.usage", "user", CGROUP_CPUACCT, CGROUP_V2, "cpu.stat", "user_usec", US },
	{ "cpu.throttling", "periods", CGROUP_CPU, CGROUP_V2, "cpu.stat", "nr_periods", 0, true },
	{ "cpu.throttling", "throttledPeriods", CGROUP_CPU, CGROUP_V2, "cpu.stat", "nr_throttled", 0, true },
	{ "cpu.throttling", "throttledTime", CGROUP_CPU, CGROUP_V2, "cpu.stat", "throttled_usec", US, true },
	{ "cpu.usage", "total", CGROUP_CPUACCT, CGROUP_V1, "cpuacct.usage" },
	{ "cpu.usage", "kernel", CGROUP_CPUACCT, CGROUP_V1, "cpuacct.stat", "system", TICKS },
	{ "cpu.usage", "user", CGROUP_CPUACCT, CGROUP_V1, "cpuacct.stat", "user", TICKS },
	{ "cpu.throttling", "periods", CGROUP_CPU, CGROUP_V1, "cpu.stat", "nr_periods", 0, true },
	{ "cpu.throttling", "throttledPeriods", CGROUP_CPU, CGROUP_V1, "cpu.stat", "nr_throttled", 0, true },
	{ "cpu.throttling", "throttledTime", CGROUP_CPU, CGROUP_V1, "cpu.stat", "throttled_time", 0, true },

	{ "cpuset", "cpu_exclusive", CGROUP_CPUSET, CGROUP_V1, "cpuset.cpu_exclusive" },
	{ "cpuset", "mem_hardwall", CGROUP_CPUSET, CGROUP_V1, "cpuset.mem_hardwall" },
	{ "cpuset", "mem_exclusive", CGROUP_CPUSET, CGROUP_V1, "cpuset.mem_exclusive" },
	{ "cpuset", "memory_migrate", CGROUP_CPUSET, CGROUP_V1, "cpuset.memory_migrate" },
	{ "cpuset", "memory_spread_page", CGROUP_CPUSET, CGROUP_V1, "cpuset.memory_spread_page" },
	{ "cpuset", "memory_spread_slab", CGROUP_CPUSET, CGROUP_V1, "cpuset.memory_spread_slab" },
	{ "cpuset", "memory_pressure", CGROUP_CPUSET, CGROUP_V1, "cpuset.memory_pressure" },
	{ "cpuset", "sched_load_balance", CGROUP_CPUSET, CGROUP_V1, "cpuset.sched_load_balance" },

	{ "memory", "cache", CGROUP_MEMORY, CGROUP_V2, "memory.stat", "file" },
	{ "memory.usage", "limit", CGROUP_MEMORY, CGROUP_V2, "memory.max" },
	{ "memory.usage", "usage", CGROUP_MEMORY, CGROUP_V2, "memory.current" },
	{ "memory.usage", "max", CGROUP_MEMORY, CGROUP_V2, "memory.peak", NULL, 0, true },
	{ "memory.usage", "failcnt", CGROUP_MEMORY, CGROUP_V2, "memory.events", "max" },
	{ "memory.swap", "limit", CGROUP_MEMORY, CGROUP_V2, "memory.swap.max" },
	{ "memory.swap", "usage", CGROUP_MEMORY, CGROUP_V2, "memory.swap.current" },
	{ "memory.swap", "max", CGROUP_MEMORY, CGROUP_V2, "memory.swap.peak", NULL, 0, true },
	{ "memory.swap", "failcnt", CGROUP_MEMORY, CGROUP_V2, "memory.swap.events", "max" },
	{ "memory", "cache", CGROUP_MEMORY, CGROUP_V1, "memory.stat", "cache" },
	{ "memory.usage", "limit", CGROUP_MEMORY, CGROUP_V1, "memory.limit_in_bytes" },
	{ "memory.usage", "usage", CGROUP_MEMORY, CGROUP_V1, "memory.usage_in_bytes" },
	{ "memory.usage", "max", CGROUP_MEMORY, CGROUP_V1, "memory.max_usage_in_bytes" },
	{ "memory.usage", "failcnt", CGROUP_MEMORY, CGROUP_V1, "memory.failcnt" },
	{ "memory.swap", "limit", CGROUP_MEMORY, CGROUP_V1, "memory.memsw.limit_in_bytes" },
	{ "memory.swap", "usage", CGROUP_MEMORY, CGROUP_V1, "memory.memsw.usage_in_bytes" },
	{ "memory.swap", "max", CGROUP_MEMORY, CGROUP_V1, "memory.memsw.max_usage_in_bytes" },
	{ "memory.swap", "failcnt", CGROUP_MEMORY, CGROUP_V1, "memory.memsw.failcnt" },
	{ "memory.kernel", "limit", CGROUP_MEMORY, CGROUP_V1, "memory.kmem.limit_in_bytes" },
	{ "memory.kernel", "usage", CGROUP_MEMORY, CGROUP_V1, "memory.kmem.usage_in_bytes" },
	{ "memory.kernel", "max", CGROUP_MEMORY, CGROUP_V1, "memory.kmem.max_usage_in_bytes" },
	{ "memory.kernel", "failcnt", CGROUP_MEMORY, CGROUP_V1, "memory.kmem.failcnt" },
	{ "memory.kernelTCP", "limit", CGROUP_MEMORY, CGROUP_V1, "memory.kmem.tcp.limit_in_bytes" },
	{ "memory.kernelTCP", "usage", CGROUP_MEMORY, CGROUP_V1, "memory.kmem.tcp.usage_in_bytes" },
	{ "memory.kernelTCP", "max", CGROUP_MEMORY, CGROUP_V1, "memory.kmem.tcp.max_usage_in_bytes" },
	{ "memory.kernelTCP", "failcnt", CGROUP_MEMORY, CGROUP_V1, "memory.kmem.tcp.failcnt" },

	{ "pids", "current", CGROUP_PIDS, CGROUP_V2, "pids.current" },
	{ "pids", "limit", CGROUP_PIDS, CGROUP_V2, "pids.max", NULL, 0, true },
	{ "pids", "current", CGROUP_PIDS, CGROUP_V1, "pids.current" },
	{ "pids", "limit", CGROUP_PIDS, CGROUP_V1, "pids.max", NULL, 0, true },
};
/* clang-format on */

static uint64_t scale(uint64_t value, uint64_t factor)
{
	if (factor == TICKS)
		factor = 1000000000 / (uint64_t)sysconf(_SC_CLK_TCK);
	return factor > 1 ? value * factor : value;
}

static void add_numbers(struct reading *r)
{
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		const struct number *n = &numbers[i];
		auto_free char *text = read_file(r, n->controller, n->version, n->file);
		uint64_t value = 0;

		if (!text || (n->key && !cgroup_key_value(text, n->key, &value)))
			continue;
		if (!n->key)
			value = cgroup_single_value(text);
		value = scale(value, n->factor);
		if (n->is_left_out && (value == 0 || value == UINT64_MAX))
			continue;
		json_put(object_at(r->document, n->object), n->name, json_integer(to_json(value)));
	}
}

/* Readers of these documents know v1's counters: there, swap is memory and swap together. */
static void add_memory_to_swap(const struct reading *r)
{
	json_t *memory = json_object_get(r->document, "memory");
	json_t *swap = json_object_get(memory, "swap");
	static const char *const names[] = { "limit", "usage" };

	for (size_t i = 0; swap && i < ARRAY_LEN(names); i++) {
		uint64_t both = (uint64_t)json_integer_value(json_object_get(swap, names[i]));

		both += (uint64_t)json_integer_value(
			json_object_get(json_object_get(memory, "usage"), names[i]));
		json_put(swap, names[i], json_integer(to_json(both)));
	}
}

/* ---- lists and tables ------------------------------------------------------------------------- */

/* "123 456\n" -> [123, 456] */
static json_t *from_words(const char *text)
{
	json_t *array = json_array_new();
	char *end = NULL;

	for (;; text = end) {
		uint64_t value = strtoull(text, &end, 10);

		if (end == text)
			return array;
		json_add(array, json_integer(to_json(value)));
	}
}

/* "cpu user system\n0 12 34\n": the numbers of one column (from 1). */
static json_t *from_column(const char *text, int column)
{
	json_t *array = json_array_new();
	const char *line = strchr(text, '\n');

	for (; line && line[1]; line = strchr(line + 1, '\n')) {
		const char *at = line + 1;

		for (int i = 0; i < column && *at && *at != '\n'; i++) {
			at += strcspn(at, " \n");
			at += *at == ' ';
		}
		json_add(array, json_integer(to_json(strtoull(at, NULL, 10))));
	}
	return array;
}

/* "0-2,7" -> [0, 1, 2, 7] */
static json_t *from_ranges(const char *text)
{
	json_t *array = json_array_new();
	unsigned long first, last;
	int n = 0;

	while (sscanf(text, "%lu%n", &first, &n) == 1) {
		text += n;
		last = first;
		if (*text == '-' && sscanf(text + 1, "%lu%n", &last, &n) == 1)
			text += 1 + n;
		for (; first <= last && json_array_size(array) < LIST_MAX; first++)
			json_add(array, json_integer((json_int_t)first));
		text += *text == ',';
	}
	return array;
}

static void add_cpus(struct reading *r)
{
	static const struct {
		const char *object, *name;
		enum cgroup_controller controller;
		enum cgroup_version version;
		const char *file;
		int column; /* 0: words; -1: ranges */
	} lists[] = {
		{ "cpu.usage", "percpu", CGROUP_CPUACCT, CGROUP_V1, "cpuacct.usage_percpu", 0 },
		{ "cpu.usage", "percpu_user", CGROUP_CPUACCT, CGROUP_V1, "cpuacct.usage_all", 1 },
		{ "cpu.usage", "percpu_kernel", CGROUP_CPUACCT, CGROUP_V1, "cpuacct.usage_all", 2 },
		{ "cpuset", "cpus", CGROUP_CPUSET, CGROUP_V1, "cpuset.cpus", -1 },
		{ "cpuset", "mems", CGROUP_CPUSET, CGROUP_V1, "cpuset.mems", -1 },
		{ "cpuset", "cpus", CGROUP_CPUSET, CGROUP_V2, "cpuset.cpus.effective", -1 },
		{ "cpuset", "mems", CGROUP_CPUSET, CGROUP_V2, "cpuset.mems.effective", -1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		auto_free char *text =
			read_file(r, lists[i].controller, lists[i].version, lists[i].file);
		json_t *array;

		if (!text)
			continue;
		if (lists[i].column > 0)
			array = from_column(text, lists[i].column);
		else
			array = lists[i].column == 0 ? from_words(text) : from_ranges(text);
		json_put(object_at(r->document, lists[i].object), lists[i].name, array);
	}
}

/* "anon 1\nfile 2\n" -> {"anon": 1, "file": 2} */
static json_t *from_keys(const char *text)
{
	json_t *object = json_object_new();
	char name[64];
	uint64_t value;
	int n = 0;

	for (; sscanf(text, "%63s %" SCNu64 "%n", name, &value, &n) == 2; text += n)
		json_put(object, name, json_integer(to_json(value)));
	return object;
}

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\nfull ...": Documentation/accounting/psi.rst */
static json_t *from_pressure(const char *text)
{
	json_t *object = json_object_new();

	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		double avg10, avg60, avg300;
		json_t *row;
		char name[8];
		uint64_t total;

		line += *line == '\n';
		if (sscanf(line, "%7s avg10=%lf avg60=%lf avg300=%lf total=%" SCNu64, name, &avg10,
			   &avg60, &avg300, &total) != 5)
			continue;
		row = json_object_new();
		json_put(row, "avg10", json_real(avg10));
		json_put(row, "avg60", json_real(avg60));
		json_put(row, "avg300", json_real(avg300));
		json_put(row, "total", json_integer(to_json(total)));
		json_put(object, name, row);
	}
	return object;
}

static void add_tables(struct reading *r)
{
	static const struct {
		const char *object, *name;
		enum cgroup_controller controller;
		enum cgroup_version version;
		const char *file;
		json_t *(*parse)(const char *text);
	} tables[] = {
		{ "memory", "raw", CGROUP_MEMORY, CGROUP_V1, "memory.stat", from_keys },
		{ "memory", "raw", CGROUP_MEMORY, CGROUP_V2, "memory.stat", from_keys },
		{ "memory", "psi", CGROUP_MEMORY, CGROUP_V2, "memory.pressure", from_pressure },
		{ "cpu", "psi", CGROUP_CPU, CGROUP_V2, "cpu.pressure", from_pressure },
		{ "blkio", "psi", CGROUP_IO, CGROUP_V2, "io.pressure", from_pressure },
	};

	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		auto_free char *text =
			read_file(r, tables[i].controller, tables[i].version, tables[i].file);

		if (text)
			json_put(object_at(r->document, tables[i].object), tables[i].name,
				 tables[i].parse(text));
	}
}

/* ---- block I/O -------------------------------------------------------------------------------- */

static json_t *io_entry(unsigned int major, unsigned int minor, const char *operation,
			uint64_t value)
{
	json_t *entry = json_object_new();

	json_put_int(entry, "major", major);
	json_put_int(entry, "minor", minor);
	if (*operation)
		json_put_string(entry, "op", operation);
	json_put(entry, "value", json_integer(to_json(value)));
	return entry;
}

/* "8:0 Read 123\n8:0 123\nTotal 456\n" */
static json_t *from_blkio(const char *text)
{
	json_t *array = json_array_new();

	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		unsigned int major, minor;
		char operation[16] = "";
		uint64_t value;

		line += *line == '\n';
		if (sscanf(line, "%u:%u %15[A-Za-z] %" SCNu64, &major, &minor, operation, &value) ==
			    4 ||
		    sscanf(line, "%u:%u %" SCNu64, &major, &minor, &value) == 3)
			json_add(array, io_entry(major, minor, operation, value));
	}
	return array;
}

static void add_blkio_v1(struct reading *r)
{
	/* By the I/O scheduler: bfq counts itself, else there are only the throttling counters. */
	static const struct {
		const char *name, *file, *other;
	} files[] = {
		{ "ioServiceBytesRecursive", "blkio.bfq.io_service_bytes_recursive",
		  "blkio.throttle.io_service_bytes_recursive" },
		{ "ioServicedRecursive", "blkio.bfq.io_serviced_recursive",
		  "blkio.throttle.io_serviced_recursive" },
		{ "ioQueueRecursive", "blkio.bfq.io_queued_recursive",
		  "blkio.io_queued_recursive" },
		{ "ioServiceTimeRecursive", "blkio.bfq.io_service_time_recursive",
		  "blkio.io_service_time_recursive" },
		{ "ioWaitTimeRecursive", "blkio.bfq.io_wait_time_recursive",
		  "blkio.io_wait_time_recursive" },
		{ "ioMergedRecursive", "blkio.bfq.io_merged_recursive",
		  "blkio.io_merged_recursive" },
		{ "ioTimeRecursive", "blkio.bfq.time_recursive", "blkio.time_recursive" },
		{ "sectorsRecursive", "blkio.bfq.sectors_recursive", "blkio.sectors_recursive" },
	};

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		auto_free char *text = read_file(r, CGROUP_IO, CGROUP_V1, files[i].file);
		auto_free char *other =
			text ? NULL : read_file(r, CGROUP_IO, CGROUP_V1, files[i].other);
		json_t *entries = text || other ? from_blkio(text ? text : other) : NULL;

		if (json_array_size(entries) > 0)
			json_put(object_at(r->document, "blkio"), files[i].name, entries);
		else
			json_decref(entries);
	}
}

/* "8:16 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n", under v1's names. */
static void add_io_v2(struct reading *r)
{
	static const struct {
		const char *key, *name, *operation;
	} keys[] = {
		{ "rbytes", "ioServiceBytesRecursive", "Read" },
		{ "wbytes", "ioServiceBytesRecursive", "Write" },
		{ "dbytes", "ioServiceBytesRecursive", "Discard" },
		{ "rios", "ioServicedRecursive", "Read" },
		{ "wios", "ioServicedRecursive", "Write" },
		{ "dios", "ioServicedRecursive", "Discard" },
	};
	auto_free char *text = read_file(r, CGROUP_IO, CGROUP_V2, "io.stat");
	json_t *blkio = object_at(r->document, "blkio");

	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		unsigned int major, minor;
		auto_free char *one = NULL;

		line += *line == '\n';
		one = xstrndup(line, strcspn(line, "\n"));
		if (sscanf(one, "%u:%u ", &major, &minor) != 2)
			continue;
		for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
			json_t *array = json_object_get(blkio, keys[i].name);

			if (!array) {
				array = json_array_new();
				json_put(blkio, keys[i].name, array);
			}
			json_add(array, io_entry(major, minor, keys[i].operation,
						 cgroup_nested_sum(one, keys[i].key)));
		}
	}
}

/* ---- huge pages ------------------------------------------------------------------------------- */

static void add_huge_pages_of(struct reading *r, const char *size)
{
	static const struct {
		const char *name, *file, *key;
		enum cgroup_version version;
	} files[] = {
		{ "usage", "usage_in_bytes", NULL, CGROUP_V1 },
		{ "max", "max_usage_in_bytes", NULL, CGROUP_V1 },
		{ "failcnt", "failcnt", NULL, CGROUP_V1 },
		{ "usage", "current", NULL, CGROUP_V2 },
		{ "failcnt", "events", "max", CGROUP_V2 },
	};
	json_t *object = json_object_new();

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		auto_free char *file = xasprintf("hugetlb.%s.%s", size, files[i].file);
		auto_free char *text = read_file(r, CGROUP_HUGETLB, files[i].version, file);
		uint64_t value = 0;

		if (!text)
			continue;
		if (!files[i].key)
			value = cgroup_single_value(text);
		else if (!cgroup_key_value(text, files[i].key, &value))
			continue;
		json_put(object, files[i].name, json_integer(to_json(value)));
	}
	if (json_object_size(object) > 0)
		json_put(object_at(r->document, "hugetlb"), size, object);
	else
		json_decref(object);
}

/* Which sizes the machine has: "hugepages-2048kB" is "2MB" to the controller. */
static void add_huge_pages(struct reading *r)
{
	DIR *dir = opendir("/sys/kernel/mm/hugepages");
	const struct dirent *entry;

	(void)object_at(r->document, "hugetlb");
	while (dir && (entry = readdir(dir))) {
		static const char units[] = "KMG";
		unsigned long kib = 0;
		char size[32];
		size_t unit = 0;

		if (sscanf(entry->d_name, "hugepages-%lukB", &kib) != 1 || kib == 0)
			continue;
		for (; kib >= 1024 && unit + 1 < strlen(units); unit++)
			kib /= 1024;
		(void)snprintf(size, sizeof(size), "%lu%cB", kib, units[unit]);
		add_huge_pages_of(r, size);
	}
	if (dir)
		(void)closedir(dir);
}

/* ---- all of it -------------------------------------------------------------------------------- */

int cgroup_stats_document(const struct cgroup *cgroup, json_t **ret, struct error *err)
{
	/* These are there whatever the host counts. */
	static const char *const objects[] = {
		"cpu.usage",   "cpu.throttling", "cpuset",     "memory.usage",
		"memory.swap", "memory.kernel",  "memory.raw", "memory.kernelTCP",
		"pids",        "blkio",          "intel_rdt",
	};
	auto_json json_t *document = json_object_new();
	struct reading r = { .cgroup = cgroup, .document = document, .err = err };
	const struct cgroup_part *memory = cgroup_part_of(cgroup, CGROUP_MEMORY);

	for (size_t i = 0; i < ARRAY_LEN(objects); i++)
		(void)object_at(document, objects[i]);
	json_put(document, "network_interfaces", json_null());
	add_numbers(&r);
	if (memory && cgroup_part_version(cgroup, memory) == CGROUP_V2)
		add_memory_to_swap(&r);
	add_cpus(&r);
	add_tables(&r);
	add_blkio_v1(&r);
	add_io_v2(&r);
	add_huge_pages(&r);
	if (r.rc < 0)
		return err_wrap(err, "read statistics of cgroup '%s'", cgroup->path);
	*ret = take_ptr(document);
	return 0;
}
