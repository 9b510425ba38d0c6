/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "base/str.h"

struct bpf_insn;
struct cgroup_device_rule;

/*
 * Device rules (runtime-spec config-linux.md, "Allowed Device list"): applied in order, the last
 * one that speaks of an access decides it; what no rule speaks of is denied.  Each of read, write
 * and mknod is decided by itself: a request passes if all that it asks for does.
 */

/* -EINVAL if a rule has an unknown type, number or access letter, or if there are too many. */
int cgroup_devices_check(const struct cgroup_device_rule *rules, size_t n, struct error *err);

/*
 * v1: the rules as texts for devices.allow and devices.deny: each item is "+c 1:3 rwm" or
 * "-a *:* rwm", in the order to write.  v1 keeps a set of exceptions, so a rule that takes away
 * only a part of a wider one cannot be said there: -EINVAL.  Pure.
 */
int cgroup_devices_texts(const struct cgroup_device_rule *rules, size_t n, struct strv *ret,
			 struct error *err);

/*
 * v2: a program of type BPF_PROG_TYPE_CGROUP_DEVICE.  The caller frees *ret.  Pure.
 */
int cgroup_devices_program(const struct cgroup_device_rule *rules, size_t n, struct bpf_insn **ret,
			   size_t *ret_n, struct error *err);

/* Loads that program and attaches it to the cgroup2 directory @cgroup_fd, where it stays. */
int cgroup_devices_attach(int cgroup_fd, const struct cgroup_device_rule *rules, size_t n,
			  struct error *err);
