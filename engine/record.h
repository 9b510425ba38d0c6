/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/parse.h"
#include "base/str.h"
#include "engine/dirs.h"
#include "engine/options.h"

/*
 * What is known of a container, and who has which name.  See the head of record.c for what is
 * written when, and why that survives the death of any process and of the machine.
 */
#define RECORD_ID_LEN    64
#define RECORD_SHORT_LEN 12

struct record {
	char id[RECORD_ID_LEN + 1];
	char *name;
	char *image;         /* as it was asked for; the directory of --rootfs */
	char *image_id;      /* NULL with --rootfs */
	struct strv layers;  /* directory names in the store, lowest first */
	struct strv command; /* entry point included */
	struct strv labels;
	struct strv networks;  /* of eth0, eth1 and so on; or "host" or "none" alone */
	struct strv addresses; /* the last one in each, to be asked for again; "" */
	struct port_mapping *ports;
	size_t n_ports;
	uint64_t memory; /* limit in bytes; 0: none */
	char *stop_signal;
	int stop_timeout; /* seconds */
	bool is_removed_at_end;
	int64_t created_ns; /* CLOCK_REALTIME */

	/*
	 * What it was asked for, without is_detached: with the image by its id, or the directory of
	 * --rootfs, this makes the same container again.
	 */
	struct run_options options;

	/* Its supervisor: one process of one boot. */
	pid_t supervisor;
	uint64_t supervisor_start;
	char boot_id[37];

	/* Somebody wanted the last end (stop, kill): it is not started again when the machine is. */
	bool is_stopped;
	int restart_count; /* by its policy, since somebody started it */

	/* Once it has ended, the last time. */
	bool has_ended;
	bool is_restarting; /* its supervisor is about to start it again */
	int exit_code;
	bool is_oom_killed;
	int64_t started_ns, ended_ns; /* when it runs, the runtime's state tells since when */
	char *failure;                /* why it could not be started; NULL */
};

void record_fini(struct record *record);
#define auto_record __attribute__((cleanup(record_fini)))

/* 256 random bits. */
int record_make_id(char ret[RECORD_ID_LEN + 1], struct error *err);

/*
 * This process is its supervisor from now on; nothing has ended.  Fills created_ns too if that is
 * not yet known.
 */
int record_begin(struct record *record, struct error *err);

/* A container's directory, open; locked by its supervisor for as long as that lives. */
struct record_place {
	struct dir dir; /* fd owned */
	char *path;     /* owned; what dir.path is */
};
void record_place_close(struct record_place *place);

/*
 * The same by who holds the lock: it is free then, even if a child that has not got to its execve(2)
 * has a copy of the descriptor.
 */
void record_place_leave(struct record_place *place);
#define RECORD_NO_PLACE      \
	{                    \
		.dir.fd = -1 \
	}
#define auto_place __attribute__((cleanup(record_place_close)))

/*
 * Claims the name by making the directory (a name is made up, and put into @record, if it has none),
 * and locks it.  -EEXIST "the name 'x' is in use by container 0123456789ab".  On failure nothing is
 * left.
 */
int record_claim(const struct engine_dirs *dirs, struct record *record, struct record_place *ret,
		 struct error *err);

/*
 * Writes record.json.  Before anything else of the container is made; durably if the container
 * is one to keep.
 */
int record_write(const struct record_place *place, const struct record *record, struct error *err);

/* -ENOENT if there is no directory, or no record in it (yet). */
int record_open(const struct engine_dirs *dirs, const char *name, struct record_place *ret,
		struct error *err);
int record_read(const struct record_place *place, struct record *ret, struct error *err);

/*
 * Renames its directory, which is what names it.  For who holds the lock of one that does not run.
 * -EEXIST as record_claim().
 */
int record_rename(const struct engine_dirs *dirs, struct record_place *place, struct record *record,
		  const char *name, struct error *err);

/* Removes the directory: the last thing that is done to a container.  Nothing there: fine. */
int record_remove(const struct engine_dirs *dirs, const char *name, struct error *err);

/*
 * Finds by name, id, or a beginning of an id that only one container has.  1 and *ret_name (owned by
 * the caller), 0 if there is none, -EINVAL if several begin so.
 */
int record_find(const struct engine_dirs *dirs, const char *text, char **ret_name,
		struct error *err);

/* Names of all containers, in no order. */
int record_list(const struct engine_dirs *dirs, struct strv *ret, struct error *err);

/* Removes the directories that dead creators left before there was a record. */
int record_sweep(const struct engine_dirs *dirs, struct error *err);

/*
 * The name of a container of the image with config @image_id, or NULL; caller frees.  One whose
 * record cannot be read may be of any image.
 */
char *record_image_user(const struct engine_dirs *dirs, const char *image_id);
