/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "cgroups/stats.h"
#include "engine/dirs.h"
#include "engine/record.h"

/*
 * What a container uses, and how much of it between two looks.
 *
 * A share of the CPU needs two readings.  So that one look need not wait for a second one, readings
 * are left in <state>/usage.json, a file for all containers, for whoever looks next.
 */
struct cgroup_host;
struct list_entry;

struct usage {
	char id[RECORD_ID_LEN + 1];
	int64_t started_ns;         /* when this run of the container began */
	int64_t at_ns;              /* of the reading, by clock_boot_ns() */
	uint64_t memory;            /* bytes, without page cache that nobody used lately */
	uint64_t memory_limit;      /* the container's, or all that the machine has */
	uint64_t received, sent;    /* bytes, over interfaces of its own but lo */
	struct cgroup_stats counts; /* of its cgroup */
};

/* Reads what the running container @entry uses. */
int usage_read(const struct engine_dirs *dirs, const struct cgroup_host *host,
	       const struct list_entry *entry, struct usage *ret, struct error *err);

struct usage_rate {
	double cpu;       /* in percent of one CPU */
	bool is_limited;  /* a CPU limit was in force */
	double throttled; /* then: in percent of the periods, how often it had to wait */
	double memory;    /* in percent of the limit */
};

/* Between two readings of one container.  Pure. */
struct usage_rate usage_rate(const struct usage *before, const struct usage *after);

/* The reading that there would have been at the start of the container, at which it is @real_ns now. */
struct usage usage_at_start(const struct usage *now, int64_t real_ns);

/*
 * True if @before is a good beginning for a rate up to @after: of the same run, and neither so near
 * that the clock's grain shows nor so far that it tells nothing of now.  Pure.
 */
bool usage_is_before(const struct usage *before, const struct usage *after);

/* The sums of /proc/PID/net/dev, lo left out.  Pure. */
void usage_parse_net(const char *text, uint64_t *ret_received, uint64_t *ret_sent);

/* The readings that were left; none that can be understood: none.  *ret is the caller's. */
void usage_load(const struct engine_dirs *dirs, struct usage **ret, size_t *ret_n);

/* Leaves these in their place. */
int usage_save(const struct engine_dirs *dirs, const struct usage *usages, size_t n,
	       struct error *err);
