/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/reconcile.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "engine/control.h"
#include "engine/events.h"
#include "engine/health_state.h"
#include "engine/networks.h"
#include "engine/run.h"
#include "net/endpoint.h"
#include "runtime/container.h"

/*
 * Theory of operation.  A supervisor holds the lock of its container's directory as long as it lives.
 * Who gets that lock is alone with what is left, and releases it in the order in which a supervisor
 * does: what the record names first, the record last.  Killed in the middle of that, it leaves to
 * the next one a record that still names everything.
 */

/* 1 if the directory is there and locked for us now, 0 if it is not there (any more). */
static int enter(const struct engine_dirs *dirs, const char *name, struct record_place *ret,
		 struct error *err)
{
	struct stat st;
	int rc = record_open(dirs, name, ret, err);

	if (rc == -ENOENT)
		return 0;
	if (rc == 0)
		rc = lock_fd(ret->dir.fd, LOCK_EXCLUSIVE, ret->path, err);
	if (rc < 0)
		return rc;
	/* Whom we waited for may have removed it. */
	return fstat(ret->dir.fd, &st) == 0 && st.st_nlink > 0;
}

/* Goes on after a failure, and returns the first. */
static int release(const struct engine_dirs *dirs, const struct record *record, struct error *err)
{
	auto_free char *root = path_join(dirs->state, "containers");
	auto_networks struct networks networks = NETWORKS_CLOSED;
	struct error later;
	int rc = container_delete(root, record->id, true, err);
	int last;

	control_remove(dirs, record->id);
	health_state_remove(dirs, record->id);
	health_state_sweep(dirs, record->supervisor);
	if (!run_has_endpoint(record))
		return rc;
	last = networks_open(dirs, &networks, rc < 0 ? &later : err);
	if (last == 0)
		last = endpoint_release(&networks.dir, NULL, record->id, rc < 0 ? &later : err);
	return rc < 0 ? rc : last;
}

/* When it was started, as far as its runtime's state tells. */
static int64_t find_start(const struct engine_dirs *dirs, const struct record *record)
{
	auto_free char *root = path_join(dirs->state, "containers");
	struct container_state state = { 0 };
	struct error ignored;
	int64_t started = record->started_ns;

	if (container_state(root, record->id, &state, &ignored) == 1)
		started = state.created_ns;
	container_state_fini(&state);
	return started;
}

/* What became of it is known to nobody. */
static void note_killed(const struct engine_dirs *dirs, struct record *record)
{
	record->started_ns = find_start(dirs, record);
	record->has_ended = true;
	record->exit_code = 128 + SIGKILL;
	record->is_oom_killed = false;
	record->ended_ns = clock_real_ns();
}

static int remove_record(const struct engine_dirs *dirs, const struct record *record,
			 struct error *err)
{
	int rc = record_remove(dirs, record->name, err);

	if (rc == 0)
		event_add(dirs, record, "destroy", 0, NULL);
	return rc;
}

/* The container is ours: finishes what its supervisor did not.  1: so it was killed; 0: it was not. */
static int finish(const struct engine_dirs *dirs, const struct record_place *place,
		  struct error *err)
{
	auto_record struct record record = { 0 };
	int rc = record_read(place, &record, err);

	if (rc < 0)
		return rc;
	if (record.has_ended && !record.is_restarting)
		return 0;
	if (!record.has_ended) {
		note_killed(dirs, &record);
		event_add(dirs, &record, "die", 0,
			  (const char *const[]){ "exitCode", "137", NULL });
	}
	record.is_restarting = false;
	rc = release(dirs, &record, err);
	if (rc == 0)
		rc = record.is_removed_at_end ? remove_record(dirs, &record, err)
					      : record_write(place, &record, err);
	return rc < 0 ? rc : 1;
}

/* The same, for who meant to do something else. */
static int finish_aloud(const struct engine_dirs *dirs, const char *name,
			const struct record_place *place, struct error *err)
{
	int rc = finish(dirs, place, err);

	if (rc == 1)
		log_warning("the supervisor of container '%s' was killed, and the container with "
			    "it: released what they had",
			    name);
	return MIN(rc, 0);
}

int reconcile_container(const struct engine_dirs *dirs, const char *name, struct error *err)
{
	auto_place struct record_place place = RECORD_NO_PLACE;
	int rc = enter(dirs, name, &place, err);

	if (rc == 1)
		rc = MIN(finish(dirs, &place, err), 0);
	record_place_close(&place);
	/* Without a record nothing but the directory was made. */
	return rc < 0 && err->code == ENOENT ? record_sweep(dirs, err) : rc;
}

static int reconcile_if_dead(const struct engine_dirs *dirs, const char *name, struct error *err)
{
	auto_place struct record_place place = RECORD_NO_PLACE;
	int rc = record_open(dirs, name, &place, err);

	if (rc == 0)
		rc = lock_fd_try(place.dir.fd, LOCK_EXCLUSIVE, place.path, err);
	if (rc == 1)
		rc = finish_aloud(dirs, name, &place, err);
	/* It went, or has just begun. */
	return rc < 0 && err->code == ENOENT ? 0 : rc;
}

int reconcile_name(const struct engine_dirs *dirs, const char *name, struct error *err)
{
	int rc = record_sweep(dirs, err);

	return rc < 0 ? rc : reconcile_if_dead(dirs, name, err);
}

int reconcile_all(const struct engine_dirs *dirs, struct error *err)
{
	auto_strv struct strv names = { 0 };
	struct error later;
	int first = record_sweep(dirs, err);

	if (first == 0)
		first = record_list(dirs, &names, err);
	for (size_t i = 0; i < names.n; i++) {
		int rc = reconcile_if_dead(dirs, names.items[i], first < 0 ? &later : err);

		if (first == 0)
			first = rc;
	}
	return first;
}

/* ---- one container, for a command ------------------------------------------------------------- */

#define PATIENCE_MS 5000
#define STEP_MS     20

static void pause_ms(long ms)
{
	const struct timespec time = { .tv_nsec = ms * 1000000 };

	(void)nanosleep(&time, NULL);
}

/* The supervisor of a container that is being made has its record written in a moment. */
static int await_record(const struct record_place *place, struct record *ret, struct error *err)
{
	for (int waited = 0;; waited += STEP_MS) {
		int rc = record_read(place, ret, err);

		if (rc == 0 || waited >= PATIENCE_MS || err->code != ENOENT)
			return rc;
		pause_ms(STEP_MS);
	}
}

static int look_at(const struct engine_dirs *dirs, const char *name, struct record *ret,
		   struct record_place *place, struct error *err)
{
	struct stat st;
	int rc = record_open(dirs, name, place, err);

	if (rc == 0)
		rc = lock_fd_try(place->dir.fd, LOCK_EXCLUSIVE, place->path, err);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return await_record(place, ret, err);
	if (fstat(place->dir.fd, &st) < 0 || st.st_nlink == 0)
		return err_set(err, ENOENT, "it has been removed");
	rc = finish_aloud(dirs, name, place, err);
	if (rc == 0)
		rc = record_read(place, ret, err);
	return rc < 0 ? rc : 1;
}

int container_enter(const struct engine_dirs *dirs, const char *text, struct record *ret,
		    struct record_place *ret_place, struct error *err)
{
	auto_place struct record_place place = RECORD_NO_PLACE;
	auto_free char *name = NULL;
	int rc = record_find(dirs, text, &name, err);

	if (rc == 1)
		rc = look_at(dirs, name, ret, &place, err);
	else if (rc == 0)
		rc = err_set(err, ENOENT, "no such container: '%s'", text);
	/* It went while we looked. */
	if (rc == -ENOENT)
		return err_set(err, ENOENT, "no such container: '%s'", text);
	if (rc >= 0) {
		*ret_place = place;
		place = (struct record_place)RECORD_NO_PLACE;
	}
	return rc;
}

int container_claim(const struct engine_dirs *dirs, struct record *record, struct record_place *ret,
		    struct error *err)
{
	struct error ignored;
	int rc = record_claim(dirs, record, ret, err);

	if (rc != -EEXIST || !record->name || reconcile_name(dirs, record->name, &ignored) < 0)
		return rc;
	return record_claim(dirs, record, ret, err);
}

/* ---- rm --------------------------------------------------------------------------------------- */

/* A supervisor that hears us does not start it again.  False: none does, or not yet. */
static bool ask_to_kill(const struct engine_dirs *dirs, const char *id)
{
	const struct control_message message = { .type = CONTROL_KILL, .value = SIGKILL };
	struct error ignored;
	auto_fd int sock = control_connect(dirs, id, &ignored);

	return sock >= 0 && control_send(sock, &message, -1, &ignored) == 0;
}

/*
 * Kills the container, be it there already or only soon, so that its supervisor comes to its end by
 * itself and tells who waits; the supervisor too if that takes too long.
 */
static int kill_running(const struct engine_dirs *dirs, const struct record_place *place,
			struct error *err)
{
	auto_free char *root = path_join(dirs->state, "containers");
	auto_record struct record record = { 0 };
	auto_fd int pidfd = -1;
	struct error ignored;
	int rc = await_record(place, &record, err);

	/* Gone meanwhile, record and all: there is nothing to kill. */
	if (rc < 0)
		return err->code == ENOENT ? 0 : rc;
	pidfd = proc_open(record.supervisor, record.supervisor_start, err);
	if (pidfd < 0)
		return 0;
	for (int waited = 0; rc == 0; waited += STEP_MS) {
		if (!ask_to_kill(dirs, record.id))
			(void)container_kill(root, record.id, SIGKILL, false, &ignored);
		if (waited == PATIENCE_MS)
			(void)proc_signal(pidfd, SIGKILL, &ignored);
		rc = proc_wait_end(pidfd, STEP_MS, err);
		if (rc == 0 && waited > 2 * PATIENCE_MS)
			return err_set(
				err, ETIMEDOUT,
				"end container '%s': its supervisor (process %d) does not end",
				record.name, record.supervisor);
	}
	return rc < 0 ? rc : 0;
}

static int remove_ended(const struct engine_dirs *dirs, const struct record_place *place,
			struct error *err)
{
	auto_record struct record record = { 0 };
	int rc = record_read(place, &record, err);

	if (rc < 0)
		return rc;
	if (!record.has_ended)
		log_warning(
			"the supervisor of container '%s' was killed, and the container with it",
			record.name);
	rc = release(dirs, &record, err);
	return rc < 0 ? rc : remove_record(dirs, &record, err);
}

/* One that has ended may be locked for a moment by somebody who looks at it. */
static bool is_at_end(const struct record_place *place)
{
	auto_record struct record record = { 0 };
	struct error ignored;

	return record_read(place, &record, &ignored) == 0 && record.has_ended &&
	       !record.is_restarting;
}

/*
 * Locks what has been killed.  A container that is just being started again has the record of its
 * earlier life for a moment: who holds the lock is not named there yet.  Nor is anybody else, for whom
 * one does not wait for ever.
 */
static int kill_and_lock(const struct engine_dirs *dirs, const struct record_place *place,
			 struct error *err)
{
	for (int waited = 0;; waited += STEP_MS) {
		int rc = kill_running(dirs, place, err);

		if (rc == 0)
			rc = lock_fd_try(place->dir.fd, LOCK_EXCLUSIVE, place->path, err);
		if (rc != 0)
			return rc;
		if (waited > 2 * PATIENCE_MS)
			return err_set(err, ETIMEDOUT,
				       "'%s' is locked by a process that is not its supervisor",
				       place->path);
		pause_ms(STEP_MS);
	}
}

static int remove_by_name(const struct engine_dirs *dirs, const char *name, bool force,
			  struct error *err)
{
	auto_place struct record_place place = RECORD_NO_PLACE;
	struct stat st;
	int rc = record_open(dirs, name, &place, err);

	if (rc == 0)
		rc = lock_fd_try(place.dir.fd, LOCK_EXCLUSIVE, place.path, err);
	if (rc != 0)
		return rc < 0 ? rc : remove_ended(dirs, &place, err);
	if (!force && !is_at_end(&place))
		return err_set(err, EBUSY, "container '%s' is running: remove it with --force",
			       name);
	rc = force ? kill_and_lock(dirs, &place, err)
		   : lock_fd(place.dir.fd, LOCK_EXCLUSIVE, place.path, err);
	if (rc < 0)
		return rc;
	/* Whom we waited for may have removed it. */
	return fstat(place.dir.fd, &st) == 0 && st.st_nlink == 0 ? 0
								 : remove_ended(dirs, &place, err);
}

int container_remove(const struct engine_dirs *dirs, const char *text, bool force,
		     struct error *err)
{
	auto_free char *name = NULL;
	/* What a creator left that died before there was a record goes first. */
	int rc = record_sweep(dirs, err);

	if (rc == 0)
		rc = record_find(dirs, text, &name, err);
	if (rc == 1)
		rc = remove_by_name(dirs, name, force, err);
	else if (rc == 0)
		rc = err_set(err, ENOENT, "no such container: '%s'", text);
	/* It went by itself: with --rm, or by somebody else's hand. */
	if (rc < 0 && err->code == ENOENT && name)
		return force ? 0 : err_set(err, ENOENT, "no such container: '%s'", text);
	return rc;
}
