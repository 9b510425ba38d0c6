/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "compose/execute.h"

/* watch.c -> execute.c */

/* Something has failed: what has not begun is left out; the first failure is the one that counts. */
void execution_fail(struct execution *x, const struct error *err);

/* Something is known that others may wait for. */
void execution_advance(struct execution *x);
