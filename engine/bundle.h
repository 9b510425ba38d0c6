/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

struct image;
struct run_options;
struct spec;

/*
 * What an image says about running it and what the user asked for -> what the runtime is to do, by
 * docker's rules.  Pure: what has to be known of the host is in the input.
 *
 * The result is a struct spec and no config.json: arguments and environment are bytes and need not
 * be UTF-8, which JSON could not carry.
 */
struct bundle_input {
	const struct run_options *options;
	const struct image *image;           /* NULL: --rootfs */
	const char *name;                    /* of the container */
	const char *rootfs;                  /* absolute: what is mounted on, or is, the root */
	const char *hostname;                /* of the container */
	const char *place;                   /* the container's directory */
	const char *volumes;                 /* directory of the named volumes */
	const char *init;                    /* the program for --init */
	const struct bundle_files *files;    /* NULL: none are mounted */
	unsigned int n_cpus;                 /* that the host has online; 0: not known */
	uint16_t columns, rows;              /* of the terminal; 0: not known */
	const struct strv *all_caps;         /* what "ALL" is: the bounding set */
	const struct bundle_device *devices; /* the host's, for --privileged */
	size_t n_devices;
};

/* Contents of files in /etc; all are given. */
struct bundle_files {
	char *hosts, *hostname, *resolv_conf;
};
void bundle_files_fini(struct bundle_files *files);

struct bundle_device {
	char *path;
	bool is_block;
	unsigned int major, minor, mode, uid, gid;
};

/* A mount that was asked for, by the user or (as an anonymous volume) by the image. */
struct bundle_mount {
	char *target;
	char *source; /* NULL: a tmpfs, or only a text */
	char *text;   /* a file with this content; kept at @source, or nowhere if that is NULL */
	struct strv options;
	bool is_source_made; /* the source is a directory to be made if it is missing */
	bool is_copied_up;   /* a new volume begins as a copy of what it covers */
};

struct bundle_mounts {
	struct bundle_mount *items; /* those nearer to the root first */
	size_t n;
};

void bundle_mounts_resolve(const struct bundle_input *in, struct bundle_mounts *ret);
void bundle_mounts_fini(struct bundle_mounts *mounts);

/* Entry point and command; -EINVAL if there is none. */
int bundle_command(const struct run_options *options, const struct image *image, struct strv *ret,
		   struct error *err);

/* The capabilities of the container: docker's rules for --cap-add, --cap-drop and ALL. */
void bundle_caps(const struct run_options *options, const struct strv *all, struct strv *ret);

/* The process alone; *ret is the caller's to free, on failure too. */
struct spec_process;
int bundle_process(const struct bundle_input *in, struct spec_process *ret, struct error *err);

/*
 * The whole.  Seccomp rules are the caller's, as a profile is a file.  On failure (-EINVAL, named as
 * the option) *ret is empty.
 */
int bundle_make(const struct bundle_input *in, const struct bundle_mounts *mounts, struct spec *ret,
		struct error *err);

/* Where the init of --init is inside. */
#define BUNDLE_INIT "/dev/init"

/* The limits of these options, added to @ret, which is the caller's to free, always.  Pure. */
struct cgroup_resources;
int bundle_limits(const struct run_options *options, unsigned int n_cpus,
		  struct cgroup_resources *ret, struct error *err);
