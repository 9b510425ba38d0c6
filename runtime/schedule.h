/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

struct spec_process;

/* process.ioPriority and process.scheduler: -EINVAL names what is wrong with them.  Pure. */
int schedule_check(const struct spec_process *process, struct error *err);

/* Applies them to the calling process. */
int schedule_apply(const struct spec_process *process, struct error *err);
