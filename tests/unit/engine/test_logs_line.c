/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "engine/logs_line.h"
#include "tests/unit/test.h"

static char *encode(const char *data, size_t len)
{
	const struct log_entry entry = {
		.stream = LOG_STDERR, .time_ns = 1500000000, .data = data, .len = len
	};
	struct str out = { 0 };

	log_line_encode(&entry, &out);
	return str_take(&out);
}

START_TEST(encodes_as_docker_does)
{
	static const struct {
		const char *data;
		size_t len; /* 0: a string */
		const char *text;
	} rows[] = {
		{ "hello\n", 0, "hello\\n" },
		{ "", 0, "" },
		{ "\"\\/\r\t\b\x01\x7f", 0, "\\\"\\\\/\\r\\u0009\\u0008\\u0001\x7f" },
		{ "<a & b>", 0, "\\u003ca \\u0026 b\\u003e" },
		{ "a\0b", 3, "a\\u0000b" },
		{ "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xb3", 0,
		  "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xb3" },
		{ "\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa", 0, "\\u2028\\u2029\xe2\x80\xaa" },
		/* Latin-1, a cut character, overlong forms, a surrogate, beyond the last plane */
		{ "caf\xe9!", 0, "caf\\ufffd!" },
		{ "\xe2\x82", 0, "\\ufffd\\ufffd" },
		{ "\xc0\x80\xc1\xbf", 0, "\\ufffd\\ufffd\\ufffd\\ufffd" },
		{ "\xe0\x9f\xbf", 0, "\\ufffd\\ufffd\\ufffd" },
		{ "\xed\xa0\x80", 0, "\\ufffd\\ufffd\\ufffd" },
		{ "\xf4\x90\x80\x80", 0, "\\ufffd\\ufffd\\ufffd\\ufffd" },
		{ "\xf0\x8f\xbf\xbf", 0, "\\ufffd\\ufffd\\ufffd\\ufffd" },
		{ "\xff\xfe\x80", 0, "\\ufffd\\ufffd\\ufffd" },
		{ "\xc3(", 0, "\\ufffd(" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *line = encode(rows[i].data, rows[i].len ? rows[i].len : strlen(rows[i].data));
		struct str wanted = { 0 };

		str_addf(
			&wanted,
			"{\"log\":\"%s\",\"stream\":\"stderr\",\"time\":\"1970-01-01T00:00:01.5Z\"}\n",
			rows[i].text);
		ck_assert_str_eq(line, wanted.text);
		str_fini(&wanted);
		free(line);
	}
}
END_TEST

START_TEST(decodes_what_it_encodes)
{
	static const char *const texts[] = {
		"hello\n",
		"",
		"\n",
		"no newline",
		"\"quotes\" \\ / \r\n",
		"\x01\x02\x1f\x7f",
		"\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\xb3\xe2\x80\xa8",
		"{\"log\":\"x\",\"stream\":\"stdout\"}\n",
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		char *line = encode(texts[i], strlen(texts[i]));
		struct str data = { 0 };
		struct log_entry entry;

		ck_assert(log_line_decode(line, strlen(line) - 1, &data, &entry));
		ck_assert_uint_eq(entry.len, strlen(texts[i]));
		ck_assert_int_eq(memcmp(entry.data, texts[i], entry.len), 0);
		ck_assert_int_eq(entry.stream, LOG_STDERR);
		ck_assert_int_eq(entry.time_ns, 1500000000);
		str_fini(&data);
		free(line);
	}
}
END_TEST

#define TAIL "\",\"stream\":\"stdout\",\"time\":\"1970-01-01T00:00:00Z\"}"

START_TEST(decodes_strictly)
{
	static const struct {
		const char *line;
		const char *data; /* NULL: refused */
	} rows[] = {
		{ "{\"log\":\"a\\/\\b\\f\\n\\r\\t\\\"\\\\" TAIL, "a/\b\f\n\r\t\"\\" },
		{ "{\"log\":\"\\u00e9\\u20ac\\uD83D\\udc33" TAIL,
		  "\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\xb3" },
		{ "{\"log\":\"\\ud83d" TAIL, NULL },
		{ "{\"log\":\"\\ud83d\\u0041" TAIL, NULL },
		{ "{\"log\":\"\\udc33" TAIL, NULL },
		{ "{\"log\":\"\\u12" TAIL, NULL },
		{ "{\"log\":\"\\u00g0" TAIL, NULL },
		{ "{\"log\":\"\\u00\x10\x10" TAIL, NULL },
		{ "{\"log\":\"\\x" TAIL, NULL },
		{ "{\"log\":\"a", NULL },
		{ "{\"log\":\"a\\", NULL },
		{ "{\"log\":\"a\"", NULL },
		{ "{\"log\":\"a\",\"stream\":\"stdin\",\"time\":\"1970-01-01T00:00:00Z\"}", NULL },
		{ "{\"log\":\"a\",\"stream\":\"stdout\",\"time\":\"yesterday\"}", NULL },
		{ "{\"log\":\"a\",\"stream\":\"stdout\",\"time\":\"1970-01-01T00:00:00Z\"} ",
		  NULL },
		{ "{\"log\":\"a\",\"stream\":\"stdout\",\"time\":\"1970-01-01T00:00:00Z\"", NULL },
		{ " {\"log\":\"a" TAIL, NULL },
		{ "", NULL },
		{ "null", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str data = { 0 };
		struct log_entry entry;
		bool is_good = log_line_decode(rows[i].line, strlen(rows[i].line), &data, &entry);

		ck_assert_msg(is_good == (rows[i].data != NULL), "'%s'", rows[i].line);
		if (is_good)
			ck_assert_msg(entry.len == strlen(rows[i].data) &&
					      memcmp(entry.data, rows[i].data, entry.len) == 0,
				      "'%s'", rows[i].line);
		str_fini(&data);
	}
}
END_TEST

START_TEST(has_a_longest_line)
{
	static char data[LOG_MESSAGE_MAX];
	char *line;

	memset(data, 1, sizeof(data));
	line = encode(data, sizeof(data));
	ck_assert_uint_lt(strlen(line), LOG_LINE_MAX);
	free(line);
}
END_TEST

TEST_MAIN("engine/logs_line", encodes_as_docker_does, decodes_what_it_encodes, decodes_strictly,
	  has_a_longest_line)
