/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/container.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/path.h"
#include "base/proc.h"
#include "cgroups/cgroup.h"
#include "cgroups/scope.h"
#include "runtime/hooks.h"
#include "runtime/spec.h"
#include "runtime/state.h"
#include "runtime/sync.h"

/* One container's directory, open and read. */
struct handle {
	char *path; /* owned */
	struct dir dir;
	struct state_record record;
	enum container_status status;
	int pidfd; /* of a living init, else -1 */
};

static void handle_close(struct handle *h)
{
	close_fd(&h->pidfd);
	close_fd(&h->dir.fd);
	state_record_fini(&h->record);
	free(h->path);
}

#define auto_handle __attribute__((cleanup(handle_close)))
#define HANDLE_NONE                       \
	{                                 \
		.dir.fd = -1, .pidfd = -1 \
	}

/* @is_locked: nobody else creates, starts or deletes it until the handle is closed. */
static int handle_open(const char *root, const char *id, bool is_locked, struct handle *h,
		       struct error *err)
{
	int rc;

	h->path = path_join(root, id);
	h->dir.path = h->path;
	h->dir.fd = is_locked ? state_lock_dir(root, id, err) : state_open_dir(root, id, err);
	if (h->dir.fd < 0)
		return h->dir.fd;
	rc = state_read(&h->dir, &h->record, err);
	/* A creator that has not got further than the directory. */
	if (rc == -ENOENT)
		return err_set(err, ENOENT, "container does not exist");
	if (rc == 0)
		h->status = state_status(&h->dir, &h->record, &h->pidfd);
	return rc;
}

void container_fini(struct container *container)
{
	close_fd(&container->pidfd);
	close_fd(&container->pty);
	close_fd(&container->start_gate);
	free(container->cgroup_path);
	container->cgroup_path = NULL;
	cgroup_freep(&container->cgroup);
}

int container_cgroup_open(const struct container_state *state, struct cgroup **ret,
			  struct error *err)
{
	auto_cgroup_host struct cgroup_host *host = NULL;
	int rc = cgroup_host_open(&host, err);

	if (rc == 0 && state->unit)
		rc = cgroup_host_add_systemd(host, err);
	if (rc == 0)
		rc = cgroup_open(host, state->cgroup_path, ret, err);
	if (rc == 0)
		cgroup_set_unit(*ret, state->unit);
	return rc;
}

/* ---- start ------------------------------------------------------------------------------------ */

static void run_late_hooks(const struct handle *h, const struct spec_hooks *hooks)
{
	struct container_state state = h->record.state;
	auto_free char *json = NULL;

	if (!hooks->n)
		return;
	state.status = h->status;
	json = state_json(&state, 0);
	hooks_run_late(hooks, json);
}

int container_start_created(struct container *container, const char *root, const char *id,
			    struct error *err)
{
	auto_handle struct handle h = HANDLE_NONE;
	int rc = sync_send(container->start_gate, SYNC_START, -1, err);

	if (rc == 0)
		rc = sync_expect_end(container->start_gate, err);
	close_fd(&container->start_gate);
	if (rc == 0 && container->has_late_hooks)
		rc = handle_open(root, id, false, &h, err);
	if (rc == 0)
		run_late_hooks(&h, &h.record.poststart);
	return rc;
}

/*
 * Opens the gate and waits for execve(2): the end of the fifo is success, a struct error in it the
 * failure.  Opened without waiting, as nobody may be there any more to open the other end.
 */
static int open_gate(const struct handle *h, struct error *err)
{
	auto_fd int fifo = openat(h->dir.fd, STATE_FIFO, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct pollfd fds[] = {
		{ .fd = fifo, .events = POLLIN },
		{ .fd = h->pidfd, .events = POLLIN },
	};
	struct error told;
	ssize_t n;

	if (fifo < 0)
		return err_sys(err, "open the start gate of '%s'", h->path);
	while (poll(fds, ARRAY_LEN(fds), -1) < 0) {
		if (errno != EINTR)
			return err_sys(err, "wait for the start of '%s'", h->path);
	}
	n = read(fifo, &told, sizeof(told));
	if (n == (ssize_t)sizeof(told)) {
		told.msg[sizeof(told.msg) - 1] = '\0';
		*err = told;
		return -(err->code ? err->code : EIO);
	}
	/* Without a hang-up nobody ever held the other end: init ended before it came to wait. */
	if (n < 0 || !(fds[0].revents & POLLHUP))
		return err_set(err, ESRCH, "start '%s': its init has ended", h->path);
	return 0;
}

int container_start(const char *root, const char *id, struct error *err)
{
	auto_handle struct handle h = HANDLE_NONE;
	int rc = handle_open(root, id, true, &h, err);

	if (rc < 0)
		return rc;
	if (h.status == CONTAINER_STOPPED)
		return err_set(err, EINVAL, "cannot start a container that has stopped");
	if (h.status != CONTAINER_CREATED)
		return err_set(err, EINVAL, "cannot start an already running container");
	rc = open_gate(&h, err);
	/* Without the fifo it counts as running; a failed one ends by itself. */
	(void)unlinkat(h.dir.fd, STATE_FIFO, 0);
	if (rc < 0)
		return rc;
	h.status = CONTAINER_RUNNING;
	run_late_hooks(&h, &h.record.poststart);
	return 0;
}

/* ---- state ------------------------------------------------------------------------------------ */

int container_state(const char *root, const char *id, struct container_state *ret,
		    struct error *err)
{
	auto_handle struct handle h = HANDLE_NONE;
	int rc = handle_open(root, id, false, &h, err);

	if (rc == -ENOENT)
		return 0;
	if (rc < 0)
		return rc;
	*ret = h.record.state;
	ret->status = h.status;
	if (h.status == CONTAINER_STOPPED)
		ret->pid = 0;
	h.record.state = (struct container_state){ 0 };
	return 1;
}

int container_list(const char *root, struct strv *ret, struct error *err)
{
	DIR *dir = opendir(root);
	const struct dirent *entry;

	if (!dir)
		return errno == ENOENT ? 0 : err_sys(err, "open '%s'", root);
	while ((entry = readdir(dir))) {
		if (is_valid_name(entry->d_name) &&
		    (entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN))
			strv_add(ret, entry->d_name);
	}
	(void)closedir(dir);
	return 0;
}

/* ---- kill, pause ------------------------------------------------------------------------------ */

/* True if its init has ended, or all of it was deleted, since it was looked at. */
static bool is_gone(const struct handle *h)
{
	struct error ignored;
	struct stat st;

	return (fstat(h->dir.fd, &st) == 0 && st.st_nlink == 0) ||
	       (h->pidfd >= 0 && proc_wait_end(h->pidfd, 0, &ignored) == 1);
}

static int freeze(const struct handle *h, bool is_frozen, struct error *err)
{
	auto_cgroup struct cgroup *cgroup = NULL;
	int rc = container_cgroup_open(&h->record.state, &cgroup, err);

	return rc < 0 ? rc : cgroup_freeze(cgroup, is_frozen, err);
}

static int signal_all(const struct handle *h, int signal, struct error *err)
{
	auto_cgroup struct cgroup *cgroup = NULL;
	int rc = container_cgroup_open(&h->record.state, &cgroup, err);

	if (rc == 0)
		rc = cgroup_signal_all(cgroup, signal, err);
	/* Of one that has ended there is nobody to be signalled, which is no error. */
	return rc < 0 && is_gone(h) ? 0 : rc;
}

int container_kill(const char *root, const char *id, int signal, bool is_all, struct error *err)
{
	auto_handle struct handle h = HANDLE_NONE;
	int rc = handle_open(root, id, false, &h, err);

	if (rc < 0)
		return rc;
	if (is_all)
		return signal_all(&h, signal, err);
	if (h.pidfd < 0)
		return err_set(err, ESRCH, "container not running");
	rc = proc_signal(h.pidfd, signal, err);
	if (rc == -ESRCH)
		return err_set(err, ESRCH, "container not running");
	/* A frozen process acts on SIGKILL only once it is thawed (always so on v1). */
	if (rc == 0 && signal == SIGKILL && h.status == CONTAINER_PAUSED)
		rc = freeze(&h, false, err);
	return rc < 0 && is_gone(&h) ? 0 : rc;
}

int container_pause(const char *root, const char *id, bool is_paused, struct error *err)
{
	auto_handle struct handle h = HANDLE_NONE;
	int rc = handle_open(root, id, false, &h, err);

	if (rc < 0)
		return rc;
	if (is_paused && h.status != CONTAINER_RUNNING && h.status != CONTAINER_CREATED)
		return err_set(err, EINVAL, "container not running or created: %s",
			       container_status_name(h.status));
	if (!is_paused && h.status != CONTAINER_PAUSED)
		return err_set(err, EINVAL, "container not paused");
	rc = freeze(&h, is_paused, err);
	return rc < 0 && is_gone(&h) ? err_set(err, ESRCH, "container not running") : rc;
}

/* ---- delete ----------------------------------------------------------------------------------- */

#define DEATH_MS 10000

/* Ends all processes of the container, its init too if that never reached the cgroup. */
static int end_processes(const struct handle *h, const struct cgroup *cgroup, struct error *err)
{
	int rc = cgroup ? cgroup_signal_all(cgroup, SIGKILL, err) : 0;

	if (h->pidfd < 0)
		return rc;
	if (rc < 0 && proc_signal(h->pidfd, SIGKILL, err) == 0)
		rc = 0;
	else if (rc == 0)
		(void)proc_signal(h->pidfd, SIGKILL, err);
	if (proc_wait_end(h->pidfd, DEATH_MS, err) != 1)
		return err_set(err, ETIMEDOUT, "end container: still there after %d s",
			       DEATH_MS / 1000);
	return rc;
}

/* Takes the lock of the very directory that was made for it: 1, or 0 if somebody has deleted it. */
static int lock_own(const struct container *container, const char *root, const char *id,
		    int *ret_lock, struct error *err)
{
	struct stat st;

	*ret_lock = state_lock_dir(root, id, err);
	if (*ret_lock < 0)
		return *ret_lock == -ENOENT ? 0 : *ret_lock;
	if (fstat(*ret_lock, &st) < 0)
		return err_sys(err, "look at the state of '%s'", id);
	return st.st_dev == container->state_dev && st.st_ino == container->state_ino;
}

int container_delete_created(const struct container *container, const char *root, const char *id,
			     struct error *err)
{
	auto_fd int lock = -1;
	struct error later;
	int rc;

	if (container->has_late_hooks)
		return container_delete(root, id, true, err);
	rc = lock_own(container, root, id, &lock, err);
	/* Then its id and its cgroup may be those of another one by now. */
	if (rc <= 0)
		return rc;
	rc = cgroup_signal_all(container->cgroup, SIGKILL, err);
	if (rc < 0)
		(void)cgroup_destroy(container->cgroup, &later);
	else
		rc = cgroup_destroy(container->cgroup, err);
	if (state_remove_dir(root, id, rc < 0 ? &later : err) < 0 && rc == 0)
		rc = -err->code;
	return rc < 0 ? err_wrap(err, "delete container '%s'", id) : 0;
}

/* What the record names: processes, cgroup.  Goes on after a failure and returns the first. */
static int undo_record(const struct handle *h, struct error *err)
{
	auto_cgroup struct cgroup *cgroup = NULL;
	struct error later;
	char boot_id[37];
	int rc;

	proc_boot_id(boot_id);
	if (strcmp(boot_id, h->record.boot_id) != 0)
		return 0; /* none of it survived the reboot */
	rc = container_cgroup_open(&h->record.state, &cgroup, err);
	if (rc < 0)
		return rc;
	rc = end_processes(h, cgroup, err);
	if (rc < 0)
		return cgroup_destroy(cgroup, &later) < 0 ? rc : 0;
	return cgroup_destroy(cgroup, err);
}

int container_delete(const char *root, const char *id, bool force, struct error *err)
{
	auto_handle struct handle h = HANDLE_NONE;
	/* Whoever creates or starts it comes first; a creator that died has let go. */
	int rc = handle_open(root, id, true, &h, err);

	if (rc == -ENOENT && force) {
		/* The record is the first thing that a creator makes: without it there is nothing. */
		return h.dir.fd < 0 ? 0 : state_remove_dir(root, id, err);
	}
	if (rc < 0)
		return rc;
	if (!force && h.status != CONTAINER_STOPPED && h.status != CONTAINER_CREATED)
		return err_set(err, EBUSY, "cannot delete container %s that is not stopped: %s", id,
			       container_status_name(h.status));
	rc = undo_record(&h, err);
	if (rc < 0)
		return err_wrap(err, "delete container '%s'", id);
	h.status = CONTAINER_STOPPED;
	run_late_hooks(&h, &h.record.poststop);
	return state_remove_dir(root, id, err);
}
