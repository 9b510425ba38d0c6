/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/str.h"
#include "engine/logs_line.h"

/*
 * What a container writes to stdout and stderr, in files of bounded size: LOG_FILE is the newest,
 * LOG_FILE.1 the one before, and so on.  They lie in a directory that is root's alone.
 */
#define LOG_FILE "log.json"

struct log_limits {
	uint64_t max_size; /* bytes of a file, which at most one message goes beyond */
	int max_files;     /* the newest one included; 1: it begins anew when it is full */
};

/* 10 MB, 5 files. */
extern const struct log_limits log_limits_default;

/* ---- writing: the container's supervisor ------------------------------------------------------ */

struct log_writer;

/* Opens the log in @dir (borrowed for the call), which goes on where it ended. */
int log_writer_open(const struct dir *dir, const struct log_limits *limits, struct log_writer **ret,
		    struct error *err);
void log_writer_free(struct log_writer *writer); /* NULL is fine */

/*
 * Takes any piece of output and writes the messages that are complete.  Never waits, unless for the
 * disk.  If writing fails (the disk is full) output is lost, which is told no more than once a
 * minute: other calls return 0.  Each one tries again.
 */
int log_write(struct log_writer *writer, enum log_stream stream, const char *data, size_t len,
	      struct error *err);

/* The stream has ended: what there is of its last line is a message without a newline. */
int log_finish(struct log_writer *writer, enum log_stream stream, struct error *err);

/*
 * Carries the pipe or terminal @from (not blocking; taken over) to the log on a loop.  @on_end is
 * called once, from the loop, at its end, or when log_collect_drain() has emptied it.
 */
struct loop;
struct log_collector;
struct log_collector *log_collect(struct log_writer *writer, struct loop *loop, int from,
				  enum log_stream stream, void (*on_end)(void *arg), void *arg,
				  struct error *err);
void log_collect_drain(struct log_collector *collector); /* the writers have gone */
void log_collector_free(struct log_collector *collector);

/* ---- reading: any command --------------------------------------------------------------------- */

struct log_query {
	int64_t since_ns, until_ns; /* since the epoch; 0: not given */
	int64_t tail;               /* this many messages from the end; -1: all */
	bool is_followed;           /* what is still to come, too */
	int end_fd; /* followed until this is readable (a pidfd, a socket); -1: for ever */
};

struct log_sink {
	/* One message; a negative errno with @err ends the reading. */
	int (*message)(void *arg, const struct log_entry *entry, struct error *err);
	/* There is nothing more for now: to be called before it waits, and at the end; or NULL. */
	int (*flush)(void *arg, struct error *err);
	void *arg;
};

/*
 * Reads the log in @dir, over its rotations.  That there is none (yet) is no error.  When following,
 * a reader that is slower than two whole rotations misses what has been removed meanwhile.
 */
int log_read(const struct dir *dir, const struct log_query *query, const struct log_sink *sink,
	     struct error *err);

/* Messages as text on two descriptors, for `logs`. */
struct log_printer {
	int fds[LOG_STREAMS];
	bool has_timestamps;
	const char *prefix; /* of each line; NULL: none */
	/* Zero at first. */
	struct str pending;
	int pending_fd;
	bool is_inside[LOG_STREAMS]; /* of a line */
};
struct log_sink log_printer_sink(struct log_printer *printer);
void log_printer_fini(struct log_printer *printer);
