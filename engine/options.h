/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/parse.h"
#include "base/str.h"
#include "engine/health.h"
#include "engine/restart.h"

/* A network that a container is to be in. */
struct network_request {
	char *name;          /* "bridge", "host", "none", or that of a network */
	struct strv aliases; /* further names of it there */
	char *address;       /* IPv4, asked for; NULL: any */
};

/*
 * What `minictr run` and a compose service both fill.  All members are owned; zero-initialised is
 * "nothing asked for".  Texts are parsed by the command line already where a number is kept.
 */
struct run_options {
	char *image;         /* reference, or NULL with @rootfs */
	char *rootfs;        /* --rootfs DIR */
	struct strv command; /* empty: the image's */

	char *name, *hostname;
	struct strv env; /* NAME=VALUE, --env-file and -e merged in order */
	struct strv labels;
	char *workdir, *user;
	bool has_entrypoint;
	struct strv entrypoint; /* has_entrypoint and empty: cleared */

	bool is_interactive, has_tty, is_removed_at_end, is_detached, has_init;
	bool is_read_only, is_privileged;
	char *stop_signal;
	int stop_timeout; /* seconds; 0: 10 */
	struct restart_config restart;
	struct health_config health; /* not completed: what is not said is the image's */

	struct mount_request *mounts; /* -v, --mount, --tmpfs */
	size_t n_mounts;
	uint64_t shm_size; /* bytes; 0: 64 MiB */

	uint64_t memory; /* bytes; 0: no limit */
	uint64_t memory_reservation;
	bool has_memory_swap;
	int64_t memory_swap; /* bytes, memory included; -1: unlimited */
	int64_t cpus_nano;   /* billionths of a CPU; 0: no limit */
	uint64_t cpu_shares;
	char *cpuset_cpus, *cpuset_mems;
	bool has_pids_limit;
	int64_t pids_limit;
	struct rlimit_text *ulimits;
	size_t n_ulimits;
	bool has_oom_score_adj;
	int oom_score_adj;

	struct strv cap_add, cap_drop;
	char *seccomp; /* file, "unconfined", or NULL: the default */
	bool no_new_privileges;
	struct strv sysctls; /* "key=value" */

	/*
	 * Whose replica it is: of a project's service.  It is found by the service's name and shares
	 * published ports with the other replicas, while it is ready; in isolated networks @allows
	 * names who may connect to it, "SERVICE:PORT[/PROTOCOL]".
	 */
	char *project, *service;
	struct strv allows;

	struct network_request *networks; /* eth0, eth1 and so on; none: bridge */
	size_t n_networks;
	struct port_mapping *ports;
	size_t n_ports;
	bool has_no_log;       /* --log-driver none */
	uint64_t log_max_size; /* bytes; 0: 10 MB */
	int log_max_files;     /* 0: 5 */
	struct strv dns, dns_search, dns_options, extra_hosts;
};

/* Adds one; the request stays @o's. */
struct network_request *run_options_add_network(struct run_options *o, const char *name);

void run_options_remove_network(struct run_options *o, size_t at);

/* True if it is in this one alone, as with "host" and "none". */
bool run_options_is_network(const struct run_options *o, const char *name);

void run_options_fini(struct run_options *o);
