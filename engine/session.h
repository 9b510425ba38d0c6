/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

/*
 * A command at the standard streams of a process that it has started in a container: what is typed
 * goes there, what it writes comes here, signals are passed on.
 */
struct session {
	int pidfd;      /* our child; borrowed */
	int *pipes;     /* of struct exec_process: our ends, -1: none; taken over */
	int terminal;   /* in their place the master end of its terminal, -1: none; taken over */
	bool has_input; /* our standard input is connected */
};

/* Blocks the signals that will be passed on; before the process is made. */
int session_block_signals(struct error *err);

/*
 * Until the process has ended and what it wrote is out.  Returns its exit status.  If our standard
 * input is a terminal and the process has one of its own, ours is raw meanwhile.
 */
int session_run(const struct session *session, struct error *err);
