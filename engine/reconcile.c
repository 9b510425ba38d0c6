/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/reconcile.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/lock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "runtime/container.h"

/*
 * Theory of operation.  A supervisor holds the lock of its container's directory as long as it lives.
 * Who gets that lock is alone with what is left, and releases it in the order in which a supervisor
 * does: what the record names first, the record last.  Killed in the middle of that, it leaves to
 * the next one a record that still names everything.
 */

/* 1 if the directory is there and locked for us now, 0 if it is not there (any more). */
static int enter(const struct engine_dirs *dirs, const char *id, struct record_place *ret,
		 struct error *err)
{
	struct stat st;
	int rc = record_open(dirs, id, ret, err);

	if (rc == -ENOENT)
		return 0;
	if (rc == 0)
		rc = lock_fd(ret->dir.fd, LOCK_EXCLUSIVE, ret->path, err);
	if (rc < 0)
		return rc;
	/* Whom we waited for may have removed it. */
	return fstat(ret->dir.fd, &st) == 0 && st.st_nlink > 0;
}

static int release(const struct engine_dirs *dirs, const char *id, struct error *err)
{
	auto_free char *root = path_join(dirs->state, "containers");

	return container_delete(root, id, true, err);
}

static int64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* The container is ours: finishes what its supervisor did not. */
static int finish(const struct engine_dirs *dirs, const char *id, const struct record_place *place,
		  struct error *err)
{
	auto_record struct record record = { 0 };
	struct error missing;
	bool has_record = record_read(place, &record, &missing) == 0;
	int rc;

	if (has_record && record.has_ended)
		return 0;
	rc = release(dirs, id, err);
	if (rc < 0)
		return rc;
	if (!has_record || record.is_removed_at_end)
		return record_remove(dirs, id, record.name, err);
	record.has_ended = true;
	record.exit_code = 128 + SIGKILL;
	record.ended_ns = now_ns();
	return record_write(place, &record, err);
}

int reconcile_container(const struct engine_dirs *dirs, const char *id, struct error *err)
{
	auto_place struct record_place place = RECORD_NO_PLACE;
	int rc = enter(dirs, id, &place, err);

	if (rc < 0)
		return rc;
	return rc ? finish(dirs, id, &place, err) : record_remove(dirs, id, NULL, err);
}

static int reconcile_if_dead(const struct engine_dirs *dirs, const char *id, struct error *err)
{
	auto_place struct record_place place = RECORD_NO_PLACE;
	int rc = record_open(dirs, id, &place, err);

	if (rc == 0)
		rc = lock_fd_try(place.dir.fd, LOCK_EXCLUSIVE, place.path, err);
	if (rc == -ENOENT || rc == 0)
		return 0;
	return rc < 0 ? rc : finish(dirs, id, &place, err);
}

int reconcile_all(const struct engine_dirs *dirs, struct error *err)
{
	auto_strv struct strv ids = { 0 };
	struct error later;
	int first = record_sweep(dirs, &ids, err);

	if (first == 0)
		first = record_list(dirs, &ids, err);
	for (size_t i = 0; i < ids.n; i++) {
		int rc = reconcile_if_dead(dirs, ids.items[i], first < 0 ? &later : err);

		if (first == 0)
			first = rc;
	}
	return first;
}

/* ---- rm --------------------------------------------------------------------------------------- */

#define PATIENCE_MS 5000
#define STEP_MS     20

static void pause_ms(long ms)
{
	const struct timespec time = { .tv_nsec = ms * 1000000 };

	(void)nanosleep(&time, NULL);
}

/* The supervisor of a container that is being made has its record written in a moment. */
static int open_supervisor(const struct record_place *place, struct error *err)
{
	for (int waited = 0;; waited += STEP_MS) {
		auto_record struct record record = { 0 };
		int rc = record_read(place, &record, err);

		if (rc == 0)
			return proc_open(record.supervisor, record.supervisor_start, err);
		if (waited >= PATIENCE_MS || err->code != ENOENT)
			return rc;
		pause_ms(STEP_MS);
	}
}

/*
 * Kills the container, be it there already or only soon, so that its supervisor comes to its end by
 * itself and tells who waits; the supervisor too if that takes too long.
 */
static int kill_running(const struct engine_dirs *dirs, const char *id,
			const struct record_place *place, struct error *err)
{
	auto_free char *root = path_join(dirs->state, "containers");
	auto_fd int pidfd = open_supervisor(place, err);
	struct error ignored;
	int rc = 0;

	/* Gone, record and all: there is nothing to kill. */
	if (pidfd < 0)
		return err->code == ESRCH || err->code == ENOENT ? 0 : pidfd;
	for (int waited = 0; rc == 0; waited += STEP_MS) {
		(void)container_kill(root, id, SIGKILL, false, &ignored);
		if (waited == PATIENCE_MS)
			(void)proc_signal(pidfd, SIGKILL, &ignored);
		rc = proc_wait_end(pidfd, STEP_MS, err);
	}
	return rc < 0 ? rc : 0;
}

static int remove_ended(const struct engine_dirs *dirs, const char *id,
			const struct record_place *place, struct error *err)
{
	auto_record struct record record = { 0 };
	struct error missing;
	int rc = release(dirs, id, err);

	if (rc < 0)
		return rc;
	(void)record_read(place, &record, &missing);
	return record_remove(dirs, id, record.name, err);
}

static int remove_by_id(const struct engine_dirs *dirs, const char *id, const char *name,
			bool force, struct error *err)
{
	auto_place struct record_place place = RECORD_NO_PLACE;
	auto_place struct record_place again = RECORD_NO_PLACE;
	int rc = record_open(dirs, id, &place, err);

	if (rc == -ENOENT)
		return err_set(err, ENOENT, "no such container: '%s'", name);
	if (rc == 0)
		rc = lock_fd_try(place.dir.fd, LOCK_EXCLUSIVE, place.path, err);
	if (rc != 0)
		return rc < 0 ? rc : remove_ended(dirs, id, &place, err);
	if (!force)
		return err_set(err, EBUSY, "container '%s' is running: remove it with --force",
			       name);
	rc = kill_running(dirs, id, &place, err);
	if (rc == 0)
		rc = enter(dirs, id, &again, err);
	return rc == 1 ? remove_ended(dirs, id, &again, err) : rc;
}

int container_remove(const struct engine_dirs *dirs, const char *name, bool force,
		     struct error *err)
{
	auto_strv struct strv unrecorded = { 0 };
	char id[RECORD_ID_LEN + 1];
	int rc = record_sweep(dirs, &unrecorded, err);

	for (size_t i = 0; rc >= 0 && i < unrecorded.n; i++)
		rc = reconcile_if_dead(dirs, unrecorded.items[i], err);
	if (rc >= 0)
		rc = record_find(dirs, name, id, err);
	if (rc == 0)
		return err_set(err, ENOENT, "no such container: '%s'", name);
	return rc < 0 ? rc : remove_by_id(dirs, id, name, force, err);
}
