/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/str.h"

/* Field 22 of /proc/PID/stat in clock ticks since boot: with the pid it names one process. */
int proc_start_time(pid_t pid, uint64_t *ret, struct error *err);

/* The kernel's boot id (36 characters and NUL), or "" if it cannot be read. */
void proc_boot_id(char ret[37]);

/*
 * Opens a pidfd of @pid if that process is still the one that began at @start_time.  Returns the
 * fd, or -ESRCH if it is gone or another process took the number.
 */
int proc_open(pid_t pid, uint64_t start_time, struct error *err);

/* The number that the process of @pidfd has in our pid namespace; -ESRCH if it has ended. */
pid_t proc_pid_of(int pidfd, struct error *err);

/* Signals through a pidfd; -ESRCH if it has gone. */
int proc_signal(int pidfd, int signal, struct error *err);

/* Waits up to @timeout_ms (-1: for ever) for the end: 1 ended, 0 time is up, negative error. */
int proc_wait_end(int pidfd, int timeout_ms, struct error *err);

/* waitid(2) si_code and si_status of a child -> shell's exit code: the code, or 128 + signal. */
int proc_exit_code(int how, int status);

/* The file that engines read a pid from: digits alone, mode 0644, there as a whole or not at all. */
int proc_write_pid_file(const char *path, pid_t pid, struct error *err);

struct helper {
	const char *path;   /* the program, if argv[0] is not its name; NULL */
	char *const *argv;  /* argv[0] is looked up in PATH unless it has a '/' */
	char *const *envp;  /* NULL: a minimal one with PATH */
	const char *input;  /* for its stdin; NULL: /dev/null */
	int timeout_ms;     /* its process group is killed then; <= 0: none */
	struct str *output; /* its stdout is added here; NULL: discarded; at most 1 MiB */
};

/*
 * Runs a program to its end.  Returns its exit code (128 + signal included), or a negative errno:
 * -ENOENT if there is no such program, -ETIMEDOUT.  What it wrote to stderr (at most 4 KiB, one
 * line) is appended to @err's text when its exit code is not 0 (err->code stays 0 then: the caller
 * decides what a non-zero code means).
 */
int helper_run(const struct helper *h, struct error *err);
