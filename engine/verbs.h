/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"
#include "engine/dirs.h"
#include "engine/foreground.h"

/*
 * What can be done with a container that is there, by any command.  @name is a name, an id or the
 * beginning of one; -ENOENT "no such container: 'x'" if there is none.
 *
 * What concerns a running container is asked of its supervisor, which is waited for while it begins.
 * One that was killed is noticed, said so on stderr, and what it left released; the container counts
 * as ended then.
 */

struct stop_request {
	int signal;  /* 0: the container's stop signal */
	int timeout; /* seconds until it is killed; CONTROL_TIMEOUT_NONE, CONTROL_TIMEOUT_DEFAULT */
};

/* Waits for the end, which nothing follows.  One that does not run: nothing to do. */
int verb_stop(const struct engine_dirs *dirs, const char *name, const struct stop_request *request,
	      struct error *err);

/* The same for several at the same time; @errs: one each, code 0 if it was stopped. */
void verb_stop_all(const struct engine_dirs *dirs, const struct strv *names,
		   const struct stop_request *request, struct error *errs);

/* -ESRCH "container 'x' is not running".  Its own stop signal, as SIGKILL, ends restarts too. */
int verb_kill(const struct engine_dirs *dirs, const char *name, int signal, struct error *err);

/* Returns when it runs again; one that does not run is started. */
int verb_restart(const struct engine_dirs *dirs, const char *name,
		 const struct stop_request *request, struct error *err);

/*
 * Starts one that has ended.  With @streams->has_output it is waited for, and its exit status
 * returned; -EBUSY if it runs already.  Without, 0, also if it runs already.
 */
int verb_start(const struct engine_dirs *dirs, const char *name,
	       const struct foreground_streams *streams, struct str *ret_remark, struct error *err);

/* Waits for the end, if it has not come, and returns the exit status. */
int verb_wait(const struct engine_dirs *dirs, const char *name, struct error *err);

/* -ESRCH, -EINVAL "container 'x' is already paused". */
int verb_pause(const struct engine_dirs *dirs, const char *name, bool is_paused, struct error *err);

/*
 * Pauses it, unless it is paused, until verb_let_go(), or until this process ends: returns a socket
 * for that, owned by the caller.  Whoever pauses or unpauses it meanwhile has that.  -ESRCH.
 */
int verb_hold(const struct engine_dirs *dirs, const char *name, struct error *err);
void verb_let_go(int *sock);

/*
 * Connects it to the network of @request (by its name or the beginning of its id), or takes it out of
 * one; see change.h for what else can be wrong.  A running one has it at once, others when they
 * start.
 */
struct network_request;
int verb_connect(const struct engine_dirs *dirs, const char *name,
		 const struct network_request *request, struct error *err);
int verb_disconnect(const struct engine_dirs *dirs, const char *name, const char *network,
		    struct error *err);

/* Changes its limits: @what is CHANGE_LIMITS of change.h.  A running one has them at once. */
struct container_change;
int verb_update(const struct engine_dirs *dirs, const char *name,
		const struct container_change *what, struct error *err);

/* Gives another name to one that does not run (-EBUSY).  -EEXIST, -EINVAL for that name. */
int verb_rename(const struct engine_dirs *dirs, const char *name, const char *new_name,
		struct error *err);
