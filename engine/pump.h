/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "engine/logs_line.h"

struct log_writer;
struct loop;

/*
 * Carries what a container writes to where it is wanted, as fast as that takes it: nothing is lost,
 * and a reader that is slow slows the container down.  Containers get pipes and terminals of ours
 * and never the caller's files: through those they could read what others wrote, change modes and
 * offsets, or type into the caller's terminal.
 */
struct pump {
	struct loop *loop;
	int from;         /* pipe or pty master, not blocking; owned */
	int to;           /* owned; -1: what comes is dropped */
	bool is_socket;   /* @to */
	bool may_block;   /* @to could not be opened anew: written to in small pieces */
	bool is_waiting;  /* for @to, with something in @buffer */
	bool is_draining; /* nobody writes any more: what is in the pipe is all */
	bool has_ended;
	char *buffer; /* made when first needed */
	size_t begin, end;
	void (*on_end)(void *arg);
	void *arg;
	struct log_writer *log; /* borrowed; NULL: none */
	enum log_stream stream;
};

/*
 * Begins to carry from @from (taken over) to the file behind @to (borrowed; -1: drop).  @on_end is
 * called once, from the loop, when @from has come to its end or pump_drain() has emptied it.
 */
int pump_start(struct pump *pump, struct loop *loop, int from, int to, void (*on_end)(void *arg),
	       void *arg, struct error *err);

/* From now on all goes to @log as well, whether anybody else wants it or not. */
void pump_log(struct pump *pump, struct log_writer *log, enum log_stream stream);

/* The writers have gone, though not all ends need be closed: carry what is there, then end. */
void pump_drain(struct pump *pump);

/* What comes from now on is dropped. */
void pump_drop(struct pump *pump);

void pump_stop(struct pump *pump);

/* A pipe for a container: its end is *ret_inner, ours (not blocking) *ret_outer. */
int pump_pipe(bool is_input, int *ret_inner, int *ret_outer, struct error *err);
