/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

struct spec_process;

/* process.ioPriority, scheduler and execCPUAffinity: -EINVAL names what is wrong with them.  Pure. */
int schedule_check(const struct spec_process *process, struct error *err);

/* Applies the first two to the calling process; CPUs are for whoever executes another one. */
int schedule_apply(const struct spec_process *process, struct error *err);
