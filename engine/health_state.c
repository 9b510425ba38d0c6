/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/health_state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"

/* Five results of 4096 bytes, of which each may take six characters. */
#define STATE_MAX (256U << 10)

int health_state_write(const struct engine_dirs *dirs, const char *id, const struct health *health,
		       struct error *err)
{
	auto_free char *path = path_join(dirs->state, "health");
	auto_fd int fd = dir_make_open(path, 0700, err);
	auto_json json_t *json = health_to_json(health);
	auto_free char *text = json_to_text(json, JSON_COMPACT);

	if (fd < 0)
		return fd;
	return file_replace_at(&(struct dir){ .fd = fd, .path = path }, id, text, strlen(text),
			       0600, FILE_FAST, err);
}

static char *path_of(const struct engine_dirs *dirs, const char *id)
{
	return xasprintf("%s/health/%s", dirs->state, id);
}

json_t *health_state_read(const struct engine_dirs *dirs, const char *id)
{
	auto_free char *path = path_of(dirs, id);
	auto_free char *text = NULL;
	struct error ignored;

	if (access(path, F_OK) < 0 || file_read(path, STATE_MAX, &text, NULL, &ignored) < 0)
		return NULL;
	return json_loads(text, 0, NULL);
}

void health_state_sweep(const struct engine_dirs *dirs, pid_t writer)
{
	auto_free char *path = path_join(dirs->state, "health");
	auto_free char *prefix = xasprintf("%s%d-", FILE_TEMP_PREFIX, writer);
	DIR *dir = opendir(path);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		if (str_starts(entry->d_name, prefix))
			(void)unlinkat(dirfd(dir), entry->d_name, 0);
	}
	if (dir)
		(void)closedir(dir);
}

void health_state_remove(const struct engine_dirs *dirs, const char *id)
{
	auto_free char *path = path_of(dirs, id);

	(void)unlink(path);
}

enum health_state health_state_of(const json_t *state)
{
	const char *name = json_string_value(json_object_get(state, "Status"));

	for (int i = 0; name && i < HEALTH_STATES; i++) {
		if (strcmp(health_state_name((enum health_state)i), name) == 0)
			return (enum health_state)i;
	}
	return HEALTH_NONE;
}

char *health_state_reason(const json_t *state)
{
	const json_t *log = json_object_get(state, "Log");
	size_t n = json_array_size(log);
	const json_t *last = n ? json_array_get(log, n - 1) : NULL;
	const char *text = json_string_value(json_object_get(last, "Output"));

	if (!last)
		return xstrdup("");
	if (text && *text)
		return xstrndup(text, strcspn(text, "\r\n"));
	return xasprintf("exit status %d",
			 (int)json_integer_value(json_object_get(last, "ExitCode")));
}
