/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/sys.h"
#include "engine/name.h"
#include "engine/options_json.h"

/*
 * Theory of operation.  A container comes into being in this order, and goes in the opposite one:
 *
 *	containers/<name>/              mkdir(2): claims the name or fails, in one call; then it is
 *	                                locked by flock(2) until its supervisor ends
 *	containers/<name>/record.json   by rename(2)
 *	everything else                 found again from what the record says
 *
 * Nobody has to have synced anything for that to hold after SIGKILL: the kernel has the files.
 *
 * After a crash of the machine processes, cgroups, mounts and interfaces are gone.  What can be left
 * of a container lies in its own directory, and is worth something only if the container was to be
 * kept: then its record is synced before anything is put there.  A directory without a record is
 * rubbish.
 *
 * Between making and locking the directory a creator holds the lock on containers/ shared.  Who
 * looks for rubbish holds it exclusively meanwhile: then what is not locked was left by the dead.
 */
#define RECORD_FILE "record.json"
#define RECORD_MAX  JSON_MAX_SIZE

void record_fini(struct record *r)
{
	free(r->name);
	free(r->image);
	free(r->image_id);
	strv_fini(&r->layers);
	strv_fini(&r->command);
	strv_fini(&r->labels);
	strv_fini(&r->networks);
	strv_fini(&r->addresses);
	free(r->ports);
	free(r->stop_signal);
	run_options_fini(&r->options);
	free(r->failure);
	*r = (struct record){ 0 };
}

void record_place_close(struct record_place *place)
{
	close_fd(&place->dir.fd);
	free(place->path);
	place->path = NULL;
	place->dir.path = NULL;
}

void record_place_leave(struct record_place *place)
{
	if (place->dir.fd >= 0)
		lock_fd_release(place->dir.fd);
	record_place_close(place);
}

int record_make_id(char ret[RECORD_ID_LEN + 1], struct error *err)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char bytes[RECORD_ID_LEN / 2];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return err_sys(err, "make an id");
	for (size_t i = 0; i < sizeof(bytes); i++) {
		ret[2 * i] = digits[bytes[i] >> 4];
		ret[2 * i + 1] = digits[bytes[i] & 15];
	}
	ret[RECORD_ID_LEN] = '\0';
	return 0;
}

int record_begin(struct record *record, struct error *err)
{
	if (!record->created_ns)
		record->created_ns = clock_real_ns();
	record->has_ended = record->is_restarting = record->is_stopped = false;
	free(take_ptr(record->failure));
	record->supervisor = getpid();
	proc_boot_id(record->boot_id);
	return proc_start_time(record->supervisor, &record->supervisor_start, err);
}

/* ---- directories ------------------------------------------------------------------------------ */

static int open_containers(const struct engine_dirs *dirs, char **path, struct error *err)
{
	*path = path_join(dirs->data, "containers");
	return dir_make_open(*path, 0700, err);
}

static bool is_id(const char *text)
{
	return strspn(text, "0123456789abcdef") == RECORD_ID_LEN && !text[RECORD_ID_LEN];
}

static int name_in_use(const struct engine_dirs *dirs, const char *name, struct error *err)
{
	auto_place struct record_place place = RECORD_NO_PLACE;
	auto_record struct record record = { 0 };
	struct error missing;

	if (record_open(dirs, name, &place, &missing) < 0 ||
	    record_read(&place, &record, &missing) < 0)
		return err_set(err, EEXIST, "the name '%s' is in use", name);
	return err_set(err, EEXIST, "the name '%s' is in use by container %.*s", name,
		       RECORD_SHORT_LEN, record.id);
}

#define MADE_UP_MAX 100

/* 1 if the directory @record->name is made, 0 if that name is in use. */
static int claim_made_up(const struct dir *containers, struct record *record, struct error *err)
{
	char made[64];

	for (unsigned int attempt = 0; attempt < MADE_UP_MAX; attempt++) {
		uint32_t random;
		int rc;

		if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
			return err_sys(err, "make a name");
		name_make(random, attempt, made, sizeof(made));
		rc = sys_mkdir_at(containers, made, 0700, err);
		if (rc == 1)
			record->name = xstrdup(made);
		if (rc != 0)
			return rc;
	}
	return err_set(err, EEXIST, "make a name: too many containers");
}

static int lock_place(const struct dir *containers, const char *name, struct record_place *ret,
		      struct error *err)
{
	auto_place struct record_place place = RECORD_NO_PLACE;
	int rc;

	place.dir.path = place.path = path_join(containers->path, name);
	place.dir.fd =
		openat(containers->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (place.dir.fd < 0)
		return err_sys(err, "open '%s'", place.path);
	rc = lock_fd(place.dir.fd, LOCK_EXCLUSIVE, place.path, err);
	if (rc < 0)
		return rc;
	*ret = place;
	place = (struct record_place)RECORD_NO_PLACE;
	return 0;
}

int record_claim(const struct engine_dirs *dirs, struct record *record, struct record_place *ret,
		 struct error *err)
{
	auto_free char *path = NULL;
	auto_fd int fd = open_containers(dirs, &path, err);
	const struct dir containers = { .fd = fd, .path = path };
	int rc;

	if (fd < 0)
		return fd;
	rc = lock_fd(fd, LOCK_SHARED, path, err);
	if (rc < 0)
		return rc;
	rc = record->name ? sys_mkdir_at(&containers, record->name, 0700, err)
			  : claim_made_up(&containers, record, err);
	if (rc == 0)
		return name_in_use(dirs, record->name, err);
	if (rc < 0)
		return rc;
	rc = lock_place(&containers, record->name, ret, err);
	if (rc < 0)
		(void)unlinkat(fd, record->name, AT_REMOVEDIR);
	return rc;
}

int record_open(const struct engine_dirs *dirs, const char *name, struct record_place *ret,
		struct error *err)
{
	auto_free char *parent = path_join(dirs->data, "containers");
	auto_free char *path = path_join(parent, name);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return err_sys(err, "open '%s'", path);
	*ret = (struct record_place){ .dir = { .fd = fd, .path = path }, .path = path };
	path = NULL;
	return 0;
}

int record_rename(const struct engine_dirs *dirs, struct record_place *place, struct record *record,
		  const char *name, struct error *err)
{
	auto_free char *path = NULL;
	auto_fd int fd = open_containers(dirs, &path, err);

	if (fd < 0)
		return fd;
	if (renameat2(fd, record->name, fd, name, RENAME_NOREPLACE) < 0) {
		if (errno == EEXIST)
			return name_in_use(dirs, name, err);
		return err_sys(err, "rename container '%s' to '%s'", record->name, name);
	}
	free(record->name);
	record->name = xstrdup(name);
	free(place->path);
	place->dir.path = place->path = path_join(path, name);
	return fsync(fd) < 0 ? err_sys(err, "write '%s'", path) : 0;
}

int record_remove(const struct engine_dirs *dirs, const char *name, struct error *err)
{
	auto_free char *path = NULL;
	auto_fd int fd = open_containers(dirs, &path, err);

	return fd < 0 ? fd : tree_remove_at(&(struct dir){ .fd = fd, .path = path }, name, err);
}

/* ---- record.json ------------------------------------------------------------------------------ */

static json_t *to_json(const struct record *r)
{
	json_t *json = json_object_new();

	json_put_string(json, "id", r->id);
	json_put_string(json, "name", r->name);
	json_put_string(json, "image", r->image);
	json_put_string(json, "imageId", r->image_id);
	json_put_strings(json, "layers", &r->layers);
	json_put_strings(json, "command", &r->command);
	json_put_strings(json, "labels", &r->labels);
	json_put_strings(json, "networks", &r->networks);
	json_put_strings(json, "addresses", &r->addresses);
	json_put(json, "ports", ports_to_json(r->ports, r->n_ports));
	json_put_int(json, "memory", (int64_t)r->memory);
	json_put_string(json, "stopSignal", r->stop_signal);
	json_put_int(json, "stopTimeout", r->stop_timeout);
	json_put_bool(json, "isRemovedAtEnd", r->is_removed_at_end);
	json_put_int(json, "created", r->created_ns);
	json_put(json, "options", run_options_to_json(&r->options));
	json_put_int(json, "supervisor", r->supervisor);
	json_put_int(json, "supervisorStart", (int64_t)r->supervisor_start);
	json_put_string(json, "bootId", r->boot_id);
	json_put_bool(json, "isStopped", r->is_stopped);
	json_put_int(json, "restartCount", r->restart_count);
	json_put_bool(json, "hasEnded", r->has_ended);
	json_put_bool(json, "isRestarting", r->is_restarting);
	json_put_int(json, "exitCode", r->exit_code);
	json_put_bool(json, "isOomKilled", r->is_oom_killed);
	json_put_int(json, "started", r->started_ns);
	json_put_int(json, "ended", r->ended_ns);
	json_put_string(json, "failure", r->failure);
	return json;
}

int record_write(const struct record_place *place, const struct record *record, struct error *err)
{
	auto_json json_t *json = to_json(record);
	auto_free char *text = json_to_text(json, JSON_COMPACT);

	if (strlen(text) > RECORD_MAX)
		return err_set(err, E2BIG, "write the record of '%s': longer than %u bytes",
			       record->name, RECORD_MAX);
	return file_replace_at(&place->dir, RECORD_FILE, text, strlen(text), 0600,
			       record->is_removed_at_end ? FILE_FAST : FILE_DURABLE, err);
}

struct raw {
	struct record record;
	char *id, *boot_id;
	int64_t supervisor;
};

static int read_ports(struct json_reader *reader, const json_t *value, void *field,
		      struct error *err)
{
	struct record *record = container_of(field, struct record, ports);

	return ports_read(reader, value, &record->ports, &record->n_ports, err);
}

#define RAW(member, type, name) JSON_FIELD(struct raw, member, JSON_FIELD_##type, name)

static const struct json_field fields[] = {
	JSON_FIELD_NEEDED(struct raw, id, JSON_FIELD_STRING, "id"),
	JSON_FIELD_NEEDED(struct raw, record.name, JSON_FIELD_STRING, "name"),
	RAW(record.image, STRING, "image"),
	RAW(record.image_id, STRING, "imageId"),
	RAW(record.layers, STRINGS, "layers"),
	RAW(record.command, STRINGS, "command"),
	RAW(record.labels, STRINGS, "labels"),
	RAW(record.networks, STRINGS, "networks"),
	RAW(record.addresses, STRINGS, "addresses"),
	JSON_FIELD_BY(struct raw, record.ports, "ports", read_ports),
	RAW(record.memory, UINT64, "memory"),
	RAW(record.stop_signal, STRING, "stopSignal"),
	RAW(record.stop_timeout, INT, "stopTimeout"),
	RAW(record.is_removed_at_end, BOOL, "isRemovedAtEnd"),
	RAW(record.created_ns, INT64, "created"),
	JSON_FIELD_BY(struct raw, record.options, "options", run_options_read),
	RAW(supervisor, INT64, "supervisor"),
	RAW(record.supervisor_start, UINT64, "supervisorStart"),
	RAW(boot_id, STRING, "bootId"),
	RAW(record.is_stopped, BOOL, "isStopped"),
	RAW(record.restart_count, INT, "restartCount"),
	RAW(record.has_ended, BOOL, "hasEnded"),
	RAW(record.is_restarting, BOOL, "isRestarting"),
	RAW(record.exit_code, INT, "exitCode"),
	RAW(record.is_oom_killed, BOOL, "isOomKilled"),
	RAW(record.started_ns, INT64, "started"),
	RAW(record.ended_ns, INT64, "ended"),
	RAW(record.failure, STRING, "failure"),
	JSON_FIELDS_END,
};

static int read_fields(const struct record_place *place, const struct json_doc *doc,
		       struct raw *raw, struct error *err)
{
	int rc = json_read(doc, fields, raw, err);

	if (rc < 0)
		return rc;
	if (!is_id(raw->id))
		return err_set(err, EINVAL, "'%s' is no id", raw->id);
	memcpy(raw->record.id, raw->id, RECORD_ID_LEN + 1);
	(void)snprintf(raw->record.boot_id, sizeof(raw->record.boot_id), "%s",
		       raw->boot_id ? raw->boot_id : "");
	raw->record.supervisor = (pid_t)raw->supervisor;
	/* What its directory is called counts: that is how it is renamed. */
	free(raw->record.name);
	raw->record.name = xstrdup(path_base(place->path));
	return 0;
}

int record_read(const struct record_place *place, struct record *ret, struct error *err)
{
	auto_json_doc struct json_doc doc = { 0 };
	auto_free char *text = NULL;
	struct raw raw = { 0 };
	size_t len = 0;
	int rc = file_read_at(&place->dir, RECORD_FILE, RECORD_MAX, &text, &len, err);

	/* A crash of the machine may leave the name of a file that was never written out. */
	if (rc == 0 && len == 0)
		rc = err_set(err, ENOENT, "it is empty");
	if (rc == 0)
		rc = json_doc_parse(&doc, RECORD_FILE, text, len, err);
	if (rc == 0)
		rc = read_fields(place, &doc, &raw, err);
	free(raw.id);
	free(raw.boot_id);
	if (rc < 0) {
		record_fini(&raw.record);
		return err_wrap(err, "read the record of '%s'", place->path);
	}
	*ret = raw.record;
	return 0;
}

/* ---- finding ---------------------------------------------------------------------------------- */

int record_list(const struct engine_dirs *dirs, struct strv *ret, struct error *err)
{
	auto_free char *path = path_join(dirs->data, "containers");
	DIR *dir = opendir(path);
	const struct dirent *entry;

	if (!dir)
		return errno == ENOENT ? 0 : err_sys(err, "open '%s'", path);
	while ((entry = readdir(dir))) {
		if (is_valid_name(entry->d_name))
			strv_add(ret, entry->d_name);
	}
	(void)closedir(dir);
	return 0;
}

static bool has_id(const struct engine_dirs *dirs, const char *name, const char *prefix)
{
	auto_place struct record_place place = RECORD_NO_PLACE;
	auto_record struct record record = { 0 };
	struct error missing;

	return record_open(dirs, name, &place, &missing) == 0 &&
	       record_read(&place, &record, &missing) == 0 && str_starts(record.id, prefix);
}

static int find_id(const struct engine_dirs *dirs, const char *prefix, char **ret_name,
		   struct error *err)
{
	auto_strv struct strv names = { 0 };
	const char *found = NULL;
	int rc = record_list(dirs, &names, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < names.n; i++) {
		if (!has_id(dirs, names.items[i], prefix))
			continue;
		if (found)
			return err_set(err, EINVAL,
				       "several containers have ids that begin with '%s'", prefix);
		found = names.items[i];
	}
	*ret_name = xstrdup(found);
	return found != NULL;
}

int record_find(const struct engine_dirs *dirs, const char *text, char **ret_name,
		struct error *err)
{
	auto_place struct record_place place = RECORD_NO_PLACE;
	int rc;

	if (!is_valid_name(text))
		return 0;
	rc = record_open(dirs, text, &place, err);
	if (rc == 0) {
		*ret_name = xstrdup(text);
		return 1;
	}
	if (rc != -ENOENT)
		return rc;
	return strspn(text, "0123456789abcdef") == strlen(text) ? find_id(dirs, text, ret_name, err)
								: 0;
}

/* Nobody holds it, and it has no record. */
static bool is_rubbish(int containers, const char *name)
{
	auto_fd int place =
		openat(containers, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct error ignored;
	struct stat st;

	return place >= 0 && lock_fd_try(place, LOCK_EXCLUSIVE, name, &ignored) == 1 &&
	       (fstatat(place, RECORD_FILE, &st, AT_SYMLINK_NOFOLLOW) < 0 ? errno == ENOENT
									  : st.st_size == 0);
}

int record_sweep(const struct engine_dirs *dirs, struct error *err)
{
	auto_strv struct strv names = { 0 };
	auto_free char *path = NULL;
	auto_fd int fd = open_containers(dirs, &path, err);
	const struct dir containers = { .fd = fd, .path = path };
	int rc = fd < 0 ? fd : lock_fd(fd, LOCK_EXCLUSIVE, path, err);

	if (rc == 0)
		rc = record_list(dirs, &names, err);
	for (size_t i = 0; rc == 0 && i < names.n; i++) {
		if (is_rubbish(fd, names.items[i]))
			rc = tree_remove_at(&containers, names.items[i], err);
	}
	return rc;
}

char *record_image_user(const struct engine_dirs *dirs, const char *image_id)
{
	auto_strv struct strv names = { 0 };
	struct error err;

	if (record_list(dirs, &names, &err) < 0)
		return xstrdup("?");
	for (size_t i = 0; i < names.n; i++) {
		auto_place struct record_place place = RECORD_NO_PLACE;
		auto_record struct record record = { 0 };
		int rc = record_open(dirs, names.items[i], &place, &err);

		if (rc == 0)
			rc = record_read(&place, &record, &err);
		/* Without a record it uses nothing yet: until then its creator holds the store. */
		if (rc == 0 ? str_eq(record.image_id, image_id) : err.code != ENOENT)
			return xstrdup(names.items[i]);
	}
	return NULL;
}
