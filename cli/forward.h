/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

/* Signals that a foreground command passes on to what it runs. */

/* Blocks them: from here on none ends this process before it can pass it on. */
int forward_block(struct error *err);

/* A signalfd of them, which does not block; owned by the caller. */
int forward_open(struct error *err);

/*
 * Passes the blocked signals on to @pidfd until that process ends (which the caller then waits for).
 * Signals that the kernel sends for faults of our own are not among them.
 */
int forward_signals(int pidfd, struct error *err);
