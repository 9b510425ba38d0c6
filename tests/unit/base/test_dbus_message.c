/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/dbus_message.h"
#include "base/mem.h"
#include "base/str.h"
#include "tests/unit/test.h"

#define AS_BYTES(text) ((const unsigned char *)(text))

static void check_bytes(const struct str *got, const char *wanted, size_t len)
{
	ck_assert_uint_eq(got->len, len);
	ck_assert_mem_eq(got->text, wanted, len);
}

START_TEST(puts_values_at_their_alignment)
{
	auto_str struct str out = { 0 };
	struct dbus_array array;

	dbus_put_byte(&out, 0xff);
	dbus_put_u16(&out, 0x0102);
	dbus_put_u64(&out, 0x0807060504030201);
	dbus_put_byte(&out, 1);
	dbus_put_string(&out, "ab");
	dbus_put_signature(&out, "as");
	check_bytes(&out,
		    "\xff\0\x02\x01\0\0\0\0"
		    "\1\2\3\4\5\6\7\x08"
		    "\1\0\0\0\2\0\0\0ab\0"
		    "\2as",
		    31);

	/* The padding in front of the first element does not count. */
	str_clear(&out);
	array = dbus_array_begin(&out, 8);
	dbus_put_u64(&out, 7);
	dbus_array_end(&out, &array);
	check_bytes(&out, "\x08\0\0\0\0\0\0\0\7\0\0\0\0\0\0\0", 16);
	str_clear(&out);
	dbus_put_u32(&out, 1);
	array = dbus_array_begin(&out, 8);
	dbus_array_end(&out, &array);
	check_bytes(&out, "\1\0\0\0\0\0\0\0", 8);
}
END_TEST

START_TEST(builds_a_call)
{
	auto_str struct str body = { 0 };
	auto_str struct str out = { 0 };
	const struct dbus_call call = {
		.destination = "a.b",
		.path = "/x",
		.interface = "i.f",
		.member = "Do",
		.signature = "s",
		.body = &body,
	};
	struct dbus_message m;
	const char *text;

	dbus_put_string(&body, "hello");
	dbus_call_build(&call, 7, &out);
	ck_assert_uint_eq(dbus_message_length(AS_BYTES(out.text)), out.len);
	ck_assert(dbus_message_parse(AS_BYTES(out.text), out.len, &m));
	ck_assert_uint_eq(m.type, DBUS_CALL);
	ck_assert_str_eq(m.path, "/x");
	ck_assert_str_eq(m.interface, "i.f");
	ck_assert_str_eq(m.member, "Do");
	ck_assert_str_eq(m.error_name, "");
	ck_assert_str_eq(m.signature, "s");
	ck_assert(dbus_get_string(&m.body, &text));
	ck_assert_str_eq(text, "hello");
	ck_assert(!dbus_get_string(&m.body, &text));

	/* Any part of it is no message. */
	for (size_t len = 0; len < out.len; len++)
		ck_assert(!dbus_message_parse(AS_BYTES(out.text), len, &m));
}
END_TEST

START_TEST(builds_a_call_without_a_body)
{
	auto_str struct str out = { 0 };
	const struct dbus_call call = { .path = "/x", .member = "Do", .signature = "" };
	struct dbus_message m;
	uint8_t byte;

	dbus_call_build(&call, 1, &out);
	ck_assert(dbus_message_parse(AS_BYTES(out.text), out.len, &m));
	ck_assert_str_eq(m.signature, "");
	ck_assert(!dbus_get_byte(&m.body, &byte));
}
END_TEST

/* An error as a big-endian machine sends it, with a field that nobody knows yet. */
static const char foreign[] = "B\3\1\1\0\0\0\7\0\0\0\2\0\0\0\x1d"
			      "\4\1s\0\0\0\0\3a.B\0\0\0\0\0"
			      "\5\1u\0\0\0\0\x09"
			      "\x2a\1y\0\7\0\0\0"
			      "\0\0\0\2no";

START_TEST(reads_what_others_send)
{
	struct dbus_message m;
	const char *text;

	ck_assert_uint_eq(dbus_message_length(AS_BYTES(foreign)), sizeof(foreign));
	ck_assert(dbus_message_parse(AS_BYTES(foreign), sizeof(foreign), &m));
	ck_assert_uint_eq(m.type, DBUS_ERROR);
	ck_assert_uint_eq(m.reply_serial, 9);
	ck_assert_str_eq(m.error_name, "a.B");
	ck_assert(dbus_get_string(&m.body, &text));
	ck_assert_str_eq(text, "no");
}
END_TEST

START_TEST(refuses_what_is_no_message)
{
	static const struct {
		const char *why;
		size_t at;
		char byte;
	} rows[] = {
		{ "byte order", 0, 'x' },        { "version", 3, 2 },
		{ "body too long", 4, 0x10 },    { "body longer than it is", 7, 8 },
		{ "fields too long", 12, 1 },    { "fields that end amid one", 15, 0x1e },
		{ "type of a name", 18, 'u' },   { "a text beyond the end", 22, 1 },
		{ "a text without end", 27, 1 }, { "a text that ends early", 24, 0 },
		{ "an unknown type", 42, 'v' },
	};
	struct dbus_message m;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char copy[sizeof(foreign)];

		memcpy(copy, foreign, sizeof(foreign));
		copy[rows[i].at] = rows[i].byte;
		ck_assert_msg(!dbus_message_parse(AS_BYTES(copy), sizeof(copy), &m), "%s",
			      rows[i].why);
	}
}
END_TEST

TEST_MAIN("base/dbus_message", puts_values_at_their_alignment, builds_a_call,
	  builds_a_call_without_a_body, reads_what_others_send, refuses_what_is_no_message)
