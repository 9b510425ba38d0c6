/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "engine/bundle.h"
#include "engine/dirs.h"
#include "engine/record.h"
#include "image/image.h"
#include "net/endpoint.h"
#include "runtime/container.h"

struct run_options;

/*
 * One container being made, running, and taken down again, by the process that is its parent; and
 * that any number of times.
 */
struct run {
	const struct engine_dirs *dirs;
	struct record record; /* id and what record_begin() and record_claim() fill are there */
	struct record_place place;
	bool is_again;          /* it has been made before: the record is whole, files are there */
	bool is_restart;        /* by its supervisor, who decides whether a failure is the end */
	int stdio[3];           /* for the container, borrowed; or CONTAINER_STDIO_* */
	uint16_t columns, rows; /* of its terminal; 0: not known */

	/* Valid once run_start() has succeeded. */
	struct container container;
	struct health_config health; /* completed; stays as long as the run does */

	/* Of run.c. */
	struct image image;
	int store_hold;
	bool has_leftovers; /* something could not be taken back: the record has to stay */
	char *rootfs, *hostname;
	struct strv layer_paths;
	char *upper, *work;
	struct bundle_files files;
	struct endpoint *endpoints;
	size_t n_endpoints;
	bool is_ready;             /* as a replica of its service */
	bool has_resolver;         /* its resolv.conf names ours */
	struct resolver *resolver; /* once it is attached */
	int *port_fds;             /* keep other programs off the published ports */
	size_t n_port_fds;
};

struct dir;

/* The container has networks of the engine: endpoints in them. */
bool run_has_endpoint(const struct record *record);

/*
 * Makes and starts it: stages, see the head of run.c.  On failure nothing is left (of one that is
 * made again: its record, which has ended then, and its files), and err->status is what docker's
 * users expect (127, 126).
 */
int run_start(struct run *run, struct error *err);

/*
 * Makes of it only what a later run_start() needs to make it again (is_again): it has ended then,
 * without having run.
 */
int run_create(struct run *run, struct error *err);

/* Ends one that was started, and undoes all as run_start() does on failure. */
void run_abort(struct run *run, const struct error *why);

/* It could not be made again, for a reason that comes before run_start(): that is an end, too. */
void run_note_failure(struct run *run, const struct error *failure);

/*
 * When all of the container is dead: what holds its network namespace is let go, so that this is
 * gone when run_end() looks.
 */
void run_stop_resolver(struct run *run);

/*
 * Whether connections to its service are sent to it; see endpoint_set_ready().  From its start on, if
 * it has no health check.
 */
int run_set_ready(struct run *run, bool is_ready, struct error *err);
bool run_has_health_check(const struct run *run);

struct run_ending {
	int exit_code;
	bool is_oom_killed;
	bool is_restarting; /* run_start() follows */
};

/*
 * Puts the running container into the network that its record has got as the last one: a further
 * interface, with the default route and the published ports if it had none so far.  On failure
 * run_disconnect() takes back what there is.
 */
int run_connect(struct run *run, struct error *err);

/*
 * Takes it out of one, while its record still has that.  If the default route went by it, it goes by
 * another one from then on, and so do published ports.
 */
int run_disconnect(struct run *run, const char *network, struct error *err);

/*
 * The container has ended and been waited for: releases all that it had, and its directory too or
 * what is known of its end in its record.  Goes on after a failure.  run_start() may follow.
 */
int run_end(struct run *run, const struct run_ending *ending, struct error *err);

/*
 * For others than its parent, who want to know what it was made of: fills what run_make_spec() needs
 * from dirs, record and place.
 */
int run_look(struct run *run, struct error *err);

/* What the runtime is told to make. */
struct spec;
int run_make_spec(const struct run *run, struct spec *ret, struct error *err);

/* Of that only what a further process of it needs: the process and seccomp. */
int run_make_process(const struct run *run, struct spec *ret, struct error *err);

/* What "ALL" capabilities are: what we could give, which may be less than the kernel has. */
struct strv;
void run_list_caps(struct strv *ret);

void run_fini(struct run *run);
