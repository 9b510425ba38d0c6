/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/events.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/json.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "engine/record.h"

#define SECOND INT64_C(1000000000)

#define LOG     "log"
#define LOG_OLD "log.1"

/* ---- writing ---------------------------------------------------------------------------------- */

static int open_dir(const struct engine_dirs *dirs, struct error *err)
{
	auto_free char *path = path_join(dirs->state, "events");

	return dir_make_open(path, 0700, err);
}

static json_t *attributes_of(const struct record *record, const char *const *attributes)
{
	json_t *json = json_object_new();

	for (size_t i = 0; i < record->labels.n; i++) {
		const char *equals = strchrnul(record->labels.items[i], '=');
		auto_free char *name = xstrndup(record->labels.items[i],
						(size_t)(equals - record->labels.items[i]));

		json_put_string(json, name, *equals ? equals + 1 : "");
	}
	json_put_string(json, "image", record->image);
	json_put_string(json, "name", record->name);
	for (; attributes && attributes[0]; attributes += 2)
		json_put_string(json, attributes[0], attributes[1]);
	return json;
}

static char *line_of(const struct record *record, const char *action, int64_t time_ns,
		     const char *const *attributes)
{
	auto_json json_t *json = json_object_new();
	auto_free char *text = NULL;
	json_t *actor = json_object_new();

	json_put_string(json, "status", action);
	json_put_string(json, "id", record->id);
	json_put_string(json, "from", record->image);
	json_put_string(json, "Type", "container");
	json_put_string(json, "Action", action);
	json_put_string(actor, "ID", record->id);
	json_put(actor, "Attributes", attributes_of(record, attributes));
	json_put(json, "Actor", actor);
	json_put_string(json, "scope", "local");
	json_put_int(json, "time", time_ns / SECOND);
	json_put_int(json, "timeNano", time_ns);
	text = json_to_text(json, JSON_COMPACT);
	return xasprintf("%s\n", text);
}

static bool is_named(int dir, const char *name, int fd)
{
	struct stat named, open;

	return fstatat(dir, name, &named, AT_SYMLINK_NOFOLLOW) == 0 && fstat(fd, &open) == 0 &&
	       named.st_ino == open.st_ino && named.st_dev == open.st_dev;
}

/* Of those who see that it is full one renames it; the lock is that of the file itself. */
static void rotate(int dir, int fd)
{
	struct error ignored;

	if (lock_fd_try(fd, LOCK_EXCLUSIVE, LOG, &ignored) == 1 && is_named(dir, LOG, fd))
		(void)renameat(dir, LOG, dir, LOG_OLD);
}

static int append(int dir, const char *line, struct error *err)
{
	auto_fd int fd = openat(
		dir, LOG, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC, 0600);
	size_t len = strlen(line);
	struct stat st;

	if (fd < 0)
		return err_sys(err, "open the log of events");
	/* In one piece: others append at the same time. */
	if (write(fd, line, len) != (ssize_t)len || fstat(fd, &st) < 0)
		return err_sys(err, "write to the log of events");
	if (st.st_size >= EVENTS_MAX)
		rotate(dir, fd);
	return 0;
}

void event_add(const struct engine_dirs *dirs, const struct record *record, const char *action,
	       int64_t time_ns, const char *const *attributes)
{
	auto_free char *line =
		line_of(record, action, time_ns ? time_ns : clock_real_ns(), attributes);
	struct error err;
	auto_fd int dir = open_dir(dirs, &err);

	if (dir < 0 || append(dir, line, &err) < 0)
		log_debug("%s", err.msg);
}

/* ---- reading ---------------------------------------------------------------------------------- */

/* How often a reader looks if the kernel has no inotify watch left for it. */
#define POLL_MS 200

struct reader {
	int dir;
	int notify;
	int fd; /* the file that is being read; -1: none yet */
	int64_t since_ns, until_ns;
	struct str partial; /* a line that has not come as a whole */
	event_handler *handler;
	void *arg;
};

/* 1 when it lies behind the time that was asked for. */
static int take_line(const struct reader *r, const char *line, size_t len, struct error *err)
{
	auto_json json_t *event = json_loadb(line, len, 0, NULL);
	int64_t time = json_integer_value(json_object_get(event, "timeNano"));

	/* A line that is none was torn. */
	if (!time || time < r->since_ns)
		return 0;
	if (r->until_ns && time > r->until_ns)
		return 1;
	return r->handler(r->arg, event, err);
}

static int take(struct reader *r, const char *data, size_t len, struct error *err)
{
	int rc = 0;

	while (len && rc == 0) {
		const char *newline = memchr(data, '\n', len);
		size_t used = newline ? (size_t)(newline - data) + 1 : len;

		str_add_len(&r->partial, data, used);
		if (newline) {
			rc = take_line(r, r->partial.text, r->partial.len, err);
			str_clear(&r->partial);
		}
		data += used;
		len -= used;
	}
	return rc;
}

static int read_to_end(struct reader *r, struct error *err)
{
	char buf[16384];
	int rc = 0;

	while (rc == 0 && r->fd >= 0) {
		ssize_t n = read(r->fd, buf, sizeof(buf));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "read the log of events");
		if (n == 0)
			break;
		rc = take(r, buf, (size_t)n, err);
	}
	return rc;
}

static int open_log(const struct reader *r, const char *name)
{
	return openat(r->dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

/* What there is, over a rotation: what is read to its end and has another name now is over. */
static int read_what_is_there(struct reader *r, struct error *err)
{
	for (;;) {
		bool is_newest = r->fd >= 0 && is_named(r->dir, LOG, r->fd);
		int rc = read_to_end(r, err);

		if (rc != 0 || is_newest)
			return rc;
		close_fd(&r->fd);
		r->fd = open_log(r, LOG);
		if (r->fd < 0)
			return errno == ENOENT ? 0 : err_sys(err, "open the log of events");
	}
}

static int wait_for_more(const struct reader *r, struct error *err)
{
	char drained[sizeof(struct inotify_event) + NAME_MAX + 1];
	struct pollfd fd = { .fd = r->notify, .events = POLLIN };
	int timeout = r->notify < 0 ? POLL_MS : -1;

	if (r->until_ns) {
		int64_t left = (r->until_ns - clock_real_ns()) / 1000000 + 1;

		if (timeout < 0 || left < timeout)
			timeout = (int)MIN(MAX(left, 0), INT_MAX);
	}
	if (poll(&fd, 1, timeout) < 0 && errno != EINTR)
		return err_sys(err, "wait for events");
	if (fd.revents)
		(void)!read(r->notify, drained, sizeof(drained));
	return 0;
}

int events_read(const struct engine_dirs *dirs, const struct events_query *query,
		event_handler *handler, void *arg, struct error *err)
{
	struct reader r = {
		.dir = open_dir(dirs, err),
		.since_ns = query->since_ns ? query->since_ns : clock_real_ns(),
		.until_ns = query->until_ns,
		.handler = handler,
		.arg = arg,
	};
	auto_free char *path = path_join(dirs->state, "events");
	int rc = 0;

	if (r.dir < 0)
		return r.dir;
	r.notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (r.notify >= 0 && inotify_add_watch(r.notify, path, IN_MODIFY | IN_CREATE | IN_MOVE) < 0)
		close_fd(&r.notify);
	r.fd = open_log(&r, LOG_OLD);
	while (rc == 0) {
		rc = read_what_is_there(&r, err);
		if (rc != 0 || (r.until_ns && clock_real_ns() > r.until_ns))
			break;
		rc = wait_for_more(&r, err);
	}
	close_fd(&r.fd);
	close_fd(&r.notify);
	close_fd(&r.dir);
	str_fini(&r.partial);
	return MIN(rc, 0);
}

/* ---- watching --------------------------------------------------------------------------------- */

static int watch_dir(int notify, const char *state, const char *name, uint32_t mask,
		     struct error *err)
{
	auto_free char *path = path_join(state, name);
	auto_fd int dir = dir_make_open(path, 0700, err);

	if (dir < 0)
		return dir;
	return inotify_add_watch(notify, path, mask | IN_ONLYDIR) < 0
		       ? err_sys(err, "watch '%s'", path)
		       : 0;
}

/* What a probe has found is put in place as a whole; an event is appended. */
int events_watch(const struct engine_dirs *dirs, struct error *err)
{
	auto_fd int notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	int rc;

	if (notify < 0)
		return err_sys(err, "watch '%s'", dirs->state);
	rc = watch_dir(notify, dirs->state, "events", IN_MODIFY | IN_CREATE, err);
	if (rc == 0)
		rc = watch_dir(notify, dirs->state, "health", IN_MOVED_TO, err);
	return rc < 0 ? rc : take_fd(&notify);
}

void events_drain(int fd)
{
	char events[16 * (sizeof(struct inotify_event) + NAME_MAX + 1)];
	ssize_t n;

	do
		n = read(fd, events, sizeof(events));
	while (n > 0 || (n < 0 && errno == EINTR));
}
