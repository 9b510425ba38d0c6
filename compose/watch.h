/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "compose/execute.h"

/* The end of services that have started, as others wait for it (service_completed_successfully). */

/* Begins to watch what is to be watched by now. */
void watches_begin(struct execution *x);

/* Somebody waits for what one of them sees. */
bool watches_are_running(const struct execution *x);

void watches_end(struct execution *x);
