/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <signal.h>
#include <stdbool.h>

/*
 * SIGINT, SIGTERM and SIGHUP while the store is being changed, so that it can be cleaned up behind
 * them.  Those that whoever started us has us ignore (nohup, a shell's job in the background) are
 * left alone: blocked, they would reach a signalfd(2) all the same.
 */
void signals_heeded(sigset_t *ret);

/* *ret_before is the mask to go back to. */
void signals_block(sigset_t *ret_before);

/* @was_heeded: one was acted upon, and those that came after it are forgotten. */
void signals_restore(const sigset_t *before, bool was_heeded);
