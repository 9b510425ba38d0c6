/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

#include "base/error.h"
#include "base/str.h"

struct container_state;

/*
 * SCMP_ACT_NOTIFY: another process decides about system calls.  It listens at
 * linux.seccomp.listenerPath and is sent the filter's descriptor with the document of
 * config-linux.md "The Container Process State".
 *
 * The connection is made where the host's paths are still in reach; the process that loads the
 * filter sends over it.
 */
struct notify {
	int sock;           /* to who listens, owned; -1: the filter asks nobody */
	const char *path;   /* borrowed, for people */
	struct str message; /* owned */
};

#define NOTIFY_NONE        \
	{                  \
		.sock = -1 \
	}

/* Connects to who listens at @path, which is borrowed. */
int notify_connect(const char *path, struct notify *ret, struct error *err);

/*
 * Writes the message.  Called by the process that will load the filter, while /proc is the host's:
 * it is the host's number of it that the listener is told.
 */
int notify_prepare(struct notify *notify, const char *metadata, const struct container_state *state,
		   struct error *err);

/* Sends @filter (taken over: closed) and ends the connection. */
int notify_send(struct notify *notify, int filter, struct error *err);

void notify_fini(struct notify *notify);
