/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

/* A connected pair of SOCK_SEQPACKET sockets, O_CLOEXEC. */
int sock_pair(int ret[2], struct error *err);

/*
 * Sends one message with up to 4 fds (borrowed).  Never raises SIGPIPE; -EPIPE if the peer is gone.
 */
int sock_send(int sock, const void *data, size_t len, const int *fds, size_t n_fds,
	      struct error *err);

/*
 * Receives one message of at most @size bytes with up to @max_fds fds (owned by the caller then,
 * O_CLOEXEC; missing ones are -1).  Returns its length, 0 at the end of the connection, or a
 * negative errno; a message that was cut is -EMSGSIZE.
 */
ssize_t sock_recv(int sock, void *data, size_t size, int *ret_fds, size_t max_fds,
		  struct error *err);

/* A listening unix socket at @path (mode 0600), SOCK_SEQPACKET; longer paths go by way of an fd. */
int sock_listen(const char *path, struct error *err);

/* Connects to a unix socket of @type (SOCK_STREAM, SOCK_SEQPACKET) at @path. */
int sock_connect(const char *path, int type, struct error *err);
