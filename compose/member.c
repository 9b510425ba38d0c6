/* SPDX-License-Identifier: Apache-2.0 */
#include "compose/member.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "compose/labels.h"
#include "engine/change.h"
#include "engine/create.h"
#include "engine/list.h"
#include "engine/reconcile.h"
#include "engine/verbs.h"

/* It is of the project, and of nobody else. */
static bool is_own(const struct engine_dirs *dirs, const char *name, const char *project)
{
	auto_list_entry struct list_entry entry = { 0 };
	struct error ignored;

	return list_find(dirs, name, &entry, &ignored) == 0 &&
	       str_eq(strv_getenv(&entry.record.labels, LABEL_PROJECT), project);
}

/* What a killed command has left of it goes first. */
static int make_room(const struct engine_dirs *dirs, const char *name, const char *project,
		     struct error *err)
{
	struct error later;

	if (is_own(dirs, name, project) && container_remove(dirs, name, true, &later) < 0)
		return err_set(err, EEXIST, "%s", later.msg);
	return 0;
}

int member_run(const struct engine_dirs *dirs, struct run_options *options, const char *project,
	       struct error *err)
{
	auto_str struct str ignored = { 0 };
	char id[65];
	int rc = make_room(dirs, options->name, project, err);

	return rc < 0 ? rc : foreground_run(dirs, options, id, &ignored, err);
}

int member_make(const struct engine_dirs *dirs, struct run_options *options, const char *project,
		struct error *err)
{
	char id[65];
	int rc = make_room(dirs, options->name, project, err);

	return rc < 0 ? rc : container_make(dirs, options, id, err);
}

int member_update(const struct engine_dirs *dirs, const char *name,
		  const struct run_options *options, struct error *err)
{
	const struct container_change change = {
		.kind = CHANGE_LIMITS,
		.limits = LIMIT_MEMORY | LIMIT_MEMORY_SWAP | LIMIT_CPUS | LIMIT_CPU_SHARES |
			  LIMIT_PIDS | LIMIT_RESTART,
		.options = *options, /* borrowed */
	};

	return verb_update(dirs, name, &change, err);
}

int member_start(const struct engine_dirs *dirs, const char *name, struct error *err)
{
	const struct foreground_streams none = { 0 };
	auto_str struct str ignored = { 0 };

	return verb_start(dirs, name, &none, &ignored, err);
}

int member_stop(const struct engine_dirs *dirs, const char *name, int signal, int64_t patience_ns,
		struct error *err)
{
	const struct stop_request request = {
		.signal = signal,
		.timeout = (int)MIN((patience_ns + 999999999) / 1000000000, (int64_t)INT32_MAX),
	};
	int rc = verb_stop(dirs, name, &request, err);

	return rc == -ENOENT ? 0 : rc;
}

int member_kill(const struct engine_dirs *dirs, const char *name, int signal, struct error *err)
{
	int rc = verb_kill(dirs, name, signal, err);

	return rc == -ESRCH || rc == -ENOENT ? 0 : rc;
}

int member_remove(const struct engine_dirs *dirs, const char *name, struct error *err)
{
	int rc = container_remove(dirs, name, true, err);

	return rc == -ENOENT ? 0 : rc;
}

int member_list(const struct engine_dirs *dirs, const char *project, const char *service,
		struct strv *names, struct error *err)
{
	struct list_entry *entries = NULL;
	size_t n = 0;
	int rc = list_containers(dirs, &entries, &n, err);

	for (size_t i = 0; rc == 0 && i < n; i++) {
		const struct strv *labels = &entries[i].record.labels;

		if (str_eq(strv_getenv(labels, LABEL_PROJECT), project) &&
		    str_eq(strv_getenv(labels, LABEL_SERVICE), service))
			strv_add(names, entries[i].record.name);
	}
	list_free(entries, n);
	return rc;
}

int member_wait_all(const struct engine_dirs *dirs, const char *project, const char *service,
		    struct error *err)
{
	auto_strv struct strv names = { 0 };
	int rc = member_list(dirs, project, service, &names, err);

	for (size_t i = 0; rc == 0 && i < names.n; i++)
		rc = verb_wait(dirs, names.items[i], err);
	return rc;
}
