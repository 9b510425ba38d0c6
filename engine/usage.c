/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/usage.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "cgroups/cgroup.h"
#include "engine/list.h"
#include "runtime/container.h"

#define USAGE_FILE "usage.json"

#define SECOND INT64_C(1000000000)

/* Two CFS periods, in each of which a container may spend at once all that it has for it. */
#define NEAR (SECOND / 5)
#define FAR  (30 * SECOND)

#define NET_DEV_MAX (1U << 20)

/* ---- reading ---------------------------------------------------------------------------------- */

/* "  eth0: RECEIVED packets errs drop fifo frame compressed multicast SENT ..." */
void usage_parse_net(const char *text, uint64_t *ret_received, uint64_t *ret_sent)
{
	*ret_received = *ret_sent = 0;
	for (const char *line = text; line; line = strchr(line, '\n')) {
		uint64_t received, sent;
		const char *colon;

		line += strspn(line, "\n ");
		colon = line + strcspn(line, ":\n");
		if (*colon != ':' || strncmp(line, "lo:", 3) == 0)
			continue;
		if (sscanf(colon + 1, " %" SCNu64 " %*u %*u %*u %*u %*u %*u %*u %" SCNu64,
			   &received, &sent) != 2)
			continue;
		*ret_received += received;
		*ret_sent += sent;
	}
}

/* In the host's network all traffic would be the host's. */
static int read_net(const struct list_entry *entry, struct usage *ret, struct error *err)
{
	auto_free char *text = NULL;
	char path[32];
	int rc;

	if (strv_has(&entry->record.networks, "host"))
		return 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/net/dev", entry->pid);
	rc = file_read(path, NET_DEV_MAX, &text, NULL, err);
	if (rc == 0)
		usage_parse_net(text, &ret->received, &ret->sent);
	return rc;
}

static uint64_t total_memory(void)
{
	struct sysinfo info;

	return sysinfo(&info) == 0 ? (uint64_t)info.totalram * info.mem_unit : 0;
}

static int read_cgroup(const struct engine_dirs *dirs, const struct cgroup_host *host,
		       struct usage *ret, struct error *err)
{
	auto_free char *root = path_join(dirs->state, "containers");
	auto_cgroup struct cgroup *cgroup = NULL;
	struct container_state state = { 0 };
	int rc = container_state(root, ret->id, &state, err);

	if (rc == 0)
		return err_set(err, ESRCH, "it has ended");
	if (rc == 1)
		rc = cgroup_open(host, state.cgroup_path, &cgroup, err);
	container_state_fini(&state);
	return rc < 0 ? rc : cgroup_stats_read(cgroup, &ret->counts, err);
}

int usage_read(const struct engine_dirs *dirs, const struct cgroup_host *host,
	       const struct list_entry *entry, struct usage *ret, struct error *err)
{
	struct usage usage = { .started_ns = entry->started_ns };
	const struct cgroup_stats *counts = &usage.counts;
	uint64_t total = total_memory();
	int rc;

	memcpy(usage.id, entry->record.id, sizeof(usage.id));
	rc = read_cgroup(dirs, host, &usage, err);
	usage.at_ns = clock_boot_ns();
	if (rc == 0)
		rc = read_net(entry, &usage, err);
	if (rc < 0)
		return err_wrap(err, "look at container '%s'", entry->record.name);
	usage.memory =
		counts->memory_current - MIN(counts->memory_inactive_file, counts->memory_current);
	usage.memory_limit = MIN(counts->memory_limit, total ? total : UINT64_MAX);
	*ret = usage;
	return 0;
}

/* ---- comparing -------------------------------------------------------------------------------- */

bool usage_is_before(const struct usage *before, const struct usage *after)
{
	int64_t distance = after->at_ns - before->at_ns;

	return before->started_ns == after->started_ns && distance >= NEAR && distance <= FAR &&
	       before->counts.cpu_usage_us <= after->counts.cpu_usage_us;
}

struct usage usage_at_start(const struct usage *now, int64_t real_ns)
{
	struct usage usage = {
		.started_ns = now->started_ns,
		.at_ns = now->at_ns - (real_ns - now->started_ns),
	};

	memcpy(usage.id, now->id, sizeof(usage.id));
	return usage;
}

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

struct usage_rate usage_rate(const struct usage *before, const struct usage *after)
{
	const struct cgroup_stats *a = &before->counts, *b = &after->counts;
	int64_t distance = after->at_ns - before->at_ns;

	return (struct usage_rate){
		.cpu = distance > 0 ? percent(b->cpu_usage_us - a->cpu_usage_us,
					      (uint64_t)distance / 1000)
				    : 0,
		/* Periods are counted only where there is a limit. */
		.is_limited = b->cpu_periods > 0,
		.throttled = percent(b->cpu_throttled_periods - a->cpu_throttled_periods,
				     b->cpu_periods - a->cpu_periods),
		.memory = percent(after->memory, after->memory_limit),
	};
}

/* ---- leaving for the next --------------------------------------------------------------------- */

/* What a rate is made of. */
struct raw {
	char *id;
	int64_t started_ns, at_ns;
	uint64_t cpu_us, periods, throttled;
};

static const struct json_field fields[] = {
	JSON_FIELD_NEEDED(struct raw, id, JSON_FIELD_STRING, "id"),
	JSON_FIELD_NEEDED(struct raw, started_ns, JSON_FIELD_INT64, "started"),
	JSON_FIELD_NEEDED(struct raw, at_ns, JSON_FIELD_INT64, "at"),
	JSON_FIELD_NEEDED(struct raw, cpu_us, JSON_FIELD_UINT64, "cpu"),
	JSON_FIELD(struct raw, periods, JSON_FIELD_UINT64, "periods"),
	JSON_FIELD(struct raw, throttled, JSON_FIELD_UINT64, "throttled"),
	JSON_FIELDS_END,
};

static struct usage from_raw(const struct raw *raw)
{
	struct usage usage = {
		.started_ns = raw->started_ns,
		.at_ns = raw->at_ns,
		.counts = {
			.cpu_usage_us = raw->cpu_us,
			.cpu_periods = raw->periods,
			.cpu_throttled_periods = raw->throttled,
		},
	};

	(void)snprintf(usage.id, sizeof(usage.id), "%s", raw->id);
	return usage;
}

void usage_load(const struct engine_dirs *dirs, struct usage **ret, size_t *ret_n)
{
	auto_free char *path = path_join(dirs->state, USAGE_FILE);
	auto_json_doc struct json_doc doc = { 0 };
	struct raw *raw = NULL;
	void *items = NULL;
	struct error ignored;
	size_t n = 0;
	bool is_whole = json_doc_load(&doc, AT_FDCWD, path, &ignored) == 0 &&
			json_read_list(&doc, sizeof(*raw), fields, &items, &n, &ignored) == 0;

	raw = items;
	*ret = xcalloc(n + 1, sizeof(**ret));
	*ret_n = is_whole ? n : 0;
	for (size_t i = 0; i < n; i++) {
		if (is_whole)
			(*ret)[i] = from_raw(&raw[i]);
		free(raw[i].id);
	}
	free(raw);
}

int usage_save(const struct engine_dirs *dirs, const struct usage *usages, size_t n,
	       struct error *err)
{
	auto_fd int fd = dir_make_open(dirs->state, 0700, err);
	auto_json json_t *array = json_array_new();
	auto_free char *text = NULL;

	if (fd < 0)
		return fd;
	for (size_t i = 0; i < n; i++) {
		json_t *object = json_object_new();

		json_put_string(object, "id", usages[i].id);
		json_put_int(object, "started", usages[i].started_ns);
		json_put_int(object, "at", usages[i].at_ns);
		json_put_int(object, "cpu", (int64_t)usages[i].counts.cpu_usage_us);
		json_put_int(object, "periods", (int64_t)usages[i].counts.cpu_periods);
		json_put_int(object, "throttled", (int64_t)usages[i].counts.cpu_throttled_periods);
		json_add(array, object);
	}
	text = json_to_text(array, JSON_COMPACT);
	return file_replace_at(&(struct dir){ .fd = fd, .path = dirs->state }, USAGE_FILE, text,
			       strlen(text), 0600, FILE_FAST, err);
}
