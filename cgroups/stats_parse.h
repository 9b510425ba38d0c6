/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Readers of the formats of cgroup-v2.rst, "Format", which v1 shares.  Pure. */

/* "KEY VALUE\n..." (flat keyed): true if @key is there. */
bool cgroup_key_value(const char *text, const char *key, uint64_t *ret);

/* A single value; "max", and what v1 shows for no limit, is UINT64_MAX. */
uint64_t cgroup_single_value(const char *text);

/* "8:0 rbytes=1 wbytes=2\n..." (nested keyed): the sum of @key over all lines. */
uint64_t cgroup_nested_sum(const char *text, const char *key);

/* v1 blkio: "8:0 Read 123\n...Total 456": the sum of @operation over all devices. */
uint64_t cgroup_blkio_sum(const char *text, const char *operation);
