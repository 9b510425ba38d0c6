/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "cli/human.h"
#include "tests/unit/test.h"

START_TEST(durations)
{
	static const struct {
		int64_t seconds;
		const char *text;
	} rows[] = {
		{ -5, "Less than a second" },
		{ 0, "Less than a second" },
		{ 1, "1 second" },
		{ 2, "2 seconds" },
		{ 59, "59 seconds" },
		{ 60, "About a minute" },
		{ 119, "About a minute" },
		{ 120, "2 minutes" },
		{ 3599, "59 minutes" },
		{ 3600, "About an hour" },
		{ 5399, "About an hour" },
		{ 5400, "2 hours" },
		{ 47 * 3600, "47 hours" },
		{ 48 * 3600, "2 days" },
		{ 13 * 86400, "13 days" },
		{ 14 * 86400, "2 weeks" },
		{ 59 * 86400, "8 weeks" },
		{ 60 * 86400, "2 months" },
		{ 729 * 86400, "24 months" },
		{ 730 * 86400, "2 years" },
		{ 2000LL * 365 * 86400, "2000 years" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_free char *text = human_duration(rows[i].seconds);

		ck_assert_str_eq(text, rows[i].text);
	}
}
END_TEST

START_TEST(sizes)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} rows[] = {
		{ 0, "0B" },           { 999, "999B" },           { 1000, "1kB" },
		{ 4264000, "4.26MB" }, { 72800000, "72.8MB" },    { 999499, "999kB" },
		{ 999999, "1MB" },     { 123456789012, "123GB" }, { UINT64_MAX, "18.4EB" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_free char *text = human_size(rows[i].bytes);

		ck_assert_str_eq(text, rows[i].text);
	}
}
END_TEST

START_TEST(bytes)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} rows[] = {
		{ 0, "0B" },
		{ 1023, "1023B" },
		{ 1024, "1KiB" },
		{ 2048000, "1.953MiB" },
		{ 134217728, "128MiB" },
		{ 8232706048, "7.667GiB" },
		{ 1048575, "1024KiB" },
		{ UINT64_MAX, "16EiB" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_free char *text = human_bytes(rows[i].bytes);

		ck_assert_str_eq(text, rows[i].text);
	}
}
END_TEST

START_TEST(times)
{
	auto_free char *some = human_time(1714566600);
	auto_free char *none = human_time(0);

	ck_assert_str_eq(some, "2024-05-01 12:30:00 +0000 UTC");
	ck_assert_str_eq(none, "N/A");
}
END_TEST

TEST_MAIN("cli/human", durations, sizes, bytes, times)
