/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "base/error.h"

struct bpf_insn;

/*
 * Loads @insns as a device filter (BPF_PROG_TYPE_CGROUP_DEVICE, bpf(2)) and attaches it to the
 * cgroup2 directory @cgroup_fd beside what is attached already.  The cgroup keeps it alive.
 */
int sys_bpf_attach_devices(int cgroup_fd, const struct bpf_insn *insns, size_t n,
			   struct error *err);
