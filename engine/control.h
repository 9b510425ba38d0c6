/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "engine/dirs.h"

/*
 * The talk with a container's supervisor: of the command that has forked it, over a pair, and of
 * others, over a socket <state>/control/<id> that the supervisor has from when the container runs
 * until it has come to its end.  SEQPACKET; one message, one struct.
 */
enum control_type {
	/* To the command that has forked it. */
	CONTROL_STARTED = 1, /* it runs; with the terminal's master, if there is one */
	CONTROL_ERROR,       /* it could not be made, or what was asked for not done; @error */
	CONTROL_EXIT,        /* @value is the exit status; @error.msg a remark or "" */
	CONTROL_LEFT,        /* the same, but the supervisor goes on: it is started again */

	/* From that command. */
	CONTROL_SIGNAL, /* pass signal @value on */

	/* From others (CONTROL_CHANGE, too); answered by CONTROL_DONE or CONTROL_ERROR. */
	CONTROL_STOP,    /* with signal @value and patience @timeout; answered when it has ended */
	CONTROL_RESTART, /* the same; answered when it runs again */
	CONTROL_KILL,    /* signal @value; SIGKILL is answered when it has ended */
	CONTROL_PAUSE,
	CONTROL_UNPAUSE,
	CONTROL_WAIT, /* answered by CONTROL_EXIT at its next end */

	CONTROL_DONE,

	CONTROL_CHANGE, /* see change.h: @value is what, and the rest comes with it as a file */

	/*
	 * Paused, unless it is, for as long as the connection is there, or another one that has asked
	 * for the same; so that nothing of it is left by who was killed.  Answered as those above.
	 */
	CONTROL_HOLD,
};

#define CONTROL_VERSION 1 /* both are of one program, unless that has been replaced meanwhile */

struct control_message {
	uint32_t version; /* set by control_send() */
	uint32_t type;    /* enum control_type */
	int32_t value;    /* a signal; 0: the container's stop signal */
	int32_t timeout;  /* seconds, CONTROL_TIMEOUT_DEFAULT or CONTROL_TIMEOUT_NONE */
	struct error error;
};

#define CONTROL_TIMEOUT_NONE    (-1) /* it is never killed */
#define CONTROL_TIMEOUT_DEFAULT (-2) /* the container's */

/* Sends one with @fd (-1: none).  Nobody there any more: -EPIPE. */
int control_send(int sock, const struct control_message *message, int fd, struct error *err);

/* Receives one; *ret_fd (may be NULL) is owned by the caller.  -EPIPE at the end. */
int control_receive(int sock, struct control_message *ret, int *ret_fd, struct error *err);

/* The supervisor's end; the fd does not block. */
int control_listen(const struct engine_dirs *dirs, const char *id, struct error *err);

/* The command's; -ENOENT or -ECONNREFUSED: there is no supervisor, or not yet. */
int control_connect(const struct engine_dirs *dirs, const char *id, struct error *err);

/* Removes the socket; a missing one is fine. */
void control_remove(const struct engine_dirs *dirs, const char *id);
