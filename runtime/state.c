/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/enum.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/path.h"
#include "base/proc.h"
#include "cgroups/cgroup.h"
#include "runtime/hooks.h"

static const struct enum_name status_names[] = {
	{ "creating", CONTAINER_CREATING }, { "created", CONTAINER_CREATED },
	{ "running", CONTAINER_RUNNING },   { "paused", CONTAINER_PAUSED },
	{ "stopped", CONTAINER_STOPPED },   { NULL, 0 },
};

const char *container_status_name(enum container_status status)
{
	return enum_to_name(status_names, (int)status);
}

void container_state_fini(struct container_state *state)
{
	free(state->id);
	free(state->bundle);
	free(state->rootfs);
	free(state->cgroup_path);
	free(state->unit);
	free(state->owner);
	strv_fini(&state->annotations);
	*state = (struct container_state){ 0 };
}

void state_record_fini(struct state_record *record)
{
	container_state_fini(&record->state);
	hooks_fini(&record->poststart);
	hooks_fini(&record->poststop);
}

static int open_dir(int root_fd, const char *name, struct error *err)
{
	int fd = openat(root_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return err_set(err, ENOENT, "container does not exist");
	return fd < 0 ? err_sys(err, "open '%s'", name) : fd;
}

int state_open_dir(const char *root, const char *id, struct error *err)
{
	auto_free char *path = path_join(root, id);

	if (!is_valid_name(id))
		return err_set(err, EINVAL, "invalid container ID format");
	return open_dir(AT_FDCWD, path, err);
}

/* Who waited for the lock of one that is deleted has a directory without a name. */
static int lock_dir(int fd, struct error *err)
{
	struct stat st;

	while (flock(fd, LOCK_EX) < 0) {
		if (errno != EINTR)
			return err_sys(err, "lock the container's state");
	}
	if (fstat(fd, &st) < 0)
		return err_sys(err, "look at the container's state");
	return st.st_nlink ? 0 : err_set(err, ENOENT, "container does not exist");
}

int state_lock_dir(const char *root, const char *id, struct error *err)
{
	auto_fd int fd = state_open_dir(root, id, err);
	int rc = fd < 0 ? fd : lock_dir(fd, err);

	return rc < 0 ? rc : take_fd(&fd);
}

int state_make_dir(const char *root, const char *id, struct error *err)
{
	auto_fd int root_fd = dir_make_open(root, 0700, err);
	auto_fd int fd = -1;
	int rc;

	if (root_fd < 0)
		return root_fd;
	if (mkdirat(root_fd, id, 0700) < 0) {
		if (errno == EEXIST)
			return err_set(err, EEXIST, "container with given ID already exists");
		return err_sys(err, "make directory '%s/%s'", root, id);
	}
	fd = open_dir(root_fd, id, err);
	if (fd < 0)
		return fd;
	rc = lock_dir(fd, err);
	/*
	 * Ours may have been deleted before we had locked it, and made again by somebody who opened
	 * and locked this one first: then it is his, and has his record.
	 */
	if (rc == 0 && faccessat(fd, STATE_FILE, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		rc = err_set(err, EEXIST, "container with given ID already exists");
	return rc < 0 ? rc : take_fd(&fd);
}

int state_remove_dir(const char *root, const char *id, struct error *err)
{
	auto_fd int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? 0 : err_sys(err, "open '%s'", root);
	return tree_remove_at(&(struct dir){ .fd = fd, .path = root }, id, err);
}

void state_keep(const struct dir *dir, const char *name, const struct str *data)
{
	struct error err;
	struct stat st;

	/* Whoever removes the directory has its lock: it does not grow while it is emptied. */
	if (flock(dir->fd, LOCK_EX | LOCK_NB) < 0)
		return;
	if (fstat(dir->fd, &st) == 0 && st.st_nlink > 0 &&
	    file_replace_at(dir, name, data->text, data->len, 0600, FILE_FAST, &err) < 0)
		log_debug("%s", err.msg);
	(void)flock(dir->fd, LOCK_UN);
}

static json_t *to_json(const struct state_record *r)
{
	const struct container_state *s = &r->state;
	json_t *json = json_object_new();

	json_put_string(json, "id", s->id);
	json_put_string(json, "bundle", s->bundle);
	json_put_string(json, "rootfs", s->rootfs);
	json_put_string(json, "cgroupPath", s->cgroup_path);
	if (s->unit)
		json_put_string(json, "unit", s->unit);
	json_put_string(json, "owner", s->owner);
	json_put_string(json, "bootId", r->boot_id);
	json_put_bool(json, "isCreated", r->is_created);
	json_put_int(json, "pid", s->pid);
	json_put_int(json, "startTime", (int64_t)s->start_time);
	json_put_int(json, "created", s->created_ns);
	json_put_strings(json, "annotations", &s->annotations);
	if (r->poststart.n)
		json_put(json, "poststart", hooks_to_json(&r->poststart));
	if (r->poststop.n)
		json_put(json, "poststop", hooks_to_json(&r->poststop));
	return json;
}

int state_write(const struct dir *dir, const struct state_record *record, struct error *err)
{
	auto_json json_t *json = to_json(record);
	auto_free char *text = json_to_text(json, JSON_COMPACT);
	auto_free char *line = xasprintf("%s\n", text);
	int first = record->is_created ? 0 : O_CREAT | O_EXCL;
	auto_fd int fd = openat(dir->fd, STATE_FILE,
				O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC | first, 0600);
	ssize_t n;

	if (fd < 0)
		return err_sys(err, "write '%s/%s'", dir->path, STATE_FILE);
	n = write(fd, line, strlen(line));
	if (n < 0)
		return err_sys(err, "write '%s/%s'", dir->path, STATE_FILE);
	if ((size_t)n != strlen(line))
		return err_set(err, ENOSPC, "write '%s/%s': %s", dir->path, STATE_FILE,
			       err_text(ENOSPC));
	return 0;
}

struct raw {
	char *boot_id;
	int64_t pid, created;
	uint64_t start_time;
	struct container_state state;
	bool is_created;
	struct spec_hooks poststart, poststop;
};

static const struct json_field fields[] = {
	JSON_FIELD_NEEDED(struct raw, state.id, JSON_FIELD_STRING, "id"),
	JSON_FIELD(struct raw, state.bundle, JSON_FIELD_STRING, "bundle"),
	JSON_FIELD(struct raw, state.rootfs, JSON_FIELD_STRING, "rootfs"),
	JSON_FIELD(struct raw, state.cgroup_path, JSON_FIELD_STRING, "cgroupPath"),
	JSON_FIELD(struct raw, state.unit, JSON_FIELD_STRING, "unit"),
	JSON_FIELD(struct raw, state.owner, JSON_FIELD_STRING, "owner"),
	JSON_FIELD(struct raw, boot_id, JSON_FIELD_STRING, "bootId"),
	JSON_FIELD(struct raw, is_created, JSON_FIELD_BOOL, "isCreated"),
	JSON_FIELD(struct raw, pid, JSON_FIELD_INT64, "pid"),
	JSON_FIELD(struct raw, start_time, JSON_FIELD_UINT64, "startTime"),
	JSON_FIELD(struct raw, created, JSON_FIELD_INT64, "created"),
	JSON_FIELD(struct raw, state.annotations, JSON_FIELD_STRINGS, "annotations"),
	JSON_FIELD_BY(struct raw, poststart, "poststart", hooks_read),
	JSON_FIELD_BY(struct raw, poststop, "poststop", hooks_read),
	JSON_FIELDS_END,
};

/* The last line that is whole, in @text; NULL: there is none yet. */
static char *last_line(char *text)
{
	char *end = strrchr(text, '\n');
	char *start;

	if (!end)
		return NULL;
	*end = '\0';
	start = strrchr(text, '\n');
	return start ? start + 1 : text;
}

static int read_record(const struct dir *dir, struct raw *raw, struct error *err)
{
	auto_json_doc struct json_doc doc = { 0 };
	auto_free char *text = NULL;
	const char *line;
	int rc = file_read_at(dir, STATE_FILE, JSON_MAX_SIZE, &text, NULL, err);

	if (rc < 0)
		return rc;
	line = last_line(text);
	if (!line)
		return err_set(err, ENOENT, "nothing is written yet");
	rc = json_doc_parse(&doc, STATE_FILE, line, strlen(line), err);
	return rc < 0 ? rc : json_read(&doc, fields, raw, err);
}

int state_read(const struct dir *dir, struct state_record *ret, struct error *err)
{
	struct raw raw = { 0 };
	int rc = read_record(dir, &raw, err);

	if (rc < 0) {
		container_state_fini(&raw.state);
		hooks_fini(&raw.poststart);
		hooks_fini(&raw.poststop);
		free(raw.boot_id);
		return err_wrap(err, "read state of '%s'", dir->path);
	}
	*ret = (struct state_record){
		.state = raw.state,
		.is_created = raw.is_created,
		.poststart = raw.poststart,
		.poststop = raw.poststop,
	};
	ret->state.pid = (pid_t)raw.pid;
	ret->state.start_time = raw.start_time;
	ret->state.created_ns = raw.created;
	(void)snprintf(ret->boot_id, sizeof(ret->boot_id), "%s", raw.boot_id ? raw.boot_id : "");
	free(raw.boot_id);
	return 0;
}

static bool is_paused(const char *cgroup_path)
{
	auto_cgroup_host struct cgroup_host *host = NULL;
	auto_cgroup struct cgroup *cgroup = NULL;
	struct error ignored;
	bool is_frozen = false;

	return cgroup_path && cgroup_host_open(&host, &ignored) == 0 &&
	       cgroup_open(host, cgroup_path, &cgroup, &ignored) == 0 &&
	       cgroup_is_frozen(cgroup, &is_frozen, &ignored) == 0 && is_frozen;
}

enum container_status state_phase(const struct dir *dir, const struct state_record *record,
				  int *ret_pidfd)
{
	char boot_id[37];
	auto_fd int pidfd = -1;
	struct error ignored;

	if (ret_pidfd)
		*ret_pidfd = -1;
	proc_boot_id(boot_id);
	if (strcmp(boot_id, record->boot_id) != 0)
		return CONTAINER_STOPPED;
	if (!record->is_created)
		return CONTAINER_CREATING;

	pidfd = proc_open(record->state.pid, record->state.start_time, &ignored);
	/* A pidfd is readable once its process has ended, be it waited for or not. */
	if (pidfd < 0 || proc_wait_end(pidfd, 0, &ignored) != 0)
		return CONTAINER_STOPPED;
	if (ret_pidfd)
		*ret_pidfd = take_fd(&pidfd);
	if (faccessat(dir->fd, STATE_FIFO, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return CONTAINER_CREATED;
	return CONTAINER_RUNNING;
}

enum container_status state_status(const struct dir *dir, const struct state_record *record,
				   int *ret_pidfd)
{
	enum container_status status = state_phase(dir, record, ret_pidfd);

	if (status == CONTAINER_RUNNING && is_paused(record->state.cgroup_path))
		return CONTAINER_PAUSED;
	return status;
}

char *state_json(const struct container_state *s, size_t indent)
{
	auto_json json_t *json = json_object_new();
	char created[CLOCK_TEXT];

	clock_format(s->created_ns, created);
	json_put_string(json, "ociVersion", "1.3.0");
	json_put_string(json, "id", s->id);
	json_put_int(json, "pid", s->status == CONTAINER_STOPPED ? 0 : s->pid);
	json_put_string(json, "status", container_status_name(s->status));
	json_put_string(json, "bundle", s->bundle);
	json_put_string(json, "rootfs", s->rootfs);
	json_put_string(json, "created", created);
	if (s->annotations.n) {
		json_t *annotations = json_object_new();

		for (size_t i = 0; i < s->annotations.n; i++) {
			const char *pair = s->annotations.items[i];
			const char *equals = strchr(pair, '=');
			auto_free char *key =
				xstrndup(pair, equals ? (size_t)(equals - pair) : strlen(pair));

			json_put_string(annotations, key, equals ? equals + 1 : "");
		}
		json_put(json, "annotations", annotations);
	}
	json_put_string(json, "owner", s->owner ? s->owner : "");
	return json_to_text(json, indent ? JSON_INDENT(indent) : JSON_COMPACT);
}
