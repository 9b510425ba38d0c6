/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "compose/model.h"
#include "engine/dirs.h"

/*
 * What is done to a project as a whole.  See the head of execute.c for how.  Progress goes to stderr,
 * a line a container.  Only one command at a time works on a project; others wait, and say so.
 */
struct command_base {
	const struct engine_dirs *dirs;
	const struct project *project;
	const bool *wanted; /* by service */
	int64_t grace_ns;   /* for containers to end when asked; -1: each its own */
};

/* How images come to this machine. */
struct pull_request {
	struct command_base base;
	int policy; /* enum fetch_policy, for all services; PULL_AS_SAID: as each says */
	bool is_quiet, ignores_failures;
};
#define PULL_AS_SAID (-1)

/*
 * Pulls the images of services, each once.  What a service says of itself (pull_policy) counts, but
 * one that nobody is to pull (never, build) is left alone whatever @policy says.  All are tried; the
 * first failure is returned, others are told.
 */
int project_pull(const struct pull_request *request, struct error *err);

struct step_parts;
struct up_request {
	struct command_base base;
	struct pull_request pull; /* whose base is not looked at */
	bool recreates_all, recreates_none, removes_orphans;
	bool makes_only;  /* containers are made, and not started */
	bool waits;       /* until all are ready: healthy, or running where nothing checks that */
	int64_t wait_ns;  /* for services to be ready, then it gives up; 0: for ever */
	bool is_attached; /* show what they write until they end; ^C ends them */

	/* Gets what was asked of the kernel when all is up, or has failed; NULL: not recorded. */
	void (*on_steps)(const struct step_parts *parts, void *arg);
	void *arg;
};

/*
 * Makes the machine have what the project says.  Whatever can be known to go wrong is looked for
 * before anything is changed; what fails later says why, and what has been done by then stays: the
 * next `up` goes on from there.
 */
int project_up(const struct up_request *request, struct error *err);

enum project_verb {
	PROJECT_STOP,
	PROJECT_STOP_OR_KILL, /* a signal kills those that have not ended by then */
	PROJECT_START,
	PROJECT_RESTART,
	PROJECT_KILL,
	PROJECT_PAUSE,
	PROJECT_UNPAUSE,
	PROJECT_REMOVE, /* those that do not run */
};

/* To the containers that there are. */
int project_do(const struct command_base *base, enum project_verb verb, struct error *err);

struct down_request {
	struct command_base base; /* all services */
	bool removes_orphans, removes_volumes;
};
int project_down(const struct down_request *request, struct error *err);

struct logs_request {
	struct command_base base;
	bool is_followed, has_timestamps, has_no_prefix;
	int64_t tail, since_ns, until_ns; /* as in engine/logs.h */
};
/* More than 0: a signal has ended it. */
int project_logs(const struct logs_request *request, struct error *err);
