/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/parse.h"
#include "tests/unit/base/temp.h"
#include "tests/unit/test.h"

/* A row is good (no error text) or bad. */
#define EXPECT_FAILURE(rc, err, row)                       \
	do {                                               \
		ck_assert_int_lt(rc, 0);                   \
		ck_assert_int_eq(rc, -(err).code);         \
		ck_assert_str_eq((err).msg, (row)->error); \
	} while (0)
#define EXPECT_SUCCESS(rc, err, row) ck_assert_msg((rc) == 0, "'%s': %s", (row)->text, (err).msg)

START_TEST(parses_unsigned_numbers)
{
	static const struct row {
		const char *text;
		uint64_t max, value;
		const char *error;
	} rows[] = {
		{ "0", 0, 0 },
		{ "007", 7, 7 },
		{ "65535", 65535, 65535 },
		{ "18446744073709551615", UINT64_MAX, UINT64_MAX },
		{ "18446744073709551616", UINT64_MAX, 0,
		  "parse number '18446744073709551616': must be at most 18446744073709551615" },
		{ "65536", 65535, 0, "parse number '65536': must be at most 65535" },
		{ "7", 5, 0, "parse number '7': must be at most 5" },
		{ "", 9, 0, "parse number '': not a whole number" },
		{ "-1", 9, 0, "parse number '-1': not a whole number" },
		{ "+1", 9, 0, "parse number '+1': not a whole number" },
		{ " 1", 9, 0, "parse number ' 1': not a whole number" },
		{ "1 ", 9, 0, "parse number '1 ': not a whole number" },
		{ "0x1", 9, 0, "parse number '0x1': not a whole number" },
	};

	for (const struct row *row = rows; row < rows + ARRAY_LEN(rows); row++) {
		struct error err = { 0 };
		uint64_t value = 77;
		int rc = parse_uint64(row->text, row->max, &value, &err);

		if (row->error) {
			EXPECT_FAILURE(rc, err, row);
			ck_assert_uint_eq(value, 77);
		} else {
			EXPECT_SUCCESS(rc, err, row);
			ck_assert_uint_eq(value, row->value);
		}
	}
}
END_TEST

START_TEST(parses_signed_numbers)
{
	static const struct row {
		const char *text;
		int64_t min, max, value;
		const char *error;
	} rows[] = {
		{ "-1", -1, 5, -1 },
		{ "+5", -1, 5, 5 },
		{ "-9223372036854775808", INT64_MIN, INT64_MAX, INT64_MIN },
		{ "9223372036854775807", INT64_MIN, INT64_MAX, INT64_MAX },
		{ "9223372036854775808", INT64_MIN, INT64_MAX, 0,
		  "parse number '9223372036854775808': must be from -9223372036854775808 to "
		  "9223372036854775807" },
		{ "-9223372036854775809", INT64_MIN, INT64_MAX, 0,
		  "parse number '-9223372036854775809': must be from -9223372036854775808 to "
		  "9223372036854775807" },
		{ "-1001", -1000, 1000, 0, "parse number '-1001': must be from -1000 to 1000" },
		{ "1001", -1000, 1000, 0, "parse number '1001': must be from -1000 to 1000" },
		{ "--1", -5, 5, 0, "parse number '--1': not a whole number" },
		{ "-", -5, 5, 0, "parse number '-': not a whole number" },
		{ "", -5, 5, 0, "parse number '': not a whole number" },
	};

	for (const struct row *row = rows; row < rows + ARRAY_LEN(rows); row++) {
		struct error err = { 0 };
		int64_t value = 77;
		int rc = parse_int64(row->text, row->min, row->max, &value, &err);

		if (row->error) {
			EXPECT_FAILURE(rc, err, row);
			ck_assert_int_eq(value, 77);
		} else {
			EXPECT_SUCCESS(rc, err, row);
			ck_assert_int_eq(value, row->value);
		}
	}
}
END_TEST

START_TEST(parses_booleans)
{
	static const struct row {
		const char *text;
		bool value;
		const char *error;
	} rows[] = {
		{ "true", true },
		{ "TRUE", true },
		{ "1", true },
		{ "yes", true },
		{ "On", true },
		{ "false", false },
		{ "0", false },
		{ "no", false },
		{ "off", false },
		{ "F", false },
		{ "2", false, "parse '2': neither true nor false" },
		{ "", false, "parse '': neither true nor false" },
		{ "truey", false, "parse 'truey': neither true nor false" },
	};

	for (const struct row *row = rows; row < rows + ARRAY_LEN(rows); row++) {
		struct error err = { 0 };
		bool value = !row->value;
		int rc = parse_bool(row->text, &value, &err);

		if (row->error) {
			EXPECT_FAILURE(rc, err, row);
		} else {
			EXPECT_SUCCESS(rc, err, row);
			ck_assert_int_eq(value, row->value);
		}
	}
}
END_TEST

START_TEST(parses_sizes)
{
	static const struct row {
		const char *text;
		uint64_t value;
		const char *error;
	} rows[] = {
		{ "0", 0 },
		{ "1024", 1024 },
		{ "10b", 10 },
		{ "512k", 512ULL << 10 },
		{ "64m", 64ULL << 20 },
		{ "64M", 64ULL << 20 },
		{ "64MB", 64ULL << 20 },
		{ "1GiB", 1ULL << 30 },
		{ "1gb", 1ULL << 30 },
		{ "1.5g", 3ULL << 29 },
		{ "0.1k", 102 },
		{ "1.9", 1 },
		{ "32 mb", 32ULL << 20 },
		{ "2t", 2ULL << 40 },
		{ "8191p", 8191ULL << 50 },
		{ "0.0000000000000000000000001p", 0 },
		{ "9223372036854775807", INT64_MAX },
		{ "8192p", 0, "parse size '8192p': too large" },
		{ "9223372036854775808", 0, "parse size '9223372036854775808': too large" },
		{ "99999999999999999999k", 0, "parse size '99999999999999999999k': too large" },
		{ "", 0, "parse size '': not a size like 512k, 64m or 1.5g" },
		{ "m", 0, "parse size 'm': not a size like 512k, 64m or 1.5g" },
		{ "-1", 0, "parse size '-1': not a size like 512k, 64m or 1.5g" },
		{ "32.", 0, "parse size '32.': not a size like 512k, 64m or 1.5g" },
		{ ".3k", 0, "parse size '.3k': not a size like 512k, 64m or 1.5g" },
		{ " 32", 0, "parse size ' 32': not a size like 512k, 64m or 1.5g" },
		{ "32 ", 0, "parse size '32 ': not a size like 512k, 64m or 1.5g" },
		{ "32  m", 0, "parse size '32  m': not a size like 512k, 64m or 1.5g" },
		{ "32bm", 0, "parse size '32bm': not a size like 512k, 64m or 1.5g" },
		{ "32m b", 0, "parse size '32m b': not a size like 512k, 64m or 1.5g" },
		{ "32ib", 0, "parse size '32ib': not a size like 512k, 64m or 1.5g" },
		{ "1e3", 0, "parse size '1e3': not a size like 512k, 64m or 1.5g" },
	};

	for (const struct row *row = rows; row < rows + ARRAY_LEN(rows); row++) {
		struct error err = { 0 };
		uint64_t value = 77;
		int rc = parse_size(row->text, &value, &err);

		if (row->error) {
			EXPECT_FAILURE(rc, err, row);
			ck_assert_uint_eq(value, 77);
		} else {
			EXPECT_SUCCESS(rc, err, row);
			ck_assert_uint_eq(value, row->value);
		}
	}
}
END_TEST

#define NOT_A_DURATION ": not a duration like 1m30s, 1.5h or 300ms"

START_TEST(parses_durations)
{
	static const struct row {
		const char *text;
		int64_t value;
		const char *error;
	} rows[] = {
		{ "0", 0 },
		{ "0s", 0 },
		{ "1ns", 1 },
		{ "3us", 3000 },
		{ "3\xc2\xb5s", 3000 },
		{ "3\xce\xbcs", 3000 },
		{ "300ms", 300000000 },
		{ "1m30s", 90000000000 },
		{ "1.5h", 5400000000000 },
		{ "1h2m3s4ms5us6ns", 3723004005006 },
		{ ".5s", 500000000 },
		{ "1.s", 1000000000 },
		{ "2540400h", 2540400LL * 3600 * 1000000000 },
		{ "2562048h", 0, "parse duration '2562048h': too long" },
		{ "2562047h2562047h", 0, "parse duration '2562047h2562047h': too long" },
		{ "-1s", 0, "parse duration '-1s': must not be negative" },
		{ "", 0, "parse duration ''" NOT_A_DURATION },
		{ "5", 0, "parse duration '5'" NOT_A_DURATION },
		{ "00", 0, "parse duration '00'" NOT_A_DURATION },
		{ "s", 0, "parse duration 's'" NOT_A_DURATION },
		{ ".s", 0, "parse duration '.s'" NOT_A_DURATION },
		{ "1x", 0, "parse duration '1x'" NOT_A_DURATION },
		{ "1s 2s", 0, "parse duration '1s 2s'" NOT_A_DURATION },
		{ "1s2", 0, "parse duration '1s2'" NOT_A_DURATION },
	};

	for (const struct row *row = rows; row < rows + ARRAY_LEN(rows); row++) {
		struct error err = { 0 };
		int64_t value = 77;
		int rc = parse_duration(row->text, &value, &err);

		if (row->error) {
			EXPECT_FAILURE(rc, err, row);
			ck_assert_int_eq(value, 77);
		} else {
			EXPECT_SUCCESS(rc, err, row);
			ck_assert_int_eq(value, row->value);
		}
	}
}
END_TEST

START_TEST(parses_cpus)
{
	static const struct row {
		const char *text;
		int64_t value;
		const char *error;
	} rows[] = {
		{ "0.5", 500000000 },
		{ ".25", 250000000 },
		{ "2", 2000000000 },
		{ "0.000000001", 1 },
		{ "0", 0 },
		{ "0.0000000001", 0,
		  "parse CPUs '0.0000000001': more than 9 digits behind the point" },
		{ "10000000000", 0, "parse CPUs '10000000000': too many" },
		{ "-1", 0, "parse CPUs '-1': not a number like 0.5 or 2" },
		{ "", 0, "parse CPUs '': not a number like 0.5 or 2" },
		{ "1,5", 0, "parse CPUs '1,5': not a number like 0.5 or 2" },
		{ "two", 0, "parse CPUs 'two': not a number like 0.5 or 2" },
	};

	for (const struct row *row = rows; row < rows + ARRAY_LEN(rows); row++) {
		struct error err = { 0 };
		int64_t value = 77;
		int rc = parse_cpus(row->text, &value, &err);

		if (row->error) {
			EXPECT_FAILURE(rc, err, row);
		} else {
			EXPECT_SUCCESS(rc, err, row);
			ck_assert_int_eq(value, row->value);
		}
	}
}
END_TEST

START_TEST(checks_cpu_lists)
{
	static const struct row {
		const char *text;
		const char *error;
	} rows[] = {
		{ "0" },
		{ "0-3,7" },
		{ "0,1,2,8191" },
		{ "5-5" },
		{ "8192", "parse list '8192': numbers go up to 8191" },
		{ "0-99999999999999999999",
		  "parse list '0-99999999999999999999': numbers go up to 8191" },
		{ "3-1", "parse list '3-1': range 3-1 runs backwards" },
		{ "", "parse list '': not a list like 0-3,7" },
		{ "0,", "parse list '0,': not a list like 0-3,7" },
		{ ",0", "parse list ',0': not a list like 0-3,7" },
		{ "0-", "parse list '0-': not a list like 0-3,7" },
		{ "0-1-2", "parse list '0-1-2': not a list like 0-3,7" },
		{ "0 ,1", "parse list '0 ,1': not a list like 0-3,7" },
		{ "0\n", "parse list '0\n': not a list like 0-3,7" },
	};

	for (const struct row *row = rows; row < rows + ARRAY_LEN(rows); row++) {
		struct error err = { 0 };
		int rc = parse_cpu_list(row->text, &err);

		if (row->error)
			EXPECT_FAILURE(rc, err, row);
		else
			EXPECT_SUCCESS(rc, err, row);
	}
}
END_TEST

START_TEST(parses_signals)
{
	const struct row {
		const char *text;
		int value;
		const char *error;
	} rows[] = {
		{ "TERM", SIGTERM },
		{ "SIGTERM", SIGTERM },
		{ "sigterm", SIGTERM },
		{ "15", SIGTERM },
		{ "KILL", SIGKILL },
		{ "SIGWINCH", SIGWINCH },
		{ "IOT", SIGABRT },
		{ "SIGCLD", SIGCHLD },
		{ "RTMIN", SIGRTMIN },
		{ "RTMIN+3", SIGRTMIN + 3 },
		{ "sigrtmax-1", SIGRTMAX - 1 },
		{ "64", 64 },
		{ "0", 0, "parse signal '0': no such signal" },
		{ "65", 0, "parse signal '65': no such signal" },
		{ "RTMIN-1", 0, "parse signal 'RTMIN-1': no such signal" },
		{ "RTMIN+99", 0, "parse signal 'RTMIN+99': no such signal" },
		{ "RTMIN+", 0, "parse signal 'RTMIN+': no such signal" },
		{ "", 0, "parse signal '': no such signal" },
		{ "SIG", 0, "parse signal 'SIG': no such signal" },
		{ "SIG15", 0, "parse signal 'SIG15': no such signal" },
		{ "NOPE", 0, "parse signal 'NOPE': no such signal" },
	};

	for (const struct row *row = rows; row < rows + ARRAY_LEN(rows); row++) {
		struct error err = { 0 };
		int value = 77;
		int rc = parse_signal(row->text, &value, &err);

		if (row->error) {
			EXPECT_FAILURE(rc, err, row);
		} else {
			EXPECT_SUCCESS(rc, err, row);
			ck_assert_int_eq(value, row->value);
		}
	}
}
END_TEST

START_TEST(names_signals)
{
	for (int i = 1; i <= SIGRTMAX; i++) {
		struct error err = { 0 };
		int value = 0;

		if (i > 31 && i < SIGRTMIN)
			continue; /* the threads library's own */
		ck_assert_int_eq(parse_signal(signal_name(i), &value, &err), 0);
		ck_assert_int_eq(value, i);
	}
	ck_assert_str_eq(signal_name(SIGTERM), "SIGTERM");
	ck_assert_str_eq(signal_name(SIGRTMIN), "SIGRTMIN");
	ck_assert_str_eq(signal_name(SIGRTMIN + 2), "SIGRTMIN+2");
	ck_assert_str_eq(signal_name(33), "signal 33");
	ck_assert_str_eq(signal_name(-1), "signal -1");
}
END_TEST

START_TEST(parses_ports)
{
	static const struct row {
		const char *text;
		struct port_mapping value;
		const char *error;
	} rows[] = {
		{ "80", { "", 0, 80, 1, IPPROTO_TCP } },
		{ "8080:80", { "", 8080, 80, 1, IPPROTO_TCP } },
		{ "8080:80/tcp", { "", 8080, 80, 1, IPPROTO_TCP } },
		{ "53:53/UDP", { "", 53, 53, 1, IPPROTO_UDP } },
		{ "1:2/sctp", { "", 1, 2, 1, IPPROTO_SCTP } },
		{ "0:80", { "", 0, 80, 1, IPPROTO_TCP } },
		{ ":80", { "", 0, 80, 1, IPPROTO_TCP } },
		{ "127.0.0.1:8080:80", { "127.0.0.1", 8080, 80, 1, IPPROTO_TCP } },
		{ "127.0.0.1::80", { "127.0.0.1", 0, 80, 1, IPPROTO_TCP } },
		{ "0.0.0.0:80:80", { "0.0.0.0", 80, 80, 1, IPPROTO_TCP } },
		{ "[::1]:8080:80", { "::1", 8080, 80, 1, IPPROTO_TCP } },
		{ "[2001:0db8:0:0::1]::53/udp", { "2001:db8::1", 0, 53, 1, IPPROTO_UDP } },
		{ "::1:8080:80", { "::1", 8080, 80, 1, IPPROTO_TCP } },
		{ "8000-8010:9000-9010", { "", 8000, 9000, 11, IPPROTO_TCP } },
		{ "9000-9010", { "", 0, 9000, 11, IPPROTO_TCP } },
		{ "65535:65535", { "", 65535, 65535, 1, IPPROTO_TCP } },
		{ "1-65535:1-65535", { "", 1, 1, 65535, IPPROTO_TCP } },
		{ "", { "" }, "parse port '': '' is no port from 1 to 65535" },
		{ "8080:", { "" }, "parse port '8080:': '' is no port from 1 to 65535" },
		{ "0", { "" }, "parse port '0': '0' is no port from 1 to 65535" },
		{ "65536", { "" }, "parse port '65536': '65536' is no port from 1 to 65535" },
		{ "x:80", { "" }, "parse port 'x:80': 'x' is no port from 0 to 65535" },
		{ "127.0.0.1:80",
		  { "" },
		  "parse port '127.0.0.1:80': '127.0.0.1' is no port from 0 to 65535" },
		{ "0-3:1-4", { "" }, "parse port '0-3:1-4': '0-3' is no port from 0 to 65535" },
		{ "90-80", { "" }, "parse port '90-80': '90-80' is no port from 1 to 65535" },
		{ "80-", { "" }, "parse port '80-': '80-' is no port from 1 to 65535" },
		{ "8000-8001:80",
		  { "" },
		  "parse port '8000-8001:80': 2 ports of the host for 1 of the container" },
		{ "80/icmp", { "" }, "parse port '80/icmp': 'icmp' is none of tcp, udp, sctp" },
		{ "80/", { "" }, "parse port '80/': '' is none of tcp, udp, sctp" },
		{ "localhost:80:80",
		  { "" },
		  "parse port 'localhost:80:80': 'localhost' is no address" },
		{ "[127.0.0.1]:80:80",
		  { "" },
		  "parse port '[127.0.0.1]:80:80': '[127.0.0.1]' is no address" },
		{ "[fe80::1%eth0]:80:80",
		  { "" },
		  "parse port '[fe80::1%eth0]:80:80': '[fe80::1%eth0]' is no address" },
		{ "[:80:80", { "" }, "parse port '[:80:80': '[' is no address" },
		{ "80 ", { "" }, "parse port '80 ': '80 ' is no port from 1 to 65535" },
	};

	for (const struct row *row = rows; row < rows + ARRAY_LEN(rows); row++) {
		struct port_mapping value = { "" };
		struct error err = { 0 };
		int rc = parse_port(row->text, &value, &err);

		if (row->error) {
			EXPECT_FAILURE(rc, err, row);
			continue;
		}
		EXPECT_SUCCESS(rc, err, row);
		ck_assert_str_eq(value.host_ip, row->value.host_ip);
		ck_assert_uint_eq(value.host_port, row->value.host_port);
		ck_assert_uint_eq(value.container_port, row->value.container_port);
		ck_assert_uint_eq(value.count, row->value.count);
		ck_assert_uint_eq(value.protocol, row->value.protocol);
	}
}
END_TEST

START_TEST(parses_ulimits)
{
	static const struct row {
		const char *text;
		struct rlimit_text value;
		const char *error;
	} rows[] = {
		{ "nofile=1024:2048", { "RLIMIT_NOFILE", 1024, 2048 } },
		{ "nofile=1024", { "RLIMIT_NOFILE", 1024, 1024 } },
		{ "core=-1", { "RLIMIT_CORE", UINT64_MAX, UINT64_MAX } },
		{ "memlock=64:unlimited", { "RLIMIT_MEMLOCK", 64, UINT64_MAX } },
		{ "RLIMIT_NPROC=5", { "RLIMIT_NPROC", 5, 5 } },
		{ "nofile", { 0 }, "parse ulimit 'nofile': not NAME=SOFT[:HARD]" },
		{ "files=1", { 0 }, "parse ulimit 'files=1': no limit is named 'files'" },
		{ "=1", { 0 }, "parse ulimit '=1': no limit is named ''" },
		{ "nofile=", { 0 }, "parse ulimit 'nofile=': parse number '': not a whole number" },
		{ "nofile=1:",
		  { 0 },
		  "parse ulimit 'nofile=1:': parse number '': not a whole number" },
		{ "nofile=1:2:3",
		  { 0 },
		  "parse ulimit 'nofile=1:2:3': parse number '2:3': not a whole number" },
		{ "nofile=-2",
		  { 0 },
		  "parse ulimit 'nofile=-2': parse number '-2': not a whole number" },
		{ "nofile=3:2",
		  { 0 },
		  "parse ulimit 'nofile=3:2': the soft limit is above the hard limit" },
		{ "nofile=-1:2",
		  { 0 },
		  "parse ulimit 'nofile=-1:2': the soft limit is above the hard limit" },
	};

	for (const struct row *row = rows; row < rows + ARRAY_LEN(rows); row++) {
		struct rlimit_text value = { 0 };
		struct error err = { 0 };
		int rc = parse_ulimit(row->text, &value, &err);

		if (row->error) {
			EXPECT_FAILURE(rc, err, row);
			continue;
		}
		EXPECT_SUCCESS(rc, err, row);
		ck_assert_str_eq(value.name, row->value.name);
		ck_assert_uint_eq(value.soft, row->value.soft);
		ck_assert_uint_eq(value.hard, row->value.hard);
	}
}
END_TEST

START_TEST(finds_rlimits)
{
	int resource = -1;

	ck_assert_int_eq(rlimit_by_name("RLIMIT_NOFILE", &resource), 1);
	ck_assert_int_eq(resource, RLIMIT_NOFILE);
	ck_assert_int_eq(rlimit_by_name("nofile", &resource), 0);
	ck_assert_int_eq(rlimit_by_name("RLIMIT_", &resource), 0);
}
END_TEST

static char *joined(const struct strv *v)
{
	struct str text = { 0 };

	for (size_t i = 0; i < v->n; i++)
		str_addf(&text, "%s%s", i ? "," : "", v->items[i]);
	return str_take(&text);
}

START_TEST(parses_env_files)
{
	static const struct row {
		const char *text; /* of the file */
		const char *variables;
		const char *error; /* behind "read '<path>': " */
	} rows[] = {
		{ "", "" },
		{ "A=1\nB=two words\n", "A=1,B=two words" },
		{ "# no\n\n  \n  # no\n A=1", "A=1" },
		{ "A='1'\nB=\"x\"\nC= y \nD=", "A='1',B=\"x\",C= y ,D=" },
		{ "A=b=c#d", "A=b=c#d" },
		{ "\xef\xbb\xbf"
		  "A=1\r\nB=2\r\n\r\n",
		  "A=1,B=2" },
		{ "MINICTR_TEST_SET\nMINICTR_TEST_UNSET\n", "MINICTR_TEST_SET=from outside" },
		{ "A=1\n=2\n", NULL, "line 2: no name in front of '='" },
		{ "export A=1\n", NULL, "line 1: name 'export A' has a blank in it" },
		{ "A B\n", NULL, "line 1: name 'A B' has a blank in it" },
	};
	struct temp temp;
	auto_free char *path = NULL;

	temp_make(&temp);
	path = xasprintf("%s/env", temp.path);
	(void)setenv("MINICTR_TEST_SET", "from outside", 1);
	(void)unsetenv("MINICTR_TEST_UNSET");
	for (const struct row *row = rows; row < rows + ARRAY_LEN(rows); row++) {
		auto_strv struct strv variables = { 0 };
		auto_free char *expected = xasprintf("read '%s': %s", path, row->error);
		auto_free char *got = NULL;
		struct error err = { 0 };
		int rc;

		ck_assert_int_eq(file_replace_at(&temp.dir, "env", row->text, strlen(row->text),
						 0600, FILE_FAST, &err),
				 0);
		rc = parse_env_file(path, &variables, &err);
		got = joined(&variables);
		if (row->error) {
			ck_assert_int_eq(rc, -EINVAL);
			ck_assert_str_eq(err.msg, expected);
			ck_assert_str_eq(got, "");
		} else {
			EXPECT_SUCCESS(rc, err, row);
			ck_assert_str_eq(got, row->variables);
		}
	}
	temp_remove(&temp);
}
END_TEST

START_TEST(refuses_broken_env_files)
{
	auto_strv struct strv variables = { 0 };
	auto_free char *path = NULL;
	auto_free char *expected = NULL;
	struct error err = { 0 };
	struct temp temp;

	ck_assert_int_eq(parse_env_file("/nonexistent/env", &variables, &err), -ENOENT);
	ck_assert_str_eq(err.msg, "read '/nonexistent/env': no such file or directory");

	temp_make(&temp);
	path = xasprintf("%s/env", temp.path);
	expected = xasprintf("read '%s': has a NUL byte in it", path);
	ck_assert_int_eq(file_replace_at(&temp.dir, "env", "A=1\0B=2", 7, 0600, FILE_FAST, &err),
			 0);
	ck_assert_int_eq(parse_env_file(path, &variables, &err), -EINVAL);
	ck_assert_str_eq(err.msg, expected);
	temp_remove(&temp);
}
END_TEST

START_TEST(knows_names)
{
	char long_name[130] = { 0 };

	memset(long_name, 'a', 128);
	ck_assert(is_valid_name("a"));
	ck_assert(is_valid_name("Web-1_x.y+z"));
	ck_assert(is_valid_name(long_name));
	long_name[128] = 'a';
	ck_assert(!is_valid_name(long_name));
	ck_assert(!is_valid_name(""));
	ck_assert(!is_valid_name("."));
	ck_assert(!is_valid_name("-a"));
	ck_assert(!is_valid_name("a/b"));
	ck_assert(!is_valid_name("a b"));
	ck_assert(!is_valid_name("a\n"));
	ck_assert(!is_valid_name("\xc3\xa4"));
}
END_TEST

START_TEST(formats_for_people)
{
	static const struct {
		uint64_t value;
		const char *size, *duration;
	} rows[] = {
		{ 0, "0 B", "0 ns" },
		{ 820, "820 B", "820 ns" },
		{ 1023, "1023 B", "1 us" },
		{ 1024, "1 KiB", "1 us" },
		{ 1536, "1.5 KiB", "1.5 us" },
		{ 12400, "12.1 KiB", "12 us" },
		{ 999949, "977 KiB", "1 ms" },
		{ 1048575, "1 MiB", "1 ms" },
		{ 1900000, "1.8 MiB", "1.9 ms" },
		{ 9960000, "9.5 MiB", "10 ms" },
		{ 67108864, "64 MiB", "67 ms" },
		{ 104752742, "99.9 MiB", "105 ms" },
		{ 1610612736, "1.5 GiB", "1.6 s" },
		{ 75000000000, "69.8 GiB", "75 s" },
		{ UINT64_MAX, "16384 PiB", "18446744074 s" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char buf[32];

		format_size(rows[i].value, buf, sizeof(buf));
		ck_assert_str_eq(buf, rows[i].size);
		format_duration(rows[i].value, buf, sizeof(buf));
		ck_assert_str_eq(buf, rows[i].duration);
	}
}
END_TEST

TEST_MAIN("base/parse", parses_unsigned_numbers, parses_signed_numbers, parses_booleans,
	  parses_sizes, parses_durations, parses_cpus, checks_cpu_lists, parses_signals,
	  names_signals, parses_ports, parses_ulimits, finds_rlimits, parses_env_files,
	  refuses_broken_env_files, knows_names, formats_for_people)
