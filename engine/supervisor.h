/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "engine/console.h"
#include "engine/dirs.h"
#include "engine/record.h"

/* What a supervisor begins with; set up by the command that is going to fork it. */
struct supervisor_job {
	const struct engine_dirs *dirs;
	struct record record;      /* id, name, options; the whole one if it is made again */
	struct record_place place; /* claimed; the supervisor's from the fork on */
	bool is_again;             /* it has been made before, and has ended */
	bool is_attached;          /* the command takes the output, until the first end */
	int control;               /* its end of the pair */
	int command_control;       /* the command's end: closed first */
	int stdin_read;            /* the container's standard input, -1: none; taken over */
	int stdin_write;           /* the command's end of it: closed first */
	struct console console;    /* to be restored if the command dies; fd -1: none */
	uint16_t columns, rows;
};

/* The whole life of a supervisor: see the head of supervisor.c.  Never returns. */
_Noreturn void supervisor_run(struct supervisor_job *job);
