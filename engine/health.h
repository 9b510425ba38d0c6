/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/enum.h"
#include "base/error.h"
#include "base/json.h"
#include "base/str.h"

/*
 * Is a container's service well?  Docker's rules to the letter (moby daemon/health.go), as data and
 * pure functions; engine/probe.h runs the probes, engine/monitor.h puts both on a clock.
 *
 * One thing is added, and can be switched off (@has_docker_clock).  Docker makes its first probe
 * after the first interval, so that a service that is ready in 50 ms counts as starting for 30 s.
 * Here the first probe is made at once, and while the container is starting others follow after 20,
 * 40, 80 ms ... up to start_interval.  What these find counts if it is a success; a failure is only
 * noted, as docker would not have looked yet: no container is unhealthy sooner than with docker.
 */

enum health_state {
	HEALTH_NONE, /* no healthcheck */
	HEALTH_STARTING,
	HEALTH_HEALTHY,
	HEALTH_UNHEALTHY,
	HEALTH_STATES,
};
const char *health_state_name(enum health_state state);

enum health_action { HEALTH_ACT_NONE, HEALTH_ACT_KILL, HEALTH_ACT_RESTART, HEALTH_ACT_STOP };
extern const struct enum_name health_actions[]; /* for option tables */

/* ---- the test --------------------------------------------------------------------------------- */

enum health_kind {
	HEALTH_TEST_INHERIT, /* nothing said: the image's */
	HEALTH_TEST_NONE,    /* switched off */
	HEALTH_TEST_CMD,     /* a program in the container */
	HEALTH_TEST_SHELL,   /* a line for the container's shell */
	HEALTH_TEST_HTTP,    /* a request made from outside, inside the network namespace */
	HEALTH_TEST_TCP,     /* a connection, in the same way */
};

/* Where an HTTP or TCP probe goes to. */
struct health_target {
	struct sockaddr_storage address;
	socklen_t address_len;
	char *authority; /* "localhost:8080", for the Host header and for people; owned */
	char *path;      /* with query; owned; HTTP only */
};

struct health_test {
	enum health_kind kind;
	struct strv args; /* CMD: the program's; SHELL: what is put behind the shell's */
	struct health_target target;
};

void health_test_fini(struct health_test *test);

/*
 * The list form that images, compose files and the API have: [] (inherit), ["NONE"], ["CMD", ...],
 * ["CMD-SHELL", LINE], ["HTTP", "[http://][HOST][:PORT][/PATH]"], ["TCP", "[HOST:]PORT"].  HOST is a
 * literal address or "localhost", which it is by default; a bare number is a port.  -EINVAL.
 */
int health_test_parse(const struct strv *list, struct health_test *ret, struct error *err);

/* The same list again, added to @ret; an inherited test is the empty one. */
void health_test_format(const struct health_test *test, struct strv *ret);

/* ---- the configuration ------------------------------------------------------------------------ */

struct health_config {
	struct health_test test;
	int64_t interval_ns, timeout_ns, start_period_ns, start_interval_ns; /* 0: the default */
	int retries;                                                         /* 0: 3 */
	bool has_docker_clock;
	enum health_action action; /* when it becomes unhealthy */
};

void health_config_fini(struct health_config *config);

/* Somebody said something; else all is the image's. */
bool health_config_is_set(const struct health_config *config);

/* Refuses what docker refuses (less than 1 ms, negative retries), and fills in the defaults. */
int health_config_complete(struct health_config *config, struct error *err);

/*
 * What counts for a container: what was asked for, the image's (NULL: there is none) where nothing
 * was said, the defaults for the rest.  *ret is the caller's to free.
 */
struct image_healthcheck;
int health_config_resolve(const struct health_config *asked, const struct image_healthcheck *image,
			  struct health_config *ret, struct error *err);

/* ---- the state -------------------------------------------------------------------------------- */

#define HEALTH_LOG        5
#define HEALTH_OUTPUT_MAX 4096

/* What one probe found. */
struct health_result {
	int64_t begin_ns, end_ns; /* since the epoch, for people */
	int exit_code;            /* 0: well; -1: none, see @output */
	char *output;             /* owned */
};

struct health {
	const struct health_config *config; /* borrowed; completed; NULL: no healthcheck */
	enum health_state state;
	int failing_streak;
	struct health_result log[HEALTH_LOG]; /* the oldest first */
	size_t n_log;

	/* In ns since the container's start. */
	int64_t due;   /* when docker would look next */
	int64_t next;  /* when we do */
	int64_t pause; /* the last one, while it is starting */
};

void health_fini(struct health *health);

/* The container has been started (again): what was found before stays in the log. */
void health_start(struct health *health);

/* The monitor goes on after a pause, at @now. */
void health_resume(struct health *health, int64_t now);

/* How long from @now to the next probe; 0: at once. */
int64_t health_delay(const struct health *health, int64_t now);

struct health_verdict {
	bool is_changed;           /* health->state is another one */
	enum health_action action; /* what is to be done now */
};

/* A probe that ran from @begin to @end has found @result, which is taken over. */
struct health_verdict health_probed(struct health *health, int64_t begin, int64_t end,
				    struct health_result *result);

/* As `inspect` shows it: {"Status", "FailingStreak", "Log"}.  The caller owns it. */
json_t *health_to_json(const struct health *health);
