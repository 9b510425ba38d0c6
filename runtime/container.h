/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/str.h"

/*
 * The verbs of an OCI runtime (runtime-spec runtime.md "Operations") on containers whose state is
 * kept below a state root, one directory each: <root>/<id>/state.json.  The record is written
 * before the first side effect and says what may have been made (P3), so that container_delete()
 * with @force works whatever the moment at which a creator died.
 *
 * Used by the OCI command line and by the engine, which is the parent of its containers.
 */

enum container_status {
	CONTAINER_CREATING,
	CONTAINER_CREATED,
	CONTAINER_RUNNING,
	CONTAINER_PAUSED,
	CONTAINER_STOPPED,
};
const char *container_status_name(enum container_status status);

/* An overlay as the root file system, mounted inside the container's mount namespace only: it
 * vanishes with it.  Paths are the host's. */
struct container_overlay {
	const struct strv *lower; /* absolute layer directories, lowest first */
	const char *upper, *work; /* NULL: read-only overlay */
};

struct spec;
struct cgroup;

/* In struct container_request, @stdio. */
#define CONTAINER_STDIO_INHERIT (-1) /* the caller's own */
#define CONTAINER_STDIO_NULL    (-2) /* the container's /dev/null: the host's stays out of reach */

struct container_request {
	const char *id;
	const char *root;   /* state root, absolute */
	const char *bundle; /* directory that relative paths start from, absolute */
	struct spec *spec;  /* taken over; NULL: <bundle>/config.json */
	const struct container_overlay *overlay; /* NULL: root.path of the config as it is */

	const char *console_socket; /* OCI: where the pty master is sent; NULL */
	const char *pid_file;       /* written (no newline) before create returns; NULL */
	bool uses_fifo;             /* another process will start it: the gate is exec.fifo */
	int preserve_fds;           /* this many fds from 3 on stay open in the container */
	bool no_pivot, no_new_keyring;
	bool uses_systemd; /* cgroupsPath names a scope, which systemd makes */

	int stdio[3];           /* the container's, borrowed; or CONTAINER_STDIO_* */
	bool wants_pty_fd;      /* process.terminal: hand the pty master to the caller (engine) */
	bool dies_with_creator; /* it is killed when the process that created it ends */
	const char *cache_dir;  /* for compiled seccomp programs; NULL: <root>/.cache */

	/*
	 * Called once the namespaces exist and while init builds its root file system: the engine
	 * attaches the network here.  @netns_fd is borrowed; -1 if the container has none of its own.
	 */
	int (*on_namespaces)(void *arg, pid_t pid, int netns_fd, struct error *err);
	void *arg;
};

/* A container that this process created. */
struct container {
	pid_t pid;
	int pidfd;
	int pty;        /* master, if wants_pty_fd; else -1 */
	int start_gate; /* what container_start_created() opens; owned */
	char *cgroup_path;
	bool has_late_hooks;   /* poststart, poststop: they are in the record */
	struct cgroup *cgroup; /* owned */
	dev_t state_dev;       /* the state directory, to be told from another one of that id */
	ino_t state_ino;
};
void container_fini(struct container *container); /* closes; ends nothing */

/*
 * Creates: on return init waits at the start gate in its final cgroup with everything set up, and
 * the program to be run is known to exist (else err->status is 127 or 126).  On failure nothing is
 * left.  The container is a child of the calling process.
 */
int container_create(const struct container_request *request, struct container *ret,
		     struct error *err);

/* Starts one that this process created / that any process created.  Returns when execve has
 * succeeded or failed (its error then: err->status 126 or 127). */
int container_start_created(struct container *container, const char *root, const char *id,
			    struct error *err);
int container_start(const char *root, const char *id, struct error *err);

struct container_state {
	char *id, *bundle, *rootfs, *cgroup_path, *owner;
	char *unit; /* of systemd, which keeps its cgroup; NULL: none */
	enum container_status status;
	pid_t pid; /* 0 when stopped */
	uint64_t start_time;
	int64_t created_ns; /* CLOCK_REALTIME */
	struct strv annotations;
};
void container_state_fini(struct container_state *state);

/* The group that a container is in; the caller frees. */
int container_cgroup_open(const struct container_state *state, struct cgroup **ret,
			  struct error *err);

/* 1 and *ret, 0 if there is no such container, or a negative errno. */
int container_state(const char *root, const char *id, struct container_state *ret,
		    struct error *err);

/* -ESRCH "container not running" if it has ended; "container does not exist" if unknown. */
int container_kill(const char *root, const char *id, int signal, bool is_all, struct error *err);

/* Removes what is left of it: processes (with @force), cgroup, state directory.  Unknown with
 * @force: 0.  Not stopped without @force: an error that says so. */
int container_delete(const char *root, const char *id, bool force, struct error *err);

/*
 * The same as container_delete() with @force for one that this process created and whose end it has
 * waited for: without asking again where everything is.
 */
int container_delete_created(const struct container *container, const char *root, const char *id,
			     struct error *err);

int container_pause(const char *root, const char *id, bool is_paused, struct error *err);

/* Ids of all containers below @root. */
int container_list(const char *root, struct strv *ret, struct error *err);
