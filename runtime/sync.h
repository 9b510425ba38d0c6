/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "base/error.h"

/*
 * The talk between who creates a container and the container's init: messages of one fixed size
 * over a SEQPACKET pair.  See the head of runtime/create.c for the whole dance.
 */
enum sync_type {
	SYNC_CLONED = 1, /* from who joins a user namespace first: with init's pidfd */
	SYNC_GO,         /* to init: id maps are written, interfaces are moved: go on */
	SYNC_NAMESPACES, /* from init: it is in all its namespaces */
	SYNC_HOOKS_DONE, /* to init: the host's hooks have run */
	SYNC_CREATED,    /* from init: waits at the gate; with the pty master, if there is one */
	SYNC_START,      /* to init: run the program */
	SYNC_EXEC,       /* from init: the last message; the end of the connection is success */
	SYNC_ERROR,      /* from init: it failed, and ends */
};

struct sync_message {
	uint32_t type; /* enum sync_type */
	struct error error;
};

int sync_send(int sock, enum sync_type type, int fd, struct error *err);

/* Tells a failure; nothing can be done if that fails. */
void sync_send_error(int sock, const struct error *error);

/*
 * Waits for a message of @type; *ret_fd (may be NULL) is the fd that came with it, or -1.  A
 * SYNC_ERROR becomes @err, whole.  -EPIPE if the peer has gone.
 */
int sync_expect(int sock, enum sync_type type, int *ret_fd, struct error *err);

/* Waits for the end of the connection, which is how execve(2) says that it succeeded. */
int sync_expect_end(int sock, struct error *err);
