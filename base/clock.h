/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Points in time and durations, in nanoseconds, and their texts as engines write and read them. */

int64_t clock_real_ns(void); /* since the epoch */
int64_t clock_boot_ns(void); /* since boot, suspended or not: for what is to happen later */

#define CLOCK_TEXT 40

/* "2026-11-23T00:21:25.533092484Z" (RFC 3339; zeros at the end are cut, as Go does). */
void clock_format(int64_t ns, char buf[CLOCK_TEXT]);

/*
 * RFC 3339 with any fraction and offset ("2026-11-23T01:21:25.5+01:00").  Years 1970 to 2261.
 * clock_read() moves *at behind it.
 */
int clock_read(const char **at, int64_t *ret_ns, struct error *err);

/*
 * What people give to --since: RFC 3339 with or without offset (then: our local time) and parts from
 * the end ("2026-11-23"), seconds since the epoch ("1136073600.5"), or how long before @now
 * ("1m30s").
 */
int clock_parse(const char *text, int64_t now_ns, int64_t *ret_ns, struct error *err);

/* "1m30s", "1.5s", "20ms", "0s": as Go and so docker print it. */
void clock_format_duration(int64_t ns, char buf[CLOCK_TEXT]);
