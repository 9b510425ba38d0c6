/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

#include "engine/top.h"
#include "tests/unit/test.h"

#define STATUS "Name:\tx\nUmask:\t0022\nUid:\t5\t1000\t7\t8\nGid:\t0\t0\t0\t0\n"

START_TEST(parses)
{
	static const struct {
		const char *stat, *cmdline;
		size_t len;
		pid_t pid, parent;
		int terminal;
		uint64_t cpu_ticks, started_ticks;
		const char *command;
	} rows[] = {
		{ "42 (sh) S 1 42 42 34817 42 4194560 1 2 3 4 50 25 6 7 20 0 1 0 9000 1 2\n",
		  "sh\0-c\0a b\0", 10, 42, 1, 1, 75, 9000, "sh -c a b" },
		{ "7 (a) b) (c) R 3 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 5 1 2\n", "", 0, 7, 3, -1,
		  0, 5, "[a) b) (c]" },
		{ "7 (x) R 3 7 7 1025 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 5 1 2\n", "\0\0", 2, 7, 3, -2,
		  0, 5, "[x]" },
		/* pts/300: 300 & 0xff and the rest behind the major number */
		{ "7 (x) R 3 7 7 1083436 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 5 1 2\n", "one\0\0\0", 6, 7,
		  3, 300, 0, 5, "one" },
	};
	uint64_t tick = 1000000000 / (uint64_t)sysconf(_SC_CLK_TCK);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct top_process p;

		ck_assert(top_parse(rows[i].stat, STATUS, rows[i].cmdline, rows[i].len, &p));
		ck_assert_int_eq(p.pid, rows[i].pid);
		ck_assert_int_eq(p.parent, rows[i].parent);
		ck_assert_int_eq(p.uid, 1000);
		ck_assert_int_eq(p.terminal, rows[i].terminal);
		ck_assert_uint_eq(p.cpu_ns, rows[i].cpu_ticks * tick);
		ck_assert_uint_eq(p.started_ns, rows[i].started_ticks * tick);
		ck_assert_str_eq(p.command, rows[i].command);
		top_process_fini(&p);
	}
}
END_TEST

START_TEST(refuses)
{
	static const struct {
		const char *stat, *status;
	} rows[] = {
		{ "", STATUS },
		{ "42 sh S 1\n", STATUS },
		{ "x (sh) S 1 42 42 0 42 0 1 2 3 4 50 25 6 7 20 0 1 0 9000 1 2\n", STATUS },
		{ "42 (sh) S 1 42 42 0 42 0 1 2 3 4 50 25 6 7 20 0 1 0\n", STATUS },
		{ "42 (sh) S 1 42 42 0 42 0 1 2 3 4 50 25 6 7 20 0 1 0 9000 1 2\n", "Name:\tx\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct top_process p;

		ck_assert(!top_parse(rows[i].stat, rows[i].status, "x", 1, &p));
	}
}
END_TEST

START_TEST(reads_itself)
{
	struct top_process p;

	ck_assert(top_read(getpid(), &p));
	ck_assert_int_eq(p.parent, getppid());
	ck_assert_int_eq(p.uid, geteuid());
	top_process_fini(&p);
	ck_assert(!top_read(0x7ffffff0, &p));
}
END_TEST

TEST_MAIN("engine/top", parses, refuses, reads_itself)
