/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine/usage.h"
#include "tests/unit/test.h"

#define SECOND INT64_C(1000000000)

START_TEST(adds_up_interfaces)
{
	static const struct {
		const char *text;
		uint64_t received, sent;
	} rows[] = {
		{ "", 0, 0 },
		{ "Inter-|   Receive                            |  Transmit\n"
		  " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets\n"
		  "    lo:     500       5    0    0    0     0          0         0      500       5  "
		  "  0    0    0     0       0          0\n"
		  "  eth0:    1234      10    0    0    0     0          0         0       77       1  "
		  "  0    0    0     0       0          0\n"
		  "  eth1:1\t2 0 0 0 0 0 0 18446744073709551000 1 0 0 0 0 0 0\n",
		  1235, UINT64_MAX - 538 },
		{ "eth0: 5 6 7\n", 0, 0 },
		{ "eth0 5 1 1 1 1 1 1 1 9\n", 0, 0 },
		{ "eth0: x 1 1 1 1 1 1 1 9\n", 0, 0 },
		{ "lo2: 5 1 1 1 1 1 1 1 9", 5, 9 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t received = 1, sent = 1;

		usage_parse_net(rows[i].text, &received, &sent);
		ck_assert_uint_eq(received, rows[i].received);
		ck_assert_uint_eq(sent, rows[i].sent);
	}
}
END_TEST

START_TEST(makes_rates)
{
	const struct usage before = {
		.at_ns = 10 * SECOND,
		.counts = { .cpu_usage_us = 1000000,
			    .cpu_periods = 50,
			    .cpu_throttled_periods = 5 },
	};
	const struct usage after = {
		.at_ns = 12 * SECOND,
		.memory = 32,
		.memory_limit = 128,
		.counts = { .cpu_usage_us = 4000000,
			    .cpu_periods = 70,
			    .cpu_throttled_periods = 20 },
	};
	struct usage_rate rate = usage_rate(&before, &after);

	ck_assert_double_eq(rate.cpu, 150);
	ck_assert(rate.is_limited);
	ck_assert_double_eq(rate.throttled, 75);
	ck_assert_double_eq(rate.memory, 25);

	/* Nothing to divide by. */
	rate = usage_rate(&before, &before);
	ck_assert_double_eq(rate.cpu, 0);
	ck_assert_double_eq(rate.throttled, 0);
	ck_assert_double_eq(rate.memory, 0);
	ck_assert(!usage_rate(&(struct usage){ 0 }, &(struct usage){ .at_ns = 1 }).is_limited);
}
END_TEST

START_TEST(chooses_beginnings)
{
	const struct usage after = {
		.started_ns = 7,
		.at_ns = 100 * SECOND,
		.counts.cpu_usage_us = 1000,
	};
	static const struct {
		int64_t started_ns, at_ns;
		uint64_t cpu_us;
		bool is_good;
	} rows[] = {
		{ 7, 99 * SECOND, 900, true },
		{ 7, 99 * SECOND, 1000, true },
		{ 7, 100 * SECOND - SECOND / 5, 900, true },
		{ 7, 70 * SECOND, 900, true },
		{ 8, 99 * SECOND, 900, false },                   /* another run */
		{ 7, 99 * SECOND, 1001, false },                  /* of another group */
		{ 7, 100 * SECOND - SECOND / 5 + 1, 900, false }, /* too near */
		{ 7, 70 * SECOND - 1, 900, false },               /* too far */
		{ 7, 101 * SECOND, 900, false },                  /* of another boot */
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct usage before = {
			.started_ns = rows[i].started_ns,
			.at_ns = rows[i].at_ns,
			.counts.cpu_usage_us = rows[i].cpu_us,
		};

		ck_assert_int_eq(usage_is_before(&before, &after), rows[i].is_good);
	}
}
END_TEST

START_TEST(begins_at_the_start)
{
	const struct usage now = {
		.id = "aa",
		.started_ns = 1000 * SECOND,
		.at_ns = 50 * SECOND,
		.counts.cpu_usage_us = 1000000,
	};
	struct usage before = usage_at_start(&now, 1004 * SECOND);

	ck_assert_int_eq(before.at_ns, 46 * SECOND);
	ck_assert(usage_is_before(&before, &now));
	ck_assert_double_eq(usage_rate(&before, &now).cpu, 25);
	/* The clock was set back meanwhile. */
	before = usage_at_start(&now, 900 * SECOND);
	ck_assert(!usage_is_before(&before, &now));
}
END_TEST

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

START_TEST(leaves_readings)
{
	char state[] = "/tmp/test-usage.XXXXXX";
	const struct engine_dirs dirs = { .data = "/nowhere", .state = mkdtemp(state) };
	auto_free char *file = xasprintf("%s/usage.json", state);
	const struct usage usages[] = {
		{ .id = "aa", .started_ns = 1, .at_ns = 2, .counts = { .cpu_usage_us = 3 } },
		{ .id = "bb", .counts = { .cpu_periods = 4, .cpu_throttled_periods = 5 } },
	};
	static const char *const bad[] = {
		"", "{}", "[1]", "[{\"id\": \"x\"}]", "[{\"id\": 5, \"started\": 1}]", "[{",
	};
	struct usage *read = NULL;
	struct error err = { 0 };
	size_t n = 9;

	usage_load(&dirs, &read, &n);
	ck_assert_uint_eq(n, 0);
	free(read);
	ck_assert_int_eq(usage_save(&dirs, usages, 2, &err), 0);
	usage_load(&dirs, &read, &n);
	ck_assert_uint_eq(n, 2);
	ck_assert_int_eq(memcmp(read, usages, sizeof(usages)), 0);
	free(read);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		write_file(file, bad[i]);
		usage_load(&dirs, &read, &n);
		ck_assert_uint_eq(n, 0);
		free(read);
	}
	ck_assert_int_eq(remove(file), 0);
	ck_assert_int_eq(remove(state), 0);
}
END_TEST

TEST_MAIN("engine/usage", adds_up_interfaces, makes_rates, chooses_beginnings, begins_at_the_start,
	  leaves_readings)
