/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/*
 * One epoll loop: fds, timers, signals (signalfd), children (pidfd).  Handlers run one after the
 * other in loop_run(); a handler may add and remove sources, its own included.
 */
struct loop;

struct loop *loop_new(struct error *err);
void loop_free(struct loop *loop); /* NULL is fine; watched fds stay open: they are borrowed */
void loop_freep(struct loop **loop);
#define auto_loop __attribute__((cleanup(loop_freep)))

typedef void loop_handler(void *arg, uint32_t events); /* EPOLLIN, ... */
typedef void loop_timer_handler(void *arg);
typedef void loop_signal_handler(void *arg, int signal);

/* Watches @fd (borrowed, one watch each). */
int loop_add(struct loop *loop, int fd, uint32_t events, loop_handler *handler, void *arg,
	     struct error *err);
int loop_modify(struct loop *loop, int fd, uint32_t events, struct error *err);
void loop_remove(struct loop *loop, int fd); /* before @fd is closed */

/* Blocks the signals in @set (ended by 0) and delivers them to @handler. */
int loop_signals(struct loop *loop, const int *signals, loop_signal_handler *handler, void *arg,
		 struct error *err);

/* Calls @handler once, @ms from now (CLOCK_BOOTTIME).  Returns an id for loop_timer_cancel(). */
int loop_timer(struct loop *loop, int64_t ms, loop_timer_handler *handler, void *arg);
void loop_timer_cancel(struct loop *loop, int id);

/* Runs until loop_stop(); returns what that was given, or a negative errno. */
int loop_run(struct loop *loop, struct error *err);
void loop_stop(struct loop *loop, int result);
