/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "engine/logs.h"

#define MILLISECOND INT64_C(1000000)

/* Nobody keeps more rotated files than this. */
#define FILES_MAX 1000

#define BLOCK 65536

/* How often a follower looks if the kernel has no inotify watch left for it. */
#define POLL_MS 200

/*
 * A file is known by its inode, which stays the same when it moves on from LOG_FILE to LOG_FILE.1
 * and so on: the one that follows it is the one at the place before its own.
 */
struct reader {
	struct dir dir; /* borrowed */
	const struct log_query *query;
	const struct log_sink *sink;
	int *files; /* open, the oldest first: the one that is being read */
	size_t n_files;
	char *buffer; /* LOG_LINE_MAX + BLOCK */
	size_t begin, end;
	bool is_skipping; /* a line that is none of ours, to its end */
	struct str data;
	int notify;
};

static void close_first(struct reader *r)
{
	(void)close(r->files[0]);
	r->n_files--;
	memmove(r->files, r->files + 1, r->n_files * sizeof(*r->files));
}

static int open_nth(const struct reader *r, int n)
{
	char name[32];

	(void)snprintf(name, sizeof(name), n ? LOG_FILE ".%d" : LOG_FILE, n);
	return openat(r->dir.fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

static bool is_same(int a, const struct stat *b)
{
	struct stat st;

	return fstat(a, &st) == 0 && st.st_ino == b->st_ino && st.st_dev == b->st_dev;
}

/* The place of an open file: 0 the newest, -1 if it has been removed. */
static int place_of(const struct reader *r, int fd)
{
	char name[32];
	struct stat st;
	int missing = 0;

	for (int n = 0; n < FILES_MAX && missing < 2; n++) {
		(void)snprintf(name, sizeof(name), n ? LOG_FILE ".%d" : LOG_FILE, n);
		/* One place is empty while files move. */
		if (fstatat(r->dir.fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			missing++;
		else if (is_same(fd, &st))
			return n;
	}
	return -1;
}

/* From the newest on: while we look, files only move to where we have not looked yet. */
static int open_files(struct reader *r, struct error *err)
{
	int missing = 0;

	for (int n = 0; n < FILES_MAX && missing < 2; n++) {
		int fd = open_nth(r, n);
		struct stat st;

		if (fd < 0 && errno != ENOENT)
			return err_sys(err, "open '%s/%s'", r->dir.path, LOG_FILE);
		if (fd < 0) {
			missing++;
			continue;
		}
		if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
		    (r->n_files && is_same(r->files[0], &st))) {
			(void)close(fd);
			continue;
		}
		r->files = xrealloc(r->files, r->n_files + 1, sizeof(*r->files));
		memmove(r->files + 1, r->files, r->n_files * sizeof(*r->files));
		r->files[0] = fd;
		r->n_files++;
	}
	return 0;
}

/* ---- the tail --------------------------------------------------------------------------------- */

/* Where the last *left lines of @fd begin; less what was found, if there are not so many. */
static int seek_back(int fd, int64_t *left, char *buf)
{
	off_t at = lseek(fd, 0, SEEK_END);

	while (at > 0) {
		size_t len = (size_t)MIN(at, BLOCK);
		ssize_t n = pread(fd, buf, len, at - (off_t)len);

		if (n != (ssize_t)len)
			return -EIO;
		at -= n;
		for (ssize_t i = n - 1; i >= 0; i--) {
			/* The newline of the line before those that are wanted. */
			if (buf[i] == '\n' && (*left)-- == 0)
				return lseek(fd, at + i + 1, SEEK_SET) < 0 ? -errno : 0;
		}
	}
	return lseek(fd, 0, SEEK_SET) < 0 ? -errno : 0;
}

static int seek_tail(struct reader *r, struct error *err)
{
	int64_t left = r->query->tail;
	size_t first = r->n_files;

	while (left >= 0 && first > 0) {
		int rc = seek_back(r->files[--first], &left, r->buffer);

		if (rc < 0)
			return err_set(err, -rc, "read '%s/%s': %s", r->dir.path, LOG_FILE,
				       err_text(-rc));
	}
	while (r->query->tail >= 0 && first-- > 0)
		close_first(r);
	return 0;
}

/* ---- lines ------------------------------------------------------------------------------------ */

/* 1: go on, 0: all that was asked for has been told. */
static int tell(struct reader *r, const char *line, size_t len, struct error *err)
{
	const struct log_query *q = r->query;
	struct log_entry entry;
	int rc;

	if (!log_line_decode(line, len, &r->data, &entry))
		return 1;
	if (q->since_ns && entry.time_ns < q->since_ns)
		return 1;
	if (q->until_ns && entry.time_ns > q->until_ns)
		return 0;
	rc = r->sink->message(r->sink->arg, &entry, err);
	return rc < 0 ? rc : 1;
}

static int tell_lines(struct reader *r, struct error *err)
{
	char *newline;
	int rc = 1;

	while (rc > 0 && (newline = memchr(r->buffer + r->begin, '\n', r->end - r->begin))) {
		const char *line = r->buffer + r->begin;
		size_t len = (size_t)(newline - line);

		r->begin += len + 1;
		if (!r->is_skipping)
			rc = tell(r, line, len, err);
		r->is_skipping = false;
	}
	if (r->end - r->begin >= LOG_LINE_MAX) {
		r->is_skipping = true;
		r->begin = r->end;
	}
	memmove(r->buffer, r->buffer + r->begin, r->end - r->begin);
	r->end -= r->begin;
	r->begin = 0;
	return rc;
}

/* All that the current file has now.  1: go on, 0: done. */
static int read_file(struct reader *r, struct error *err)
{
	int fd = r->files[0];

	for (;;) {
		ssize_t n = read(fd, r->buffer + r->end, BLOCK);
		int rc;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "read '%s/%s'", r->dir.path, LOG_FILE);
		if (n == 0)
			return 1;
		r->end += (size_t)n;
		rc = tell_lines(r, err);
		if (rc <= 0)
			return rc;
	}
}

/* What a crash has torn is no line, and not the beginning of the next file's first. */
static void next_file(struct reader *r)
{
	r->begin = r->end = 0;
	r->is_skipping = false;
	close_first(r);
}

static int read_all(struct reader *r, struct error *err)
{
	int rc = 1;

	while (rc > 0 && r->n_files) {
		rc = read_file(r, err);
		if (r->n_files == 1)
			break;
		next_file(r);
	}
	return rc;
}

/* ---- following -------------------------------------------------------------------------------- */

/* The file at place @n, if there it still is behind @place, the current one's. */
static int open_neighbour(const struct reader *r, int place, int n)
{
	int fd = open_nth(r, n);
	int now = place < 0 ? -1 : place_of(r, r->files[0]);

	if (fd < 0)
		return -1;
	/* A rotation came between: again, later. */
	if (place_of(r, fd) != (now < 0 ? n : now - 1)) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

/* The file that follows the current one: 1 and it is the last of r->files, 0 if there is none. */
static int find_successor(struct reader *r)
{
	int place = r->n_files ? place_of(r, r->files[0]) : -1;
	int n = place - 1;
	int fd;

	if (place == 0)
		return 0;
	/* It has been removed meanwhile, or there was none: the oldest that there is. */
	if (place < 0) {
		for (n = 0; n < FILES_MAX && (fd = open_nth(r, n + 1)) >= 0; n++)
			(void)close(fd);
	}
	fd = open_neighbour(r, place, n);
	if (fd < 0)
		return 0;
	r->files = xrealloc(r->files, r->n_files + 1, sizeof(*r->files));
	r->files[r->n_files++] = fd;
	return 1;
}

/* A log of one file begins anew in place. */
static void follow_truncation(struct reader *r)
{
	int fd = r->files[0];
	struct stat st;

	if (fstat(fd, &st) == 0 && st.st_size < lseek(fd, 0, SEEK_CUR)) {
		(void)lseek(fd, 0, SEEK_SET);
		r->begin = r->end = 0;
	}
}

/* All that there is by now.  1: go on, 0: done. */
static int catch_up(struct reader *r, struct error *err)
{
	for (;;) {
		bool has_next = find_successor(r) == 1;
		int rc = 1;

		if (r->n_files) {
			follow_truncation(r);
			/* What was written before it moved on. */
			rc = read_file(r, err);
		}
		if (rc <= 0 || !has_next)
			return rc;
		if (r->n_files > 1)
			next_file(r);
	}
}

static int timeout_ms(const struct reader *r)
{
	int64_t left = INT64_MAX;

	if (r->query->until_ns)
		left = MAX(r->query->until_ns - clock_real_ns(), 0) / MILLISECOND + 1;
	if (r->notify < 0)
		left = MIN(left, POLL_MS);
	return left == INT64_MAX ? -1 : (int)MIN(left, INT32_MAX);
}

/* 1 if something may have come, 0 if nothing will. */
static int wait_for_more(const struct reader *r, struct error *err)
{
	struct pollfd fds[] = {
		{ .fd = r->notify, .events = POLLIN },
		{ .fd = r->query->end_fd, .events = POLLIN },
	};
	char events[4096];

	if (r->query->until_ns && clock_real_ns() > r->query->until_ns)
		return 0;
	if (poll(fds, ARRAY_LEN(fds), timeout_ms(r)) < 0 && errno != EINTR)
		return err_sys(err, "wait for '%s/%s'", r->dir.path, LOG_FILE);
	if (fds[0].revents) {
		while (read(r->notify, events, sizeof(events)) > 0)
			;
	}
	return fds[1].revents ? 0 : 1;
}

static int flush(const struct reader *r, struct error *err)
{
	return r->sink->flush ? r->sink->flush(r->sink->arg, err) : 0;
}

static int follow(struct reader *r, struct error *err)
{
	int rc = catch_up(r, err);

	while (rc > 0) {
		int more;

		rc = flush(r, err);
		if (rc < 0)
			break;
		more = wait_for_more(r, err);
		rc = more < 0 ? more : catch_up(r, err);
		if (rc > 0 && more == 0)
			rc = 0;
	}
	return rc;
}

/* Watched before it is read for the first time, so that nothing is missed in between. */
static int watch(const struct reader *r)
{
	auto_fd int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	auto_free char *path = xasprintf("/proc/self/fd/%d", r->dir.fd);

	if (fd < 0 || inotify_add_watch(fd, path, IN_MODIFY | IN_MOVED_TO | IN_CREATE) < 0)
		return -1;
	return take_fd(&fd);
}

int log_read(const struct dir *dir, const struct log_query *query, const struct log_sink *sink,
	     struct error *err)
{
	struct reader r = {
		.dir = *dir,
		.query = query,
		.sink = sink,
		.buffer = xmalloc(LOG_LINE_MAX + BLOCK),
		.notify = -1,
	};
	int rc;

	if (query->is_followed)
		r.notify = watch(&r);
	rc = open_files(&r, err);
	if (rc == 0)
		rc = seek_tail(&r, err);
	if (rc == 0)
		rc = read_all(&r, err);
	if (rc > 0 && query->is_followed)
		rc = follow(&r, err);
	if (rc >= 0)
		rc = flush(&r, err);
	for (size_t i = 0; i < r.n_files; i++)
		(void)close(r.files[i]);
	close_fd(&r.notify);
	str_fini(&r.data);
	free(r.files);
	free(r.buffer);
	return rc;
}

/* ---- as text ---------------------------------------------------------------------------------- */

static int printer_flush(void *arg, struct error *err)
{
	struct log_printer *p = arg;
	const char *at = p->pending.text;
	size_t left = p->pending.len;

	while (left) {
		ssize_t n = write(p->pending_fd, at, left);

		if (n < 0 && errno == EAGAIN) {
			struct pollfd fd = { .fd = p->pending_fd, .events = POLLOUT };

			(void)poll(&fd, 1, -1);
		} else if (n < 0 && errno != EINTR) {
			return err_sys(err, "write the log");
		}
		if (n > 0) {
			at += n;
			left -= (size_t)n;
		}
	}
	str_clear(&p->pending);
	return 0;
}

/* "2006-01-02T15:04:05.000000000Z ": all of one width, as docker prints it. */
static void add_time(int64_t ns, struct str *out)
{
	char text[CLOCK_TEXT];
	size_t len;

	clock_format(ns, text);
	len = strcspn(text, ".Z");
	str_addf(out, "%.*s.%09lldZ ", (int)len, text, (long long)(ns % 1000000000));
}

static int print_message(void *arg, const struct log_entry *entry, struct error *err)
{
	struct log_printer *p = arg;
	int fd = p->fds[entry->stream];
	bool *is_inside = &p->is_inside[entry->stream];
	int rc = 0;

	if (p->pending_fd != fd || p->pending.len > BLOCK)
		rc = printer_flush(p, err);
	if (rc < 0)
		return rc;
	p->pending_fd = fd;
	if (!*is_inside && p->prefix)
		str_add(&p->pending, p->prefix);
	if (!*is_inside && p->has_timestamps)
		add_time(entry->time_ns, &p->pending);
	str_add_len(&p->pending, entry->data, entry->len);
	*is_inside = entry->len == 0 || entry->data[entry->len - 1] != '\n';
	return 0;
}

struct log_sink log_printer_sink(struct log_printer *printer)
{
	return (struct log_sink){
		.message = print_message,
		.flush = printer_flush,
		.arg = printer,
	};
}

void log_printer_fini(struct log_printer *printer)
{
	str_fini(&printer->pending);
}
