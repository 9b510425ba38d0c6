/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "compose/tree.h"
#include "engine/health.h"
#include "engine/restart.h"

/*
 * A project as it is meant: files read, merged, variables replaced, names resolved, everything that
 * can be wrong without looking at the machine checked.  Structs hold what compose/ itself works
 * with; what a container is made of stays in the tree, from which options.h reads it.
 */
enum condition { CONDITION_STARTED, CONDITION_HEALTHY, CONDITION_COMPLETED };

struct dependency {
	size_t service; /* index in the project */
	enum condition condition;
	bool is_required; /* else what depends starts whatever becomes of it */
	bool restarts;    /* with it */
	const struct node *node;
};

struct attachment {
	size_t network;          /* index in the project */
	struct strv aliases;     /* the service's name among them */
	const char *ipv4, *ipv6; /* NULL: leased */
	int64_t priority;        /* the highest is the default route */
	const struct node *node;
};

/* x-allow: who may connect to which port of the service where networks are isolated. */
struct allow_rule {
	size_t from; /* service */
	uint16_t port, count;
	uint8_t protocol; /* IPPROTO_... */
};

struct service {
	const char *name;  /* of the tree, as all texts here that are const */
	struct node *node; /* canonical, in the project's tree */
	const char *image; /* NULL: it has 'build' only */
	const char *container_name;
	const char *network_mode; /* NULL: @networks */
	const char *pull_policy;
	int replicas;
	struct dependency *depends;
	size_t n_depends;
	struct attachment *networks;
	size_t n_networks;
	struct allow_rule *allows;
	size_t n_allows;
	struct health_config health; /* not completed: what is not said is the image's */
	enum restart_policy restart;
	int restart_max;       /* of RESTART_ON_FAILURE; 0: no limit */
	int64_t stop_grace_ns; /* 10 s if nothing is said */
	char hash[65];         /* of what a container of it is made of */
};

struct network {
	const char *key;  /* in the file */
	const char *name; /* on the machine */
	const struct node *node;
	bool is_external, is_internal, is_isolated, is_used;
	char hash[65];
};

struct volume {
	const char *key;
	const char *name;
	const struct node *node;
	bool is_external, is_used;
};

/* A secret or config. */
struct grant_source {
	const char *key;
	const struct node *node;
	const char *file;    /* absolute; or */
	const char *content; /* as it stands, or the value of a variable */
};

struct project {
	const char *name;
	char *directory;
	struct strv files; /* places in the tree point here */
	struct strv env;   /* what variables were taken from */
	struct strv warnings;
	struct strv inactive; /* services left out by their profiles */
	struct node *tree;    /* canonical, whole */
	struct service *services;
	size_t n_services;
	struct network *networks;
	size_t n_networks;
	struct volume *volumes;
	size_t n_volumes;
	struct grant_source *secrets, *configs;
	size_t n_secrets, n_configs;
};

/* How the files of a project are read; @name is for messages of err. */
typedef int project_reader(void *data, const char *path, char **ret, size_t *ret_len,
			   struct error *err);

struct project_input {
	struct strv files;    /* paths as they were given; "-": standard input */
	char *directory;      /* absolute: what paths in files are relative to */
	char *name;           /* -p; NULL: from the files, or the directory */
	struct strv env;      /* NAME=VALUE: the caller's, then .env */
	struct strv profiles; /* "*": all */
	struct strv services; /* named by the user: active whatever their profiles */
	project_reader *read;
	void *read_data;
};

void project_input_fini(struct project_input *input);

/* -EINVAL with the place of what is wrong.  On failure @ret has its warnings all the same. */
int project_load(const struct project_input *input, struct project *ret, struct error *err);
void project_fini(struct project *project);

#define auto_project __attribute__((cleanup(project_fini)))

/* The index of a service; -1: none of that name is active. */
ssize_t project_find(const struct project *project, const char *service);

/* up --scale SERVICE=N. */
int project_scale(struct project *project, const char *service, int replicas, struct error *err);

/* "[a-z0-9][a-z0-9_-]*": what a project may be called. */
bool is_project_name(const char *text);

/* Lower case, what does not belong left out; caller frees; "" if nothing is left. */
char *project_name_of(const char *directory);
