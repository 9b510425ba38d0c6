/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "tests/unit/test.h"

#define SECOND INT64_C(1000000000)

START_TEST(formats_points)
{
	static const struct {
		int64_t ns;
		const char *text;
	} rows[] = {
		{ 0, "1970-01-01T00:00:00Z" },
		{ 1, "1970-01-01T00:00:00.000000001Z" },
		{ -1, "1969-12-31T23:59:59.999999999Z" },
		{ 1136214245 * SECOND, "2006-01-02T15:04:05Z" },
		{ 1136214245 * SECOND + 500000000, "2006-01-02T15:04:05.5Z" },
		{ 1136214245 * SECOND + 120, "2006-01-02T15:04:05.00000012Z" },
		{ INT64_MAX, "2262-04-11T23:47:16.854775807Z" },
		{ INT64_MIN, "1677-09-21T00:12:43.145224192Z" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[CLOCK_TEXT];

		clock_format(rows[i].ns, text);
		ck_assert_str_eq(text, rows[i].text);
	}
}
END_TEST

/* The calendar, against the C library's. */
START_TEST(knows_every_day)
{
	for (int64_t day = -106751; day <= 106751; day++) {
		time_t seconds = (time_t)(day * 86400 + (day & 0x7fff) * 2);
		char text[CLOCK_TEXT], wanted[CLOCK_TEXT];
		struct tm tm;

		clock_format(seconds * SECOND, text);
		(void)strftime(wanted, sizeof(wanted), "%Y-%m-%dT%H:%M:%SZ",
			       gmtime_r(&seconds, &tm));
		ck_assert_str_eq(text, wanted);
	}
}
END_TEST

START_TEST(formats_durations)
{
	static const struct {
		int64_t ns;
		const char *text;
	} rows[] = {
		{ 0, "0s" },
		{ 1, "1ns" },
		{ 1100, "1.1\xc2\xb5s" },
		{ 2200000, "2.2ms" },
		{ 20000000, "20ms" },
		{ 1500000000, "1.5s" },
		{ 30 * SECOND, "30s" },
		{ 60 * SECOND, "1m0s" },
		{ 90 * SECOND, "1m30s" },
		{ 3600 * SECOND, "1h0m0s" },
		{ 5 * 3600 * SECOND + 1, "5h0m0.000000001s" },
		{ -90 * SECOND, "-1m30s" },
		{ INT64_MAX, "2562047h47m16.854775807s" },
		{ INT64_MIN, "-2562047h47m16.854775808s" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[CLOCK_TEXT];

		clock_format_duration(rows[i].ns, text);
		ck_assert_str_eq(text, rows[i].text);
	}
}
END_TEST

START_TEST(reads_points)
{
	static const struct {
		const char *text;
		int64_t ns; /* -1: refused */
		size_t rest;
	} rows[] = {
		{ "1970-01-01T00:00:00Z", 0, 0 },
		{ "2006-01-02T15:04:05Z", 1136214245 * SECOND, 0 },
		{ "2006-01-02t15:04:05z", 1136214245 * SECOND, 0 },
		{ "2006-01-02T16:34:05.25+01:30 x", 1136214245 * SECOND + 250000000, 2 },
		{ "2006-01-02T10:04:05.000000001-05:00", 1136214245 * SECOND + 1, 0 },
		{ "2006-01-02T15:04:05.0000000019Z", 1136214245 * SECOND + 1, 0 },
		{ "2024-02-29T00:00:00Z", 1709164800 * SECOND, 0 },
		{ "2016-12-31T23:59:60Z", 1483228800 * SECOND, 0 },
		{ "2023-02-29T00:00:00Z", -1, 0 },
		{ "2024-04-31T00:00:00Z", -1, 0 },
		{ "2006-13-02T15:04:05Z", -1, 0 },
		{ "2006-01-32T15:04:05Z", -1, 0 },
		{ "2006-01-02T24:04:05Z", -1, 0 },
		{ "2006-01-02T15:60:05Z", -1, 0 },
		{ "2006-01-02T15:04:61Z", -1, 0 },
		{ "2006-01-02T15:04:05", -1, 0 },
		{ "2006-01-02T15:04Z", -1, 0 },
		{ "2006-01-02T15:04:05.Z", -1, 0 },
		{ "2006-01-02 15:04:05Z", -1, 0 },
		{ "2006-01-02T15:04:05+1:00", -1, 0 },
		{ "1969-01-02T15:04:05Z", -1, 0 },
		{ "2262-01-02T15:04:05Z", -1, 0 },
		{ "206-01-02T15:04:05Z", -1, 0 },
		{ "", -1, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *at = rows[i].text;
		struct error err;
		int64_t ns;
		int rc = clock_read(&at, &ns, &err);

		if (rows[i].ns < 0) {
			ck_assert_msg(rc == -EINVAL, "'%s'", rows[i].text);
			continue;
		}
		ck_assert_msg(rc == 0 && ns == rows[i].ns, "'%s': %lld", rows[i].text,
			      (long long)ns);
		ck_assert_uint_eq(strlen(at), rows[i].rest);
	}
}
END_TEST

START_TEST(reads_what_it_writes)
{
	for (int64_t ns = 0; ns >= 0 && ns < INT64_MAX / 10 * 9; ns += 123456789012345678) {
		char text[CLOCK_TEXT];
		const char *at = text;
		struct error err;
		int64_t again;

		clock_format(ns, text);
		ck_assert_int_eq(clock_read(&at, &again, &err), 0);
		ck_assert_int_eq(again, ns);
	}
}
END_TEST

START_TEST(parses_what_people_write)
{
	const int64_t now = 1700000000 * SECOND;
	static const struct {
		const char *text;
		int64_t ns; /* -1: refused */
	} rows[] = {
		{ "10m", 1700000000 * SECOND - 600 * SECOND },
		{ "1h30m", 1700000000 * SECOND - 5400 * SECOND },
		{ "1136214245", 1136214245 * SECOND },
		{ "1136214245.5", 1136214245 * SECOND + 500000000 },
		{ "1136214245.000000001", 1136214245 * SECOND + 1 },
		{ "0", 0 },
		{ "2006-01-02T15:04:05Z", 1136214245 * SECOND },
		{ "2006-01-02T16:04:05+01:00", 1136214245 * SECOND },
		{ "2006-01-02T15:04:05.5", 1136214245 * SECOND + 500000000 - 3600 * SECOND },
		{ "2006-01-02T15:04", 1136214240 * SECOND - 3600 * SECOND },
		{ "2006-01-02", 1136160000 * SECOND - 3600 * SECOND },
		{ "2006-07-02", 1151798400 * SECOND - 3600 * SECOND },
		{ "", -1 },
		{ "yesterday", -1 },
		{ "-10m", -1 },
		{ "99999999999", -1 },
		{ "9999999999", -1 },
		{ "1.", -1 },
		{ "2006-01-02T", -1 },
		{ "2006-01-02T15", -1 },
		{ "2006-01-02x", -1 },
		{ "2006-01-02T15:04:05Zx", -1 },
	};

	/* Without summer time, whatever the machine. */
	(void)setenv("TZ", "XYZ-1", 1);
	tzset();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct error err;
		int64_t ns;
		int rc = clock_parse(rows[i].text, now, &ns, &err);

		if (rows[i].ns < 0)
			ck_assert_msg(rc == -EINVAL, "'%s'", rows[i].text);
		else
			ck_assert_msg(rc == 0 && ns == rows[i].ns, "'%s': %lld", rows[i].text,
				      (long long)ns);
	}
}
END_TEST

TEST_MAIN("base/clock", formats_points, knows_every_day, formats_durations, reads_points,
	  reads_what_it_writes, parses_what_people_write)
