/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/fd.h"
#include "image/load.h"
#include "image/stream.h"

struct platform;

/*
 * Three kinds of process make a load, and talk over SEQPACKET pairs in messages of one form:
 *
 *   keeper    was called; has the privileges; parses nothing.  load.c
 *   reader    reads the archive's documents, and says which layers and blobs there are.  load_read.c
 *   unpacker  one for each layer, as many at a time as there are processors.  load_unpack.c
 *
 *   reader   -> keeper  LAYER (with the file that it is in), for each, the largest first; WAITING
 *   keeper   -> reader  LAYER_DONE for each, not before WAITING
 *   unpacker -> keeper  OPAQUE (with a directory) any number of times, LAYER_DONE
 *   reader   -> keeper  BLOB (with a file) for each manifest and config, RESULT (with a file)
 *   both     -> keeper  FAILED, instead of anything else
 *
 * In a pull the reader is minictr-registry, which the keeper has not started:
 *
 *   reader   -> keeper  WANT for each layer, then WAITING
 *   keeper   -> reader  for each: GET (with a file for the blob, which may have its beginning, and
 *                       the end of a pipe into which a byte is written when there is more of it), if
 *                       it is to be fetched; LAYER_DONE in the end
 */
enum load_kind {
	LOAD_LAYER,
	LOAD_WAITING,
	LOAD_LAYER_DONE,
	LOAD_OPAQUE,
	LOAD_BLOB,
	LOAD_RESULT,
	LOAD_FAILED,
	LOAD_WANT,
	LOAD_GET,
};

struct load_message {
	enum load_kind kind;
	uint32_t layer;            /* the reader's number of it */
	struct stream_blob blob;   /* LAYER, LAYER_DONE, BLOB, RESULT; its fd is sent beside it */
	uint64_t unpacked;         /* LAYER_DONE: bytes of its files */
	enum inflate_kind packing; /* LAYER_DONE: what the blob is */
	struct error err;          /* FAILED */
};

int load_send(int sock, const struct load_message *message, int fd, struct error *err);

/* 1, or 0 if the other side has closed.  *ret_fd is owned by the caller, -1 if none came. */
int load_receive(int sock, struct load_message *ret, int *ret_fd, struct error *err);

/* The same with several. */
#define LOAD_MAX_FDS 2
int load_send_fds(int sock, const struct load_message *message, const int *fds, size_t n,
		  struct error *err);
int load_receive_fds(int sock, struct load_message *ret, int ret_fds[LOAD_MAX_FDS],
		     struct error *err);

/* Sends a text as a file without a name. */
int load_send_text(int sock, enum load_kind kind, const char *text, size_t len, const char *digest,
		   struct error *err);

/* Tells the keeper why it is over; for the end of a process. */
void load_send_failure(int sock, const struct error *err);

/* The reader's life, confined to @root; @sock leads to the keeper. */
struct load_reader {
	struct dir root; /* an empty directory; closed by load_read(), as by load_unpack() */
	int sock, input, spool;
	bool is_for_others;
};
int load_read(struct load_reader *reader, struct error *err);

/* The unpacker's life, confined to @root: the layer's directory. */
struct load_unpacker {
	struct dir root;
	int sock;
	struct load_message layer;
	bool is_known; /* the layer is in the store: its blob is verified, and not unpacked */
	int copy_fd;   /* where the blob is kept; -1: it is in the store */
};
int load_unpack(struct load_unpacker *unpacker, struct error *err);

/* ---- children.  load_child.c ----------------------------------------------------------------- */

#define LOAD_FOREIGN (-1)

struct load_child {
	pid_t pid; /* 0: none; LOAD_FOREIGN: not our child */
	int sock;
};

/*
 * Forks; in the child only 0, 1, 2 and @fds (of which -1 is none) stay open, @run is its life, and a
 * failure of it is sent through the socket.  The child dies with us.
 */
int load_child_start(struct load_child *child, const int *fds, size_t n_fds,
		     int (*run)(void *arg, int sock, struct error *err), void *arg,
		     struct error *err);

/* Ends it by force, if it runs. */
void load_child_kill(struct load_child *child);

/* For one that has closed its socket: waits for its end; a bad one is an error that names @who. */
int load_child_wait(struct load_child *child, const char *who, struct error *err);
