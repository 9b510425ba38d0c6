/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/list.h"

#include <errno.h>
#include <stdlib.h>

#include "base/enum.h"
#include "base/json.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/path.h"
#include "engine/health_state.h"
#include "engine/reconcile.h"
#include "runtime/container.h"

static const struct enum_name status_names[] = {
	{ "created", LIST_CREATED },       { "running", LIST_RUNNING }, { "paused", LIST_PAUSED },
	{ "restarting", LIST_RESTARTING }, { "exited", LIST_EXITED },   { NULL, 0 },
};

const char *list_status_name(enum list_status status)
{
	return enum_to_name(status_names, (int)status);
}

/* What a supervisor is at is known by what the runtime says of its container. */
static void find_status(const struct engine_dirs *dirs, struct list_entry *entry)
{
	auto_free char *root = path_join(dirs->state, "containers");
	struct container_state state = { 0 };
	struct error ignored;

	entry->health = health_state_read(dirs, entry->record.id);
	/* Being made, or made and not started. */
	entry->status = !entry->record.has_ended || !entry->record.ended_ns ? LIST_CREATED
			: entry->record.is_restarting                       ? LIST_RESTARTING
									    : LIST_EXITED;
	if (entry->record.has_ended ||
	    container_state(root, entry->record.id, &state, &ignored) != 1)
		return;
	if (state.status == CONTAINER_RUNNING || state.status == CONTAINER_PAUSED) {
		entry->status = state.status == CONTAINER_PAUSED ? LIST_PAUSED : LIST_RUNNING;
		entry->started_ns = state.created_ns;
		entry->pid = state.pid;
	}
	container_state_fini(&state);
}

static int compare(const void *a, const void *b)
{
	const struct list_entry *x = a, *y = b;

	return x->record.created_ns < y->record.created_ns ? 1 : -1;
}

int list_containers(const struct engine_dirs *dirs, struct list_entry **ret, size_t *ret_n,
		    struct error *err)
{
	auto_strv struct strv names = { 0 };
	struct list_entry *entries;
	size_t n = 0;
	int rc = record_list(dirs, &names, err);

	if (rc < 0)
		return rc;
	entries = xcalloc(names.n + 1, sizeof(*entries));
	for (size_t i = 0; i < names.n; i++) {
		auto_place struct record_place place = RECORD_NO_PLACE;
		struct error missing;

		/* It may go, or not quite be there yet, while we look. */
		if (record_open(dirs, names.items[i], &place, &missing) < 0 ||
		    record_read(&place, &entries[n].record, &missing) < 0)
			continue;
		find_status(dirs, &entries[n++]);
	}
	qsort(entries, n, sizeof(*entries), compare);
	*ret = entries;
	*ret_n = n;
	return 0;
}

void list_entry_fini(struct list_entry *entry)
{
	record_fini(&entry->record);
	json_unref(&entry->health);
}

/* A living supervisor holds the lock of its container's directory. */
static bool is_abandoned(const struct record_place *place, const struct record *record)
{
	struct error ignored;

	return !record->has_ended &&
	       lock_fd_try(place->dir.fd, LOCK_SHARED, place->path, &ignored) == 1;
}

/* 1, or 0 if it has a supervisor no more and has to be looked at again when that is repaired. */
static int read_entry(const struct engine_dirs *dirs, const char *name, struct list_entry *ret,
		      struct error *err)
{
	auto_place struct record_place place = RECORD_NO_PLACE;
	struct list_entry entry = { 0 };
	int rc = record_open(dirs, name, &place, err);

	if (rc == 0)
		rc = record_read(&place, &entry.record, err);
	if (rc < 0)
		return rc;
	if (is_abandoned(&place, &entry.record)) {
		list_entry_fini(&entry);
		return 0;
	}
	find_status(dirs, &entry);
	*ret = entry;
	return 1;
}

int list_find(const struct engine_dirs *dirs, const char *text, struct list_entry *ret,
	      struct error *err)
{
	auto_free char *name = NULL;
	int rc = record_find(dirs, text, &name, err);

	if (rc == 1)
		rc = read_entry(dirs, name, ret, err);
	if (rc == 0 && name) {
		rc = reconcile_name(dirs, name, err);
		if (rc == 0)
			rc = read_entry(dirs, name, ret, err);
	}
	if (rc == 0 || (rc < 0 && err->code == ENOENT))
		return err_set(err, ENOENT, "no such container: '%s'", text);
	return rc < 0 ? rc : 0;
}

int list_find_running(const struct engine_dirs *dirs, const char *text, struct list_entry *ret,
		      struct error *err)
{
	int rc = list_find(dirs, text, ret, err);

	if (rc < 0 || ret->pid)
		return rc;
	rc = err_set(err, EINVAL, "container '%s' is not running", ret->record.name);
	list_entry_fini(ret);
	return rc;
}

void list_free(struct list_entry *entries, size_t n)
{
	for (size_t i = 0; i < n; i++)
		list_entry_fini(&entries[i]);
	free(entries);
}
