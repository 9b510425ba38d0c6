/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/top.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "cgroups/cgroup.h"
#include "engine/list.h"
#include "runtime/container.h"

#define STAT_MAX    65536
#define CMDLINE_MAX ((size_t)8 << 20) /* what execve(2) takes at most, nearly */

#define PTY_MAJOR 136 /* Documentation/admin-guide/devices.txt */

void top_process_fini(struct top_process *process)
{
	free(process->command);
	process->command = NULL;
}

int top_pids(const struct engine_dirs *dirs, const struct list_entry *entry, pid_t **ret,
	     size_t *ret_n, struct error *err)
{
	auto_free char *root = path_join(dirs->state, "containers");
	auto_cgroup_host struct cgroup_host *host = NULL;
	auto_cgroup struct cgroup *cgroup = NULL;
	struct container_state state = { 0 };
	int rc = container_state(root, entry->record.id, &state, err);

	if (rc == 0)
		return err_set(err, ESRCH, "container '%s' is not running", entry->record.name);
	if (rc == 1)
		rc = cgroup_host_open(&host, err);
	if (rc == 0)
		rc = cgroup_open(host, state.cgroup_path, &cgroup, err);
	container_state_fini(&state);
	return rc < 0 ? rc : cgroup_pids(cgroup, ret, ret_n, err);
}

/* ---- parsing ---------------------------------------------------------------------------------- */

/* proc(5): 32 bits, the minor number's upper part behind the major one. */
static int pty_number(int device)
{
	unsigned int bits = (unsigned int)device;
	unsigned int major = bits >> 8 & 0xfff, minor = (bits & 0xff) | (bits >> 12 & 0xfff00);

	if (bits == 0)
		return -1;
	return major == PTY_MAJOR ? (int)minor : -2;
}

static uint64_t ticks_to_ns(uint64_t ticks)
{
	return ticks * 1000000000 / (uint64_t)sysconf(_SC_CLK_TCK);
}

/* "Uid:	REAL	EFFECTIVE	..." */
static bool parse_uid(const char *status, uid_t *ret)
{
	const char *line = strstr(status, "\nUid:");

	return line && sscanf(line, "\nUid: %*u %" SCNu32, ret) == 1;
}

static char *name_of(const char *stat, const char *end)
{
	const char *begin = strchr(stat, '(');

	return begin && begin < end ? xasprintf("[%.*s]", (int)(end - begin - 1), begin + 1) : NULL;
}

static char *words_of(const char *cmdline, size_t len)
{
	struct str words = { 0 };

	/* It ends with a NUL, and a program that wrote over it may have left many. */
	while (len && !cmdline[len - 1])
		len--;
	for (size_t i = 0; i < len; i++)
		str_add_len(&words, cmdline[i] ? cmdline + i : " ", 1);
	return words.len ? str_take(&words) : NULL;
}

bool top_parse(const char *stat, const char *status, const char *cmdline, size_t len,
	       struct top_process *ret)
{
	/* The name may hold anything, ")" too: what follows counts from the last one. */
	const char *end = strrchr(stat, ')');
	struct top_process p = { 0 };
	uint64_t user, system, started;
	int device;

	if (!end || sscanf(stat, "%d", &p.pid) != 1 || !parse_uid(status, &p.uid))
		return false;
	if (sscanf(end + 1,
		   " %*c %d %*d %*d %d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64
		   " %*d %*d %*d %*d %*d %*d %" SCNu64,
		   &p.parent, &device, &user, &system, &started) != 5)
		return false;
	p.terminal = pty_number(device);
	p.cpu_ns = ticks_to_ns(user + system);
	p.started_ns = ticks_to_ns(started);
	p.command = words_of(cmdline, len);
	if (!p.command)
		p.command = name_of(stat, end);
	*ret = p;
	return p.command != NULL;
}

static char *read_proc(pid_t pid, const char *name, size_t max, size_t *ret_len)
{
	struct error ignored;
	char *text = NULL;
	char path[40];

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return file_read(path, max, &text, ret_len, &ignored) < 0 ? NULL : text;
}

bool top_read(pid_t pid, struct top_process *ret)
{
	size_t len = 0;
	auto_free char *stat = read_proc(pid, "stat", STAT_MAX, NULL);
	auto_free char *status = read_proc(pid, "status", STAT_MAX, NULL);
	auto_free char *cmdline = read_proc(pid, "cmdline", CMDLINE_MAX, &len);

	return stat && status && cmdline && top_parse(stat, status, cmdline, len, ret);
}
