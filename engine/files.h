/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/fd.h"

struct bundle_files;
struct bundle_mounts;
struct in_addr;
struct run_options;

/* What a container sees of files of ours: /etc/hosts and its like, volumes, the init of --init. */
struct files {
	const struct run_options *options;
	const char *hostname;
	const struct in_addr *addresses; /* its own */
	size_t n_addresses;
	const struct in_addr *gateway; /* NULL: none */
	bool has_resolver;             /* it is asked for names, engine/resolver.h */
	bool has_host_network;         /* the host's files are right for it, then */
};

/* The contents of /etc/hosts, hostname, resolv.conf; owned by the caller. */
void files_make(const struct files *files, struct bundle_files *ret);

/*
 * What is bound and may be made, as far as it is missing: directories, volumes among them, and files
 * that have a content.  @volumes, where those with names are, is made for root alone: what a container
 * leaves there may be set-user-ID.
 */
int files_make_sources(const struct bundle_mounts *mounts, const char *volumes, struct error *err);

struct bundle_device;

/* The host's device nodes, as --privileged gives them; the array and its paths are the caller's. */
int files_list_devices(struct bundle_device **ret, size_t *ret_n, struct error *err);
void files_free_devices(struct bundle_device *devices, size_t n);

/* The program for --init: beside our own or where it is installed.  Owned by the caller. */
int files_find_init(char **ret, struct error *err);
