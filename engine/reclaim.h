/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "engine/dirs.h"
#include "engine/networks.h"

/*
 * Addresses and ports that nobody has any more are given back: those of containers whose supervisors
 * were killed, and leases without a container.  These are what a crash of the machine leaves of a
 * container that is not to be kept, whose record is not waited for to be on the disk.
 *
 * Waits for nobody.  What cannot be given back is said, and stays.
 */
void reclaim_leases(const struct engine_dirs *dirs, const struct networks *networks);

/* The same, once after each start of the machine. */
void reclaim_after_boot(const struct engine_dirs *dirs, const struct networks *networks);
