/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "engine/control.h"
#include "engine/options.h"
#include "engine/record.h"

/*
 * What can be changed of a container that has been made.  Of one that runs, its supervisor does it,
 * since nobody else writes its record then; it gets the change by its control socket.
 */
enum change_kind {
	CHANGE_CONNECT = 1, /* to options.networks[0] */
	CHANGE_DISCONNECT,  /* from options.networks[0] */
	CHANGE_LIMITS,      /* those of @limits; and the labels that are given */
};

/* Members of the options.  0 or NULL takes the limit away, but for the two cpusets. */
enum change_limit {
	LIMIT_MEMORY = 1 << 0,
	LIMIT_MEMORY_RESERVATION = 1 << 1,
	LIMIT_MEMORY_SWAP = 1 << 2,
	LIMIT_CPUS = 1 << 3,
	LIMIT_CPU_SHARES = 1 << 4,
	LIMIT_CPUSET_CPUS = 1 << 5,
	LIMIT_CPUSET_MEMS = 1 << 6,
	LIMIT_PIDS = 1 << 7,
	LIMIT_RESTART = 1 << 8,
};

struct container_change {
	enum change_kind kind;
	unsigned int limits;
	struct run_options options; /* what it is changed to: those of @kind only; owned */
};
void change_fini(struct container_change *change);
#define auto_change __attribute__((cleanup(change_fini)))

/*
 * For struct control_message of CONTROL_CHANGE: *ret_fd (owned by the caller) goes with it.  And back;
 * *ret is the caller's to change_fini(), always.
 */
int change_pack(const struct container_change *change, struct control_message *ret, int *ret_fd,
		struct error *err);
int change_unpack(const struct control_message *message, int fd, struct container_change *ret,
		  struct error *err);

/*
 * Changes what the record says, which on failure is as good as gone.  -EEXIST if it is in that
 * network already, -ENOENT if it is not, -EINVAL if it can be in none, or limits contradict each
 * other.
 */
int change_record(struct record *record, const struct container_change *change, struct error *err);

/* What has to be written to a group so that it has the limits of a record that was changed. */
struct cgroup_resources;
int change_resources(const struct record *record, const struct container_change *change,
		     struct cgroup_resources *ret, struct error *err);
