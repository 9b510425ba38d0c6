/* SPDX-License-Identifier: Apache-2.0 */
#include "compose/timeline.h"
#include "tests/unit/test.h"

#define MS 1000000

START_TEST(bars_begin_where_the_waiting_ends)
{
	static const struct timeline_row rows[] = {
		{ "db", "healthy", 0, 24 * MS },
		{ "gateway", "started", 24 * MS, 48 * MS },
		{ "job", "completed", 0, 1 * MS },
	};
	auto_str struct str text = { 0 };

	timeline_render(rows, ARRAY_LEN(rows), &text);
	ck_assert_str_eq(text.text, "db           24 ms  healthy    ########################\n"
				    "gateway      48 ms  started    ........................"
				    "########################\n"
				    "job           1 ms  completed  #\n");
}
END_TEST

START_TEST(the_shortest_is_seen)
{
	static const struct timeline_row rows[] = {
		{ "a", "started", 0, 1 },
		{ "b", "started", 1000 * MS, 1000 * MS },
		{ "c", "started", 0, 0 },
	};
	auto_str struct str text = { 0 };
	auto_strv struct strv lines = { 0 };

	timeline_render(rows, ARRAY_LEN(rows), &text);
	strv_split(&lines, text.text, '\n');
	ck_assert(str_ends(lines.items[0], "  #"));
	ck_assert(str_ends(lines.items[1], ".#"));
	ck_assert(str_ends(lines.items[2], "  #"));
}
END_TEST

START_TEST(of_nothing_there_is_nothing)
{
	auto_str struct str text = { 0 };

	timeline_render(NULL, 0, &text);
	ck_assert_uint_eq(text.len, 0);
}
END_TEST

TEST_MAIN("compose/timeline", bars_begin_where_the_waiting_ends, the_shortest_is_seen,
	  of_nothing_there_is_nothing)
