/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>

#include "cgroups/stats_parse.h"
#include "tests/unit/test.h"

START_TEST(reads_flat_keys)
{
	static const struct {
		const char *text, *key;
		bool is_there;
		uint64_t value;
	} rows[] = {
		{ "anon 1\nfile 22\nkernel 3\n", "file", true, 22 },
		{ "anon 1\nfile 22\n", "anon", true, 1 },
		{ "anon 1\nfile 22", "file", true, 22 },
		{ "inactive_file 5\nfile_mapped 6\n", "file", false, 0 },
		{ "oom_kill_disable 0\nunder_oom 0\noom_kill 7\n", "oom_kill", true, 7 },
		{ "low 0\noom 3\noom_kill 2\noom_group_kill 1\n", "oom_kill", true, 2 },
		{ "", "file", false, 0 },
		{ "\n\n", "file", false, 0 },
		{ "x 18446744073709551615\n", "x", true, UINT64_MAX },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t value = 0;

		ck_assert_int_eq(cgroup_key_value(rows[i].text, rows[i].key, &value),
				 rows[i].is_there);
		ck_assert_uint_eq(value, rows[i].value);
	}
}
END_TEST

START_TEST(reads_single_values)
{
	ck_assert_uint_eq(cgroup_single_value("0\n"), 0);
	ck_assert_uint_eq(cgroup_single_value("67108864\n"), 67108864);
	ck_assert_uint_eq(cgroup_single_value("max\n"), UINT64_MAX);
	ck_assert_uint_eq(cgroup_single_value("-1\n"), UINT64_MAX);
	ck_assert_uint_eq(cgroup_single_value("9223372036854771712\n"), UINT64_MAX); /* 4 KiB */
	ck_assert_uint_eq(cgroup_single_value("9223372036854710272\n"), UINT64_MAX); /* 64 KiB */
	ck_assert_uint_eq(cgroup_single_value(""), 0);
}
END_TEST

START_TEST(adds_up_devices)
{
	static const char io[] = "8:16 rbytes=100 wbytes=20 rios=3 wios=4 dbytes=5 dios=6\n"
				 "8:0 rbytes=11 wbytes=0 rios=1 wios=0\n254:0 \n";
	static const char blkio[] = "8:0 Read 4096\n8:0 Write 100\n8:0 Sync 1\n8:0 Total 4196\n"
				    "8:16 Read 1\n8:16 Write 2\n8:16 Total 3\nTotal 4199\n";

	ck_assert_uint_eq(cgroup_nested_sum(io, "rbytes"), 111);
	ck_assert_uint_eq(cgroup_nested_sum(io, "wbytes"), 20);
	ck_assert_uint_eq(cgroup_nested_sum(io, "bytes"), 0);
	ck_assert_uint_eq(cgroup_nested_sum("", "rbytes"), 0);
	ck_assert_uint_eq(cgroup_blkio_sum(blkio, "Read"), 4097);
	ck_assert_uint_eq(cgroup_blkio_sum(blkio, "Write"), 102);
	ck_assert_uint_eq(cgroup_blkio_sum("Total 0\n", "Read"), 0);
}
END_TEST

TEST_MAIN("cgroups/stats", reads_flat_keys, reads_single_values, adds_up_devices)
