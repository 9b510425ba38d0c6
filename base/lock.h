/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "base/fd.h"

/*
 * Locks by flock(2) on the file @name (made if missing, 0600) below @dir.  The returned fd is the
 * lock: closing it, or the end of the process, lets go.
 */
enum lock_mode { LOCK_SHARED, LOCK_EXCLUSIVE };

int lock_acquire(const struct dir *dir, const char *name, enum lock_mode mode, struct error *err);

/* As above without waiting: -EWOULDBLOCK (no text is promised) if somebody holds it. */
int lock_try(const struct dir *dir, const char *name, enum lock_mode mode, struct error *err);

/*
 * Locks an open file or directory by itself; the lock lasts until the last descriptor of that open
 * is closed, children's included.  lock_fd_try(): 1 if it is ours now, 0 if somebody holds it.
 */
int lock_fd(int fd, enum lock_mode mode, const char *name, struct error *err);
int lock_fd_try(int fd, enum lock_mode mode, const char *name, struct error *err);

/* Lets go at once, whoever else has a descriptor of that open. */
void lock_fd_release(int fd);
