/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logs_driver write DIR MAX_SIZE MAX_FILES        its stdin to the log, as a supervisor does; at the
 *                                                 end: "peak N KiB"
 * logs_driver read DIR TAIL [FOLLOW]             the log to stdout and stderr; FOLLOW: until stdin ends
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/loop.h"
#include "engine/logs.h"

static void on_end(void *arg)
{
	loop_stop(arg, 0);
}

static int write_log(const struct dir *dir, char **argv, struct error *err)
{
	const struct log_limits limits = {
		.max_size = strtoull(argv[0], NULL, 10),
		.max_files = atoi(argv[1]),
	};
	auto_loop struct loop *loop = loop_new(err);
	struct log_writer *writer = NULL;
	struct log_collector *collector;
	struct rusage usage;
	int rc = log_writer_open(dir, &limits, &writer, err);

	if (rc < 0)
		return rc;
	(void)fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
	collector = log_collect(writer, loop, STDIN_FILENO, LOG_STDOUT, on_end, loop, err);
	rc = collector ? loop_run(loop, err) : -err->code;
	log_collector_free(collector);
	log_writer_free(writer);
	(void)getrusage(RUSAGE_SELF, &usage);
	(void)printf("peak %ld KiB\n", usage.ru_maxrss);
	return rc;
}

static int read_log(const struct dir *dir, int argc, char **argv, struct error *err)
{
	const struct log_query query = {
		.tail = atoll(argv[0]),
		.is_followed = argc > 1,
		.end_fd = STDIN_FILENO,
	};
	struct log_printer printer = { .fds = { STDOUT_FILENO, STDERR_FILENO } };
	const struct log_sink sink = log_printer_sink(&printer);
	int rc = log_read(dir, &query, &sink, err);

	log_printer_fini(&printer);
	return rc;
}

int main(int argc, char **argv)
{
	struct error err = { 0 };
	struct dir dir;
	int rc = -1;

	if (argc < 4)
		return 2;
	dir = (struct dir){ .fd = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC),
			    .path = argv[2] };
	if (dir.fd < 0)
		(void)err_sys(&err, "open '%s'", argv[2]);
	else if (strcmp(argv[1], "write") == 0 && argc == 5)
		rc = write_log(&dir, argv + 3, &err);
	else
		rc = read_log(&dir, argc - 3, argv + 3, &err);
	if (rc < 0)
		(void)fprintf(stderr, "logs_driver: %s\n", err.msg);
	close_fd(&dir.fd);
	return rc < 0 ? 1 : 0;
}
