/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

struct plan_mount;

/*
 * A user namespace with the mappings of an idmapped mount, for mount_setattr(2).  No process is in
 * it when this returns.  The caller owns the descriptor.
 */
int idmap_open(const struct plan_mount *mount, struct error *err);
