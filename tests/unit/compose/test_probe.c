/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "compose/probe.h"
#include "tests/unit/test.h"

START_TEST(understands)
{
	static const struct {
		const char *test, *meant; /* words separated by '|' */
	} rows[] = {
		{ "NONE", "0" },
		{ "CMD|a|b c", "1 a|b c|" },
		{ "CMD-SHELL|a && b", "2 a && b|" },
		{ "HTTP|http://:8080/health", "3 127.0.0.1 8080 /health" },
		{ "HTTP|http://", "3 127.0.0.1 80 /" },
		{ "HTTP|http://web/a?b=c", "3 web 80 /a?b=c" },
		{ "HTTP|http://10.0.0.1:81?x", "3 10.0.0.1 81 /?x" },
		{ "HTTP|http://[::1]:81/", "3 ::1 81 /" },
		{ "HTTP|http://[::1]/", "3 ::1 80 /" },
		{ "TCP|:5432", "4 127.0.0.1 5432" },
		{ "TCP|5432", "4 127.0.0.1 5432" },
		{ "TCP|db:5432", "4 db 5432" },
		{ "TCP|[fe80::1]:1", "4 fe80::1 1" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_strv struct strv test = { 0 };
		auto_str struct str got = { 0 };
		struct probe probe = { 0 };
		struct error err = { 0 };

		strv_split(&test, rows[i].test, '|');
		ck_assert_msg(probe_parse(&test, &probe, &err) == 0, "%s", err.msg);
		str_addf(&got, "%d", probe.kind);
		for (size_t j = 0; j < probe.words.n; j++)
			str_addf(&got, "%s%s|", j ? "" : " ", probe.words.items[j]);
		if (probe.host)
			str_addf(&got, " %s %u", probe.host, probe.port);
		if (probe.path)
			str_addf(&got, " %s", probe.path);
		ck_assert_str_eq(got.text, rows[i].meant);
		probe_fini(&probe);
	}
}
END_TEST

START_TEST(refuses)
{
	static const struct {
		const char *test, *error;
	} rows[] = {
		{ "", "a test begins with one of NONE, CMD, CMD-SHELL, HTTP, TCP, not with ''" },
		{ "NONE|x", "NONE takes nothing behind it" },
		{ "CMD", "CMD needs a command behind it" },
		{ "CMD-SHELL", "CMD-SHELL takes one text behind it" },
		{ "CMD-SHELL|a|b", "CMD-SHELL takes one text behind it" },
		{ "HTTP|https://x", "'https://x' does not begin with http://" },
		{ "HTTP|http://:99999/", "'99999' is no port from 1 to 65535" },
		{ "HTTP|http://a b/", "'a b' is no host name" },
		{ "HTTP|http://x/a b",
		  "the path of 'http://x/a b' has a blank, a '#' or something that is not shown" },
		{ "HTTP|http://x/\r\nHost: y",
		  "the path of 'http://x/\r\nHost: y' has a blank, a '#' or something that is not "
		  "shown" },
		{ "HTTP|http://[::1]x/", "'[::1]x' is not HOST:PORT" },
		{ "HTTP|http://[x]:1/", "'x' is no address" },
		{ "TCP|db", "'db' is no port from 1 to 65535" },
		{ "TCP|db:0", "'0' is no port from 1 to 65535" },
		{ "TCP|:", "'' is no port from 1 to 65535" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_strv struct strv test = { 0 };
		struct probe probe = { 0 };
		struct error err = { 0 };

		strv_split(&test, rows[i].test, '|');
		ck_assert_int_lt(probe_parse(&test, &probe, &err), 0);
		ck_assert_str_eq(err.msg, rows[i].error);
		ck_assert_ptr_null(probe.host);
	}
}
END_TEST

TEST_MAIN("compose/probe", understands, refuses)
