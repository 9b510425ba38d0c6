/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "base/error.h"

/* The talk between a container's supervisor and the command that waits for it: a SEQPACKET pair. */
enum control_type {
	CONTROL_STARTED =
		1,      /* to the command: it runs; with the terminal's master, if there is one */
	CONTROL_ERROR,  /* to the command: it could not be made; @error */
	CONTROL_EXIT,   /* to the command: @value is the exit status; @error.msg a remark or "" */
	CONTROL_SIGNAL, /* to the supervisor: pass signal @value on */
};

struct control_message {
	uint32_t type; /* enum control_type */
	int32_t value;
	struct error error;
};

/* Sends one with @fd (-1: none).  Nobody there any more: -EPIPE. */
int control_send(int sock, const struct control_message *message, int fd, struct error *err);

/* Receives one; *ret_fd (may be NULL) is owned by the caller.  -EPIPE at the end. */
int control_receive(int sock, struct control_message *ret, int *ret_fd, struct error *err);
