/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "compose/model.h"

/*
 * What has to be done so that a machine has what a project says, and why.  Pure: what exists comes
 * in as the containers' labels and records tell it, what comes out is data, for people
 * (`up --dry-run`) as much as for the one who does it.
 */

/* A container of the project.  All borrowed. */
struct existing {
	const char *name;
	const char *service; /* the label; it may be none of the project any more */
	int number;          /* from 1 */
	bool is_running;
	const char *config;   /* JSON: service_config() as it was when it was made; NULL: unknown */
	const char *hash;     /* service_hash() of then; NULL: unknown */
	const char *image_id; /* NULL: unknown */
};

/* A network or volume of the project's that is there. */
struct existing_thing {
	const char *name; /* on the machine */
	const char *hash; /* of a network; NULL: unknown, and taken as it is */
};

struct diff_input {
	const struct existing *containers;
	size_t n_containers;
	const struct existing_thing *networks, *volumes;
	size_t n_networks, n_volumes;
	const char *const *image_ids; /* by service: what its image is now; NULL: not looked at */
	const bool *wanted;           /* by service; NULL: all */
	bool recreates_all;           /* --force-recreate */
	bool recreates_none;          /* --no-recreate */
	bool removes_orphans;
};

enum action_kind {
	ACTION_CREATE_NETWORK,
	ACTION_RECREATE_NETWORK, /* behind it, all containers on it are recreated */
	ACTION_CREATE_VOLUME,
	ACTION_CREATE,   /* a container, and start it */
	ACTION_RECREATE, /* stop, remove, create, start */
	ACTION_UPDATE,   /* change what can be changed while it runs */
	ACTION_START,
	ACTION_RESTART, /* what it depends on was recreated */
	ACTION_STOP,
	ACTION_REMOVE, /* stop it first */
};

struct action {
	enum action_kind kind;
	size_t index;        /* of the service, network or volume; SIZE_MAX: an orphan */
	int number;          /* of a container */
	const char *name;    /* of the container that exists; NULL if it is created */
	struct strv reasons; /* "environment.PORT", "image", "scale": owned; may be empty */
};

struct diff {
	struct action *actions; /* networks, volumes, then services in the order of graph.h */
	size_t n;
	struct strv orphans; /* containers of services that the project does not have (any more) */
};

void diff_fini(struct diff *plan);
#define auto_diff __attribute__((cleanup(diff_fini)))

/* `up`: nothing in the plan is "nothing to do". */
int diff_up(const struct project *project, const struct diff_input *input, struct diff *ret,
	    struct error *err);

/* `stop`, and `down`: what depends on others first. */
int diff_stop(const struct project *project, const struct diff_input *input, struct diff *ret,
	      struct error *err);
int diff_down(const struct project *project, const struct diff_input *input, struct diff *ret,
	      struct error *err);

/* "create", "recreate", ... */
const char *action_name(enum action_kind kind);

/*
 * The keys that differ between two configurations (service_config()), by name; returns what the
 * most serious of them takes.
 */
enum change { DIFF_SAME, DIFF_UPDATES, DIFF_RECREATES };
enum change diff_config(const struct node *old, const struct node *now, struct strv *keys);
