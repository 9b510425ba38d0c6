/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/control.h"
#include "engine/pump.h"
#include "engine/restart.h"
#include "engine/run.h"
#include "engine/supervisor.h"

/* What the parts of a supervisor share: see the head of supervisor.c. */

struct log_writer;
struct loop;
struct peer;

enum supervisor_phase {
	SUPERVISOR_RUNNING, /* the container runs, or its last output is on its way */
	SUPERVISOR_WAITING, /* it is to be started again, in a while */
	SUPERVISOR_OVER,    /* nothing follows */
};

enum supervisor_wish {
	WISH_NOTHING, /* what follows its end is its policy's to say */
	WISH_STOP,
	WISH_RESTART,
	WISH_LEAVE, /* as WISH_STOP, though nobody wanted the container to be stopped */
};

struct supervisor {
	struct supervisor_job *job;
	struct run run;
	struct loop *loop;
	enum supervisor_phase phase;
	enum supervisor_wish wish;

	struct pump pumps[2]; /* stdout and stderr, or the terminal */
	size_t n_pumps;
	struct log_writer *log; /* NULL: nothing is logged */
	int outer[2];           /* our ends of stdout and stderr, until there are pumps */
	int inner[2];           /* the container's */
	int held_stdin;         /* keeps a standard input open that nobody writes to; -1 */

	bool has_ended; /* while its last output is on its way */
	int exit_code;
	bool is_paused;
	int64_t began_ns; /* clock_boot_ns() */
	int kill_timer;   /* 0: none */
	struct restart restart;
	int restart_timer; /* 0: none */

	int listener;
	struct peer *peers;
	struct error failure; /* of what has to be told to who waits for the end */
};

/* ---- for peers -------------------------------------------------------------------------------- */

/* Ends the container, then follows @wish.  @signal 0, @timeout: as in struct control_message. */
void supervisor_stop(struct supervisor *s, int signal, int timeout, enum supervisor_wish wish);

int supervisor_kill(struct supervisor *s, int signal, struct error *err);
int supervisor_pause(struct supervisor *s, bool is_paused, struct error *err);

/* ---- peers: commands that have connected to the control socket -------------------------------- */

/* Who cannot be listened to is told later: the container runs. */
int peers_listen(struct supervisor *s, struct error *err);

/* The container has ended; @is_over: and nothing follows. */
void peers_tell_end(struct supervisor *s, bool is_over);

/* It has been started again, or that failed (@failure). */
void peers_tell_start(struct supervisor *s, const struct error *failure);

/* Nobody is heard from now on. */
void peers_close(struct supervisor *s);
