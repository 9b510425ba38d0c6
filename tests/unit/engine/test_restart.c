/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "engine/restart.h"
#include "tests/unit/test.h"

#define MS INT64_C(1000000)

START_TEST(parses)
{
	static const struct {
		const char *text;
		enum restart_policy policy;
		int retries; /* -1: refused */
		const char *again;
	} rows[] = {
		{ "", RESTART_NO, 0, "no" },
		{ "no", RESTART_NO, 0, "no" },
		{ "always", RESTART_ALWAYS, 0, "always" },
		{ "unless-stopped", RESTART_UNLESS_STOPPED, 0, "unless-stopped" },
		{ "on-failure", RESTART_ON_FAILURE, 0, "on-failure" },
		{ "on-failure:0", RESTART_ON_FAILURE, 0, "on-failure" },
		{ "on-failure:5", RESTART_ON_FAILURE, 5, "on-failure:5" },
		{ "on-failure:1000000", RESTART_ON_FAILURE, 1000000, "on-failure:1000000" },
		{ "on-failure:1000001", 0, -1, NULL },
		{ "on-failure:", 0, -1, NULL },
		{ "on-failure:-1", 0, -1, NULL },
		{ "on-failure:x", 0, -1, NULL },
		{ "on-failure:1:2", 0, -1, NULL },
		{ "always:3", 0, -1, NULL },
		{ "no:1", 0, -1, NULL },
		{ ":1", 0, -1, NULL },
		{ "Always", 0, -1, NULL },
		{ "sometimes", 0, -1, NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct restart_config config;
		char text[RESTART_TEXT];
		struct error err;
		int rc = restart_parse(rows[i].text, &config, &err);

		if (rows[i].retries < 0) {
			ck_assert_msg(rc == -EINVAL, "'%s'", rows[i].text);
			ck_assert_ptr_nonnull(strstr(err.msg, rows[i].text));
			continue;
		}
		ck_assert_msg(rc == 0, "%s", err.msg);
		ck_assert_int_eq(config.policy, rows[i].policy);
		ck_assert_int_eq(config.max_retries, rows[i].retries);
		restart_format(&config, text);
		ck_assert_str_eq(text, rows[i].again);
	}
}
END_TEST

START_TEST(decides)
{
	static const struct {
		enum restart_policy policy;
		/* ended well, failed; the same after a stop */
		const char *ended;
		/* at boot: was running, ended well, failed; the same after a stop */
		const char *boot;
	} rows[] = {
		{ RESTART_NO, "----", "------" },
		{ RESTART_ALWAYS, "yy--", "yyyyyy" },
		{ RESTART_UNLESS_STOPPED, "yy--", "yyy---" },
		{ RESTART_ON_FAILURE, "-y--", "y-y---" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct restart r = { .config.policy = rows[i].policy };

		for (int j = 0; j < 4; j++) {
			restart_begin(&r);
			ck_assert_int_eq(restart_ended(&r, j % 2 ? 137 : 0, MS, j >= 2),
					 rows[i].ended[j] == 'y');
			ck_assert_int_eq(r.count, rows[i].ended[j] == 'y');
		}
		for (int j = 0; j < 6; j++)
			ck_assert_int_eq(restart_at_boot(&r.config, j % 3 == 0, j % 3 == 2, j >= 3),
					 rows[i].boot[j] == 'y');
	}
}
END_TEST

START_TEST(counts_to_the_limit)
{
	struct restart r = { .config = { RESTART_ON_FAILURE, 3 } };

	for (int round = 0; round < 2; round++) {
		restart_begin(&r);
		for (int i = 0; i < 3; i++)
			ck_assert(restart_ended(&r, 1, MS, false));
		ck_assert(!restart_ended(&r, 1, MS, false));
		ck_assert_int_eq(r.count, 3);
	}
}
END_TEST

START_TEST(waits_longer_each_time)
{
	struct restart r = { .config.policy = RESTART_ALWAYS };
	static const int64_t pauses[] = { 100,  200,   400,   800,   1600,  3200,
					  6400, 12800, 25600, 51200, 60000, 60000 };

	restart_begin(&r);
	for (size_t i = 0; i < ARRAY_LEN(pauses); i++) {
		ck_assert(restart_ended(&r, 0, 9999 * MS, false));
		ck_assert_int_eq(r.pause_ns, pauses[i] * MS);
	}
	/* After 10 s of running it begins anew. */
	ck_assert(restart_ended(&r, 0, 10000 * MS, false));
	ck_assert_int_eq(r.pause_ns, 100 * MS);
	ck_assert(restart_ended(&r, 0, 0, false));
	ck_assert_int_eq(r.pause_ns, 200 * MS);
	restart_begin(&r);
	ck_assert(restart_ended(&r, 0, 0, false));
	ck_assert_int_eq(r.pause_ns, 100 * MS);
}
END_TEST

TEST_MAIN("engine/restart", parses, decides, counts_to_the_limit, waits_longer_each_time)
