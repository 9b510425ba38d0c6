/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

#include "base/error.h"

/*
 * systemd as the keeper of control groups: transient scopes, by its D-Bus interface
 * (org.freedesktop.systemd1(5)).  Its own socket for root is preferred, which needs no bus daemon.
 */

struct systemd; /* a connection; opaque */
struct unit_properties;

/* -ENOTSUP "systemd does not run here". */
int systemd_open(struct systemd **ret, struct error *err);
void systemd_close(struct systemd *systemd); /* NULL is fine */
void systemd_closep(struct systemd **systemd);
#define auto_systemd __attribute__((cleanup(systemd_closep)))

/* The group that all of its units are below: "" on a host, else "/some/where"; the caller frees. */
int systemd_root(struct systemd *systemd, char **ret, struct error *err);

/*
 * Starts the transient scope @unit and waits until it is there (30 s at most).  A failed one of that
 * name is forgotten first.  On failure there is none, unless systemd does not answer any more.
 */
int systemd_start(struct systemd *systemd, const char *unit,
		  const struct unit_properties *properties, struct error *err);

/* Changes properties of a unit until the machine is started again. */
int systemd_change(struct systemd *systemd, const char *unit,
		   const struct unit_properties *properties, struct error *err);

/*
 * Stops @unit, waits for that, and has systemd forget that it may have failed.  Where there is no such
 * unit, or no systemd, that is what was wanted.
 */
int systemd_end(const char *unit, struct error *err);
