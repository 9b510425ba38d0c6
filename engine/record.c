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

#include "base/json.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/sys.h"
#include "engine/name.h"

/*
 * Theory of operation.  A container comes into being in this order, and goes in the opposite one:
 *
 *	names/<name> -> ../containers/<id>   symlink(2): claims the name or fails, in one call
 *	containers/<id>/                     locked by flock(2) until its supervisor ends
 *	containers/<id>/record.json          by rename(2)
 *	everything else                      each found again from the id, or named in the record
 *
 * So whatever exists of a container, its name leads to its id, and from the id follow its directory,
 * its runtime state, its cgroup, its interface and its lease.  Nobody has to have synced anything
 * for that to hold after SIGKILL: the kernel has the files.
 *
 * After a crash of the machine processes, cgroups, mounts and interfaces are gone.  What can be left
 * lies in the container's own directory, and is worth something only if the container was to be
 * kept: then its record is synced before anything is put there.  A directory without a record is
 * rubbish, and swept.
 *
 * Between the name and the locked directory a creator holds the lock on containers/ shared.  Who
 * sweeps holds it exclusively while it looks: then every name without a directory, and every
 * directory without a lock, was left by the dead.
 */
#define RECORD_FILE "record.json"
#define RECORD_MAX  (1U << 20)

void record_fini(struct record *r)
{
	free(r->name);
	free(r->image);
	free(r->image_id);
	strv_fini(&r->layers);
	strv_fini(&r->command);
	strv_fini(&r->labels);
	free(r->network);
	free(r->ports);
	free(r->stop_signal);
	*r = (struct record){ 0 };
}

void record_place_close(struct record_place *place)
{
	close_fd(&place->dir.fd);
	free(place->path);
	place->path = NULL;
	place->dir.path = NULL;
}

static int64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
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
	record->created_ns = now_ns();
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

static int open_names(const struct engine_dirs *dirs, struct error *err)
{
	auto_free char *path = path_join(dirs->data, "names");

	return dir_make_open(path, 0700, err);
}

static bool is_id(const char *text)
{
	return strspn(text, "0123456789abcdef") == RECORD_ID_LEN && !text[RECORD_ID_LEN];
}

/* The id that a name leads to.  Anything else that lies there is none of ours: -EINVAL. */
static int read_name(int names, const char *name, char ret[RECORD_ID_LEN + 1])
{
	static const char prefix[] = "../containers/";
	char target[sizeof(prefix) + RECORD_ID_LEN + 1];
	ssize_t n = readlinkat(names, name, target, sizeof(target) - 1);

	if (n < 0)
		return -errno;
	target[n] = '\0';
	if (!str_starts(target, prefix) || !is_id(target + sizeof(prefix) - 1))
		return -EINVAL;
	memcpy(ret, target + sizeof(prefix) - 1, RECORD_ID_LEN + 1);
	return 0;
}

static int name_in_use(int names, const char *name, struct error *err)
{
	char id[RECORD_ID_LEN + 1];

	if (read_name(names, name, id) < 0)
		return err_set(err, EEXIST, "the name '%s' is in use", name);
	return err_set(err, EEXIST, "the name '%s' is in use by container %.*s", name,
		       RECORD_SHORT_LEN, id);
}

#define MADE_UP_MAX 100

static int claim_name(int names, struct record *record, struct error *err)
{
	auto_free char *target = xasprintf("../containers/%s", record->id);
	char made[64];

	if (record->name) {
		if (symlinkat(target, names, record->name) == 0)
			return 0;
		return errno == EEXIST ? name_in_use(names, record->name, err)
				       : err_sys(err, "claim the name '%s'", record->name);
	}
	for (unsigned int attempt = 0; attempt < MADE_UP_MAX; attempt++) {
		uint32_t random;

		if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
			return err_sys(err, "make a name");
		name_make(random, attempt, made, sizeof(made));
		if (symlinkat(target, names, made) == 0) {
			record->name = xstrdup(made);
			return 0;
		}
		if (errno != EEXIST)
			return err_sys(err, "claim the name '%s'", made);
	}
	return err_set(err, EEXIST, "make a name: too many containers");
}

static int make_place(const struct dir *containers, const char *id, struct record_place *ret,
		      struct error *err)
{
	auto_place struct record_place place = RECORD_NO_PLACE;
	int rc = sys_mkdir_at(containers, id, 0700, err);

	if (rc < 0)
		return rc;
	place.dir.path = place.path = path_join(containers->path, id);
	place.dir.fd = openat(containers->fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (place.dir.fd < 0)
		return err_sys(err, "open '%s'", place.path);
	rc = lock_fd(place.dir.fd, LOCK_EXCLUSIVE, place.path, err);
	if (rc < 0)
		return rc;
	*ret = (struct record_place){ .dir = { .fd = take_fd(&place.dir.fd), .path = place.path },
				      .path = place.path };
	place.path = NULL;
	return 0;
}

int record_claim(const struct engine_dirs *dirs, struct record *record, struct record_place *ret,
		 struct error *err)
{
	auto_free char *path = NULL;
	auto_fd int fd = open_containers(dirs, &path, err);
	auto_fd int names = fd < 0 ? -1 : open_names(dirs, err);
	const struct dir containers = { .fd = fd, .path = path };
	int rc;

	if (fd < 0 || names < 0)
		return -err->code;
	rc = lock_fd(fd, LOCK_SHARED, path, err);
	if (rc == 0)
		rc = claim_name(names, record, err);
	if (rc < 0)
		return rc;
	rc = make_place(&containers, record->id, ret, err);
	if (rc < 0) {
		(void)unlinkat(fd, record->id, AT_REMOVEDIR);
		(void)unlinkat(names, record->name, 0);
	}
	return rc;
}

int record_open(const struct engine_dirs *dirs, const char *id, struct record_place *ret,
		struct error *err)
{
	auto_free char *parent = path_join(dirs->data, "containers");
	auto_free char *path = path_join(parent, id);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return err_sys(err, "open '%s'", path);
	*ret = (struct record_place){ .dir = { .fd = fd, .path = path }, .path = path };
	path = NULL;
	return 0;
}

/* The name of a removed container may be somebody else's by now. */
static int drop_name(int names, const char *name, const char *id, struct error *err)
{
	char owner[RECORD_ID_LEN + 1];

	if (read_name(names, name, owner) < 0 || strcmp(owner, id) != 0)
		return 0;
	if (unlinkat(names, name, 0) < 0 && errno != ENOENT)
		return err_sys(err, "give up the name '%s'", name);
	return 0;
}

/* By a name that is not known any more: the one that leads to @id. */
static int drop_name_of(int names, const char *id, struct error *err)
{
	int copy = fcntl(names, F_DUPFD_CLOEXEC, 3);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;
	int rc = 0;

	if (!dir) {
		close_fd(&copy);
		return err_sys(err, "read the names of containers");
	}
	rewinddir(dir);
	while (rc == 0 && (entry = readdir(dir)))
		rc = drop_name(names, entry->d_name, id, err);
	(void)closedir(dir);
	return rc;
}

int record_remove(const struct engine_dirs *dirs, const char *id, const char *name,
		  struct error *err)
{
	auto_free char *path = NULL;
	auto_fd int fd = open_containers(dirs, &path, err);
	auto_fd int names = fd < 0 ? -1 : open_names(dirs, err);
	int rc;

	if (fd < 0 || names < 0)
		return -err->code;
	rc = tree_remove_at(&(struct dir){ .fd = fd, .path = path }, id, err);
	if (rc < 0)
		return rc;
	return name ? drop_name(names, name, id, err) : drop_name_of(names, id, err);
}

/* ---- record.json ------------------------------------------------------------------------------ */

static json_t *ports_to_json(const struct record *r)
{
	json_t *array = json_array_new();

	for (size_t i = 0; i < r->n_ports; i++) {
		const struct port_mapping *port = &r->ports[i];
		json_t *object = json_object_new();

		json_put_string(object, "hostIp", port->host_ip);
		json_put_int(object, "hostPort", port->host_port);
		json_put_int(object, "containerPort", port->container_port);
		json_put_int(object, "count", port->count);
		json_put_int(object, "protocol", port->protocol);
		json_add(array, object);
	}
	return array;
}

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
	json_put_string(json, "network", r->network);
	json_put(json, "ports", ports_to_json(r));
	json_put_int(json, "memory", (int64_t)r->memory);
	json_put_string(json, "stopSignal", r->stop_signal);
	json_put_int(json, "stopTimeout", r->stop_timeout);
	json_put_bool(json, "isRemovedAtEnd", r->is_removed_at_end);
	json_put_int(json, "created", r->created_ns);
	json_put_int(json, "supervisor", r->supervisor);
	json_put_int(json, "supervisorStart", (int64_t)r->supervisor_start);
	json_put_string(json, "bootId", r->boot_id);
	json_put_bool(json, "hasEnded", r->has_ended);
	json_put_int(json, "exitCode", r->exit_code);
	json_put_bool(json, "isOomKilled", r->is_oom_killed);
	json_put_int(json, "ended", r->ended_ns);
	return json;
}

int record_write(const struct record_place *place, const struct record *record, struct error *err)
{
	auto_json json_t *json = to_json(record);
	auto_free char *text = json_to_text(json, JSON_COMPACT);

	return file_replace_at(&place->dir, RECORD_FILE, text, strlen(text), 0600,
			       record->is_removed_at_end ? FILE_FAST : FILE_DURABLE, err);
}

struct raw {
	struct record record;
	char *id, *boot_id;
	int64_t supervisor;
};

struct raw_port {
	char *host_ip;
	uint32_t host_port, container_port, count, protocol;
};

static const struct json_field port_fields[] = {
	JSON_FIELD(struct raw_port, host_ip, JSON_FIELD_STRING, "hostIp"),
	JSON_FIELD(struct raw_port, host_port, JSON_FIELD_UINT32, "hostPort"),
	JSON_FIELD(struct raw_port, container_port, JSON_FIELD_UINT32, "containerPort"),
	JSON_FIELD(struct raw_port, count, JSON_FIELD_UINT32, "count"),
	JSON_FIELD(struct raw_port, protocol, JSON_FIELD_UINT32, "protocol"),
	JSON_FIELDS_END,
};

static int read_ports(struct json_reader *reader, const json_t *value, void *field,
		      struct error *err)
{
	struct record *record = container_of(field, struct record, ports);
	void *items = NULL;
	size_t n = 0;
	int rc = json_read_array(reader, value, sizeof(struct raw_port), port_fields, &items, &n,
				 err);
	struct raw_port *raw = items;

	record->ports = xcalloc(n, sizeof(*record->ports));
	record->n_ports = n;
	for (size_t i = 0; i < n; i++) {
		struct port_mapping *port = &record->ports[i];

		port->host_port = (uint16_t)raw[i].host_port;
		port->container_port = (uint16_t)raw[i].container_port;
		port->count = (uint16_t)raw[i].count;
		port->protocol = (uint8_t)raw[i].protocol;
		(void)snprintf(port->host_ip, sizeof(port->host_ip), "%s",
			       raw[i].host_ip ? raw[i].host_ip : "");
		free(raw[i].host_ip);
	}
	free(raw);
	return rc;
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
	RAW(record.network, STRING, "network"),
	JSON_FIELD_BY(struct raw, record.ports, "ports", read_ports),
	RAW(record.memory, UINT64, "memory"),
	RAW(record.stop_signal, STRING, "stopSignal"),
	RAW(record.stop_timeout, INT, "stopTimeout"),
	RAW(record.is_removed_at_end, BOOL, "isRemovedAtEnd"),
	RAW(record.created_ns, INT64, "created"),
	RAW(supervisor, INT64, "supervisor"),
	RAW(record.supervisor_start, UINT64, "supervisorStart"),
	RAW(boot_id, STRING, "bootId"),
	RAW(record.has_ended, BOOL, "hasEnded"),
	RAW(record.exit_code, INT, "exitCode"),
	RAW(record.is_oom_killed, BOOL, "isOomKilled"),
	RAW(record.ended_ns, INT64, "ended"),
	JSON_FIELDS_END,
};

static int read_fields(const struct json_doc *doc, struct raw *raw, struct error *err)
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
	return 0;
}

int record_read(const struct record_place *place, struct record *ret, struct error *err)
{
	auto_json_doc struct json_doc doc = { 0 };
	auto_free char *text = NULL;
	struct raw raw = { 0 };
	size_t len = 0;
	int rc = file_read_at(&place->dir, RECORD_FILE, RECORD_MAX, &text, &len, err);

	if (rc == 0)
		rc = json_doc_parse(&doc, RECORD_FILE, text, len, err);
	if (rc == 0)
		rc = read_fields(&doc, &raw, err);
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
		if (is_id(entry->d_name))
			strv_add(ret, entry->d_name);
	}
	(void)closedir(dir);
	return 0;
}

static int find_prefix(const struct engine_dirs *dirs, const char *text,
		       char ret[RECORD_ID_LEN + 1], struct error *err)
{
	auto_strv struct strv ids = { 0 };
	int found = 0;
	int rc = record_list(dirs, &ids, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < ids.n; i++) {
		if (!str_starts(ids.items[i], text))
			continue;
		if (found++)
			return err_set(err, EINVAL,
				       "several containers have ids that begin with '%s'", text);
		memcpy(ret, ids.items[i], RECORD_ID_LEN + 1);
	}
	return found;
}

int record_find(const struct engine_dirs *dirs, const char *text, char ret[RECORD_ID_LEN + 1],
		struct error *err)
{
	auto_fd int names = -1;

	if (!is_valid_name(text))
		return 0;
	names = open_names(dirs, err);
	if (names < 0)
		return names;
	if (!is_id(text) && read_name(names, text, ret) == 0)
		return 1;
	return find_prefix(dirs, text, ret, err);
}

/* ---- sweeping --------------------------------------------------------------------------------- */

static void find_unrecorded(int containers, const struct strv *ids, struct strv *ret)
{
	for (size_t i = 0; i < ids->n; i++) {
		auto_fd int fd = openat(containers, ids->items[i],
					O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		struct error ignored;

		if (fd >= 0 && lock_fd_try(fd, LOCK_EXCLUSIVE, ids->items[i], &ignored) == 1 &&
		    faccessat(fd, RECORD_FILE, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
			strv_add(ret, ids->items[i]);
	}
}

static int drop_dead_names(int containers, int names, struct error *err)
{
	int copy = fcntl(names, F_DUPFD_CLOEXEC, 3);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;

	if (!dir) {
		close_fd(&copy);
		return err_sys(err, "read the names of containers");
	}
	while ((entry = readdir(dir))) {
		char id[RECORD_ID_LEN + 1];

		if (read_name(names, entry->d_name, id) == 0 &&
		    faccessat(containers, id, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
			(void)unlinkat(names, entry->d_name, 0);
	}
	(void)closedir(dir);
	return 0;
}

int record_sweep(const struct engine_dirs *dirs, struct strv *ret_ids, struct error *err)
{
	auto_strv struct strv ids = { 0 };
	auto_free char *path = NULL;
	auto_fd int fd = open_containers(dirs, &path, err);
	auto_fd int names = fd < 0 ? -1 : open_names(dirs, err);
	int rc;

	if (fd < 0 || names < 0)
		return -err->code;
	rc = lock_fd(fd, LOCK_EXCLUSIVE, path, err);
	if (rc == 0)
		rc = record_list(dirs, &ids, err);
	if (rc < 0)
		return rc;
	find_unrecorded(fd, &ids, ret_ids);
	return drop_dead_names(fd, names, err);
}

char *record_image_user(const struct engine_dirs *dirs, const char *image_id)
{
	auto_strv struct strv ids = { 0 };
	struct error ignored;

	if (record_list(dirs, &ids, &ignored) < 0)
		return xstrdup("?");
	for (size_t i = 0; i < ids.n; i++) {
		auto_place struct record_place place = RECORD_NO_PLACE;
		auto_record struct record record = { 0 };
		int rc = record_open(dirs, ids.items[i], &place, &ignored);

		if (rc == 0)
			rc = record_read(&place, &record, &ignored);
		if (rc == -ENOENT || (rc == 0 && !str_eq(record.image_id, image_id)))
			continue;
		return record.name ? xstrdup(record.name)
				   : xstrndup(ids.items[i], RECORD_SHORT_LEN);
	}
	return NULL;
}
