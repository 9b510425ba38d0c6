/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/logs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"

const struct log_limits log_limits_default = { .max_size = 10000000, .max_files = 5 };

/* Encoded messages are written together. */
#define BATCH 65536

/* A full disk is told no more often than this. */
#define QUIET_NS INT64_C(60000000000)

#define NEW_FILE LOG_FILE ".new"

struct log_writer {
	struct dir dir; /* owned */
	struct log_limits limits;
	int fd; /* the newest file; -1: it could not be made */
	uint64_t size;
	struct str batch;
	int64_t told_ns; /* when a failure was told; 0: never */
	struct {
		struct str partial; /* the line so far */
		int64_t time_ns;    /* of its first piece, if that has been written */
	} streams[LOG_STREAMS];
};

/* ---- files ------------------------------------------------------------------------------------ */

static void file_name(int n, char buf[32])
{
	(void)snprintf(buf, 32, n ? LOG_FILE ".%d" : LOG_FILE, n);
}

/* A line that was torn by a crash is closed, so that only that one is lost. */
static int end_torn_line(struct log_writer *w, struct error *err)
{
	auto_fd int fd = openat(w->dir.fd, LOG_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char last;

	if (w->size == 0)
		return 0;
	if (fd < 0 || pread(fd, &last, 1, (off_t)w->size - 1) != 1)
		return err_sys(err, "read '%s/%s'", w->dir.path, LOG_FILE);
	if (last == '\n')
		return 0;
	if (write(w->fd, "\n", 1) != 1)
		return err_sys(err, "write to '%s/%s'", w->dir.path, LOG_FILE);
	w->size++;
	return 0;
}

static int open_file(struct log_writer *w, struct error *err)
{
	struct stat st;

	w->fd = openat(w->dir.fd, LOG_FILE,
		       O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
			       O_CLOEXEC,
		       0600);
	if (w->fd < 0 || fstat(w->fd, &st) < 0)
		return err_sys(err, "open '%s/%s'", w->dir.path, LOG_FILE);
	if (!S_ISREG(st.st_mode))
		return err_set(err, EINVAL, "open '%s/%s': not a regular file", w->dir.path,
			       LOG_FILE);
	w->size = (uint64_t)st.st_size;
	return end_torn_line(w, err);
}

/* What a log with more files has left. */
static void remove_surplus(const struct log_writer *w)
{
	char name[32];

	for (int n = w->limits.max_files;; n++) {
		file_name(n, name);
		if (unlinkat(w->dir.fd, name, 0) < 0)
			return;
	}
}

int log_writer_open(const struct dir *dir, const struct log_limits *limits, struct log_writer **ret,
		    struct error *err)
{
	struct log_writer *w = xcalloc(1, sizeof(*w));
	int rc;

	*w = (struct log_writer){ .limits = *limits, .fd = -1 };
	w->limits.max_files = MAX(w->limits.max_files, 1);
	w->dir.path = xstrdup(dir->path);
	/* Opened again, not duplicated: who locks the directory lets go of it by closing @dir. */
	w->dir.fd = openat(dir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rc = w->dir.fd < 0 ? err_sys(err, "open '%s'", dir->path) : open_file(w, err);
	if (rc < 0) {
		log_writer_free(w);
		return rc;
	}
	remove_surplus(w);
	*ret = w;
	return 0;
}

void log_writer_free(struct log_writer *w)
{
	if (!w)
		return;
	for (int i = 0; i < LOG_STREAMS; i++)
		str_fini(&w->streams[i].partial);
	str_fini(&w->batch);
	close_fd(&w->fd);
	close_fd(&w->dir.fd);
	free((char *)(uintptr_t)w->dir.path);
	free(w);
}

/*
 * The new file is there before the others move, so that a full disk leaves them as they are.  From
 * the oldest on, so that a reader always finds each of them, or its neighbour's place empty.
 */
static int rotate(struct log_writer *w, struct error *err)
{
	auto_fd int fd = -1;
	char from[32], to[32];

	if (w->limits.max_files == 1) {
		if (ftruncate(w->fd, 0) < 0)
			return err_sys(err, "empty '%s/%s'", w->dir.path, LOG_FILE);
		w->size = 0;
		return 0;
	}
	(void)unlinkat(w->dir.fd, NEW_FILE, 0);
	fd = openat(w->dir.fd, NEW_FILE, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(err, "make '%s/%s'", w->dir.path, NEW_FILE);
	for (int n = w->limits.max_files - 1; n > 0; n--) {
		file_name(n - 1, from);
		file_name(n, to);
		if (renameat(w->dir.fd, from, w->dir.fd, to) < 0 && errno != ENOENT)
			return err_sys(err, "rename '%s/%s'", w->dir.path, from);
	}
	if (renameat(w->dir.fd, NEW_FILE, w->dir.fd, LOG_FILE) < 0)
		return err_sys(err, "rename '%s/%s'", w->dir.path, NEW_FILE);
	close_fd(&w->fd);
	w->fd = take_fd(&fd);
	w->size = 0;
	return 0;
}

static int write_all(struct log_writer *w, struct error *err)
{
	const char *at = w->batch.text;
	size_t left = w->batch.len;

	while (left) {
		ssize_t n = write(w->fd, at, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			int rc = err_sys(err, "write to '%s/%s'", w->dir.path, LOG_FILE);

			/* No half lines. */
			(void)!ftruncate(w->fd, (off_t)w->size);
			return rc;
		}
		at += n;
		left -= (size_t)n;
	}
	w->size += w->batch.len;
	return 0;
}

/* Writes what is encoded; what cannot be written is lost. */
static int flush(struct log_writer *w, struct error *err)
{
	int rc = w->batch.len ? write_all(w, err) : 0;

	str_clear(&w->batch);
	return rc;
}

/* ---- messages --------------------------------------------------------------------------------- */

static int add_message(struct log_writer *w, const struct log_entry *entry, struct error *err)
{
	int rc = 0;

	if (w->size + w->batch.len >= w->limits.max_size) {
		rc = flush(w, err);
		if (rc == 0)
			rc = rotate(w, err);
		if (rc < 0)
			return rc;
	}
	log_line_encode(entry, &w->batch);
	return w->batch.len >= BATCH ? flush(w, err) : 0;
}

/* Puts @data behind what there is of the line, as a message. */
static int end_message(struct log_writer *w, enum log_stream stream, const char *data, size_t len,
		       bool is_whole, struct error *err)
{
	struct str *partial = &w->streams[stream].partial;
	int64_t *began = &w->streams[stream].time_ns;
	struct log_entry entry = { .stream = stream, .data = data, .len = len };
	int rc;

	if (partial->len) {
		str_add_len(partial, data, len);
		entry.data = partial->text;
		entry.len = partial->len;
	}
	/* All pieces of a line have the time of its first one. */
	entry.time_ns = *began ? *began : clock_real_ns();
	*began = is_whole ? 0 : entry.time_ns;
	rc = add_message(w, &entry, err);
	str_fini(partial);
	return rc;
}

/* Goes on after a failure, and returns the first. */
static int take_output(struct log_writer *w, enum log_stream stream, const char *data, size_t len,
		       struct error *err)
{
	struct str *partial = &w->streams[stream].partial;
	struct error later;
	int first = 0;

	while (len) {
		size_t room = MIN(len, LOG_MESSAGE_MAX - partial->len);
		const char *newline = memchr(data, '\n', room);
		size_t used = newline ? (size_t)(newline - data) + 1 : room;
		int rc = 0;

		if (newline || partial->len + used == LOG_MESSAGE_MAX)
			rc = end_message(w, stream, data, used, newline, first ? &later : err);
		else
			str_add_len(partial, data, used);
		first = first ? first : rc;
		data += used;
		len -= used;
	}
	return first;
}

static int tell(struct log_writer *w, int rc)
{
	int64_t now = clock_boot_ns();

	if (rc == 0 || (w->told_ns && now - w->told_ns < QUIET_NS))
		return 0;
	w->told_ns = now;
	return rc;
}

int log_write(struct log_writer *w, enum log_stream stream, const char *data, size_t len,
	      struct error *err)
{
	struct error later;
	int rc = take_output(w, stream, data, len, err);
	int end = flush(w, rc < 0 ? &later : err);

	return tell(w, rc < 0 ? rc : end);
}

int log_finish(struct log_writer *w, enum log_stream stream, struct error *err)
{
	struct error later;
	int rc = 0;
	int end;

	if (w->streams[stream].partial.len)
		rc = end_message(w, stream, "", 0, true, err);
	w->streams[stream].time_ns = 0;
	end = flush(w, rc < 0 ? &later : err);
	return tell(w, rc < 0 ? rc : end);
}

/* ---- on a loop -------------------------------------------------------------------------------- */

struct log_collector {
	struct log_writer *writer;
	struct loop *loop;
	int from;
	enum log_stream stream;
	void (*on_end)(void *arg);
	void *arg;
};

static void collect_end(struct log_collector *c)
{
	struct error err;

	loop_remove(c->loop, c->from);
	close_fd(&c->from);
	if (log_finish(c->writer, c->stream, &err) < 0)
		log_warning("%s", err.msg);
	c->on_end(c->arg);
}

/* One read at a time: others have their turn. */
static bool collect_some(struct log_collector *c, bool is_draining)
{
	char buf[32768];
	struct error err;
	ssize_t n = read(c->from, buf, sizeof(buf));

	if (n < 0 && (errno == EINTR || (errno == EAGAIN && !is_draining)))
		return errno == EINTR;
	/* EIO: nobody has the terminal open any more, pty(7). */
	if (n <= 0) {
		collect_end(c);
		return false;
	}
	if (log_write(c->writer, c->stream, buf, (size_t)n, &err) < 0)
		log_warning("%s", err.msg);
	return true;
}

static void on_output(void *arg, uint32_t events)
{
	(void)events;
	(void)collect_some(arg, false);
}

struct log_collector *log_collect(struct log_writer *writer, struct loop *loop, int from,
				  enum log_stream stream, void (*on_end)(void *arg), void *arg,
				  struct error *err)
{
	struct log_collector *c = xcalloc(1, sizeof(*c));

	*c = (struct log_collector){
		.writer = writer,
		.loop = loop,
		.from = from,
		.stream = stream,
		.on_end = on_end,
		.arg = arg,
	};
	if (loop_add(loop, from, EPOLLIN, on_output, c, err) < 0) {
		close_fd(&c->from);
		free(c);
		return NULL;
	}
	return c;
}

void log_collect_drain(struct log_collector *c)
{
	while (c->from >= 0 && collect_some(c, true))
		;
}

void log_collector_free(struct log_collector *c)
{
	if (!c)
		return;
	if (c->from >= 0)
		loop_remove(c->loop, c->from);
	close_fd(&c->from);
	free(c);
}
