/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "compose/execute.h"

/*
 * Looks after the health of services that have started, for as long as others wait for it, or the
 * command for all of them: keeps service_facts.is_healthy true to what the supervisors tell.
 */

/* Looks at what is to be watched by now.  True: a fact is another one, or something has failed. */
bool vigil_keep(struct execution *x);

/* The command waits for a service that is not yet ready. */
bool vigil_is_waiting(const struct execution *x);

/* Time is up: shows what the first service that is waited for lacks, and says so in @err. */
void vigil_give_up(struct execution *x, int64_t waited_ns, struct error *err);

void vigil_end(struct execution *x);
