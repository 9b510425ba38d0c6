/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "base/fd.h"

/*
 * What a process that reads a stranger's bytes gives up before it does.  After confine_enter() it
 * sees one directory and has few capabilities; after confine_seal() it has few system calls left.
 * What it needs beyond that, it has open.
 */
enum confine_role {
	CONFINE_KEEPER, /* mounts for the others and names what they made; parses nothing */
	CONFINE_READER, /* archive and documents: reads only */
	CONFINE_UNPACKER,
};

/*
 * Enters a mount namespace of its own whose only mount is @root (for the reader: read-only), and
 * keeps the role's capabilities, with no_new_privs and the role's resource limits.  Only the calling
 * thread: threads are started after it.  Returns a descriptor of the new root, owned by the caller.
 *
 * @output: bytes that the role may write to one file.
 */
int confine_enter(enum confine_role role, const struct dir *root, uint64_t output,
		  struct error *err);

/*
 * Loads the role's list of system calls, in all threads; anything else kills the process from now
 * on.  The keeper has no list.
 */
int confine_seal(enum confine_role role, struct error *err);
