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
struct monitor;
struct peer;

enum supervisor_phase {
	SUPERVISOR_RUNNING, /* the container runs, or its last output is on its way */
	SUPERVISOR_WAITING, /* it is to be started again, in a while */
	SUPERVISOR_OVER,    /* nothing follows */
};

enum supervisor_wish {
	WISH_NOTHING, /* what follows its end is its policy's to say */
	WISH_STOP,
	WISH_KILL, /* the same, by a signal */
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
	bool is_held;     /* it is paused for the sake of peers only */
	int64_t began_ns; /* clock_boot_ns() */
	int kill_timer;   /* 0: none */
	struct restart restart;
	int restart_timer; /* 0: none */
	int settle_timer;  /* 0: none */

	int oom_watch;           /* -1: its memory is not limited */
	int oom_timer;           /* 0: none */
	uint64_t oom_told;       /* kills that have been told as events */
	struct monitor *monitor; /* NULL: nobody probes it */
	int listener;
	struct peer *peers;
	struct error failure; /* of what has to be told to who waits for the end */
};

/* Something has been done that takes more memory than the waiting that follows. */
void supervisor_settle(struct supervisor *s);

/* ---- for peers -------------------------------------------------------------------------------- */

/* Ends the container, then follows @wish.  @signal 0, @timeout: as in struct control_message. */
void supervisor_stop(struct supervisor *s, int signal, int timeout, enum supervisor_wish wish);

int supervisor_kill(struct supervisor *s, int signal, struct error *err);
int supervisor_pause(struct supervisor *s, bool is_paused, struct error *err);

/* Does it, and writes it down (supervisor_change.c). */
struct container_change;
int supervisor_change(struct supervisor *s, const struct container_change *change,
		      struct error *err);

/* ---- what the container reads and writes (supervisor_streams.c) ------------------------------- */

/* Before it is made: the log, and pipes unless it gets a terminal. */
int streams_prepare(struct supervisor *s, struct error *err);

/* Once it runs: its output is carried to the command, as long as that is there, and to the log. */
int streams_start(struct supervisor *s, struct error *err);
void streams_stop(struct supervisor *s);
void streams_close(struct supervisor *s); /* what streams_prepare() has made, but for the log */

/* A pump's on_end. */
void supervisor_stream_ended(void *arg);

/* ---- events (supervisor_events.c) ------------------------------------------------------------- */

void events_tell(const struct supervisor *s, const char *action);
void events_tell_kill(const struct supervisor *s, int signal);
void events_tell_end(const struct supervisor *s);

/* Tells of processes that the kernel has killed for memory since the last time; how many in all. */
uint64_t events_tell_oom(struct supervisor *s);

/* The same as soon as it happens, from memory_watch() on. */
void memory_watch(struct supervisor *s);
void memory_watch_again(struct supervisor *s); /* its limit may be another one */
void memory_unwatch(struct supervisor *s);

/* ---- health (supervisor_health.c) ------------------------------------------------------------- */

/* The container has just been started. */
int health_begin(struct supervisor *s, struct error *err);
void health_pause(struct supervisor *s, bool is_paused);
void health_end(struct supervisor *s);

/*
 * Connections to its service are sent to it from now on, or no longer.  It is to get none when it is
 * about to end, so that none is lost.
 */
void ready_begin(struct supervisor *s); /* if nothing speaks against it: its health, a pause */
void ready_end(struct supervisor *s);

/* ---- peers: commands that have connected to the control socket -------------------------------- */

/* Who cannot be listened to is told later: the container runs. */
int peers_listen(struct supervisor *s, struct error *err);

/* The container has ended; @is_over: and nothing follows. */
void peers_tell_end(struct supervisor *s, bool is_over);

/* It has been started again, or that failed (@failure). */
void peers_tell_start(struct supervisor *s, const struct error *failure);

/* Nobody is heard from now on. */
void peers_close(struct supervisor *s);
