/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/macros.h"

/*
 * A step is one thing asked of the kernel that changes something: the line one would type in a
 * tutorial.  Only the doors (sys_*, nl_call, nft_*) perform steps: each times its call and records
 * the equivalent command.  Off, that costs one branch.
 *
 * Records are appended, one write(2) each, to an fd opened O_APPEND | O_CLOEXEC (a memfd, or a file
 * where several commands make one container), which the container's init inherits.  Order is the
 * order of arrival, but for a clone, which is read back before the steps of its child; durations are
 * kept, not points in time: clocks differ between time namespaces.
 */

enum step_who { STEP_HOST, STEP_INIT };

/* What kind of command does the same; decides how --explain=script renders it. */
enum step_kind {
	STEP_RUN,   /* argv */
	STEP_WRITE, /* echo argv[0] > argv[1] */
	STEP_INPUT, /* argv with the text in @input on its standard input (nft -f -) */
	STEP_NOTE,  /* argv[0] is a comment: no command does this */
	STEP_CLONE, /* argv (unshare ...) starts the init; its steps follow inside of it */
	STEP_WRAP,  /* argv is a prefix of the final exec (setpriv ..., prlimit ..., env ...) */
	STEP_EXEC,  /* argv is the container's command, recorded before it is done */
};

/* One kernel primitive under way; lives on the stack of the door that performs it. */
struct step {
	struct timespec begun;
};

/* Records go to @fd (borrowed, O_APPEND); -1 switches recording off. */
void step_record_to(int fd);
bool step_is_on(void);

/* A place in memory for records; returns the fd, the caller's. */
struct error;
int step_sink(struct error *err);

/* Ends it for this process, and closes its copy of the fd: who goes on for long has told enough. */
void step_stop(void);

/* The heading of what follows (a stage's name; not copied), and who acts in this process. */
void step_phase(const char *name);
void step_acting_as(enum step_who who);

struct step step_begin(void);

/* Ends a STEP_RUN; the command's words, ended by NULL. */
void step_end(const struct step *step, int rc, const char *arg0, ...) SENTINEL;

/* Ends a step of any kind; @input only for STEP_INPUT, else NULL. */
void step_end_argv(const struct step *step, int rc, enum step_kind kind, char *const argv[],
		   const char *input);

/* echo @value > @dir/@file */
void step_end_write(const struct step *step, int rc, const char *value, const char *dir,
		    const char *file);

void step_note(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* A record as read back. */
struct step_record {
	enum step_who who;
	enum step_kind kind;
	int rc; /* 0, or the negative errno of a failed step */
	uint64_t ns;
	bool is_announced; /* recorded before it happened: has no duration */
	char *phase;
	char **argv; /* NULL-terminated */
	char *input; /* NULL unless STEP_INPUT */
};

/*
 * Reads all records of @fd from its beginning, by pread.  Returns their number and the array in
 * *ret (free with step_records_free), or a negative errno.  A torn last record is left out.
 */
int step_records_read(int fd, struct step_record **ret, size_t *ret_n);
void step_records_free(struct step_record *records, size_t n);
