/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

/*
 * Our stdin and stdout <-> a container's terminal, whose master end is @master, until the process
 * @pidfd (which the caller then waits for) has ended and all that it wrote is out.
 *
 * If our stdin is a terminal, it is raw meanwhile, and the size of the container's follows it.
 * Signals that forward_block() has blocked are passed on.
 */
int relay_terminal(int master, int pidfd, struct error *err);
