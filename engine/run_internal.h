/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

#include "engine/run.h"

/* run_network.c: the networks of a container, as stages of run.c. */

/* Leases an address in each, and the host's ports. */
int run_reserve(struct run *run, struct error *err);

/* For struct container_request: while init does its part. */
int run_attach(void *arg, pid_t pid, int netns_fd, struct error *err);

/* It is about to start: as a replica of its service it is ready, unless its health has to be seen. */
int run_offer(struct run *run, struct error *err);

/* Whatever there is of all that; goes on after a failure. */
int run_release(struct run *run, struct error *err);

void run_forget_networks(struct run *run);

/* The endpoint that the default route goes by, or the first, or NULL. */
const struct endpoint *run_main_endpoint(const struct run *run);
