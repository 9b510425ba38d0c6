/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/dbus_message.h"
#include "base/error.h"

/*
 * A client of one D-Bus socket: a bus, or a program that listens itself (as systemd does for root).
 * One call at a time, none of them waits beyond the deadline.
 */
struct dbus {
	int sock;            /* owned */
	uint32_t serial;     /* of the last call */
	int64_t deadline_ns; /* by clock_boot_ns() */
	const char *name;    /* of whom we talk to, for people; borrowed */
	struct str in;       /* the message that was read last */
	char error_name[96]; /* of the last answer that was an error: "org...NoSuchUnit" */
};

#define DBUS_NONE           \
	{                   \
		.sock = -1, \
	}

/* Connects and proves who we are.  @is_bus: it is a bus, which wants to be greeted. */
int dbus_open(struct dbus *bus, const char *path, bool is_bus, const char *name, int timeout_ms,
	      struct error *err);
void dbus_close(struct dbus *bus);

/* How much time all that follows has. */
void dbus_set_timeout(struct dbus *bus, int timeout_ms);

/*
 * Calls, and waits for the answer; *ret (may be NULL) lives until the next message is read.  An error
 * that is answered is -EREMOTEIO with its text in @err and its name in bus->error_name, which is ""
 * after any other failure: -ETIMEDOUT, -EPIPE, -EPROTO ...
 */
int dbus_call(struct dbus *bus, const struct dbus_call *call, struct dbus_message *ret,
	      struct error *err);

/* The next message of whatever kind. */
int dbus_receive(struct dbus *bus, struct dbus_message *ret, struct error *err);
