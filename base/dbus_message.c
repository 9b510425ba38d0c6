/* SPDX-License-Identifier: Apache-2.0 */
#include "base/dbus_message.h"

#include <string.h>

#include "base/macros.h"

enum {
	FIELD_PATH = 1,
	FIELD_INTERFACE,
	FIELD_MEMBER,
	FIELD_ERROR_NAME,
	FIELD_REPLY_SERIAL,
	FIELD_DESTINATION,
	FIELD_SENDER,
	FIELD_SIGNATURE,
};

/* Where the length of the header's fields stands; they follow it. */
#define FIELDS_AT 12

/* ---- to write: little-endian, whatever the machine */

void dbus_align(struct str *out, size_t to)
{
	while (out->len % to)
		str_add_len(out, "", 1);
}

static void put_number(struct str *out, uint64_t value, size_t size)
{
	dbus_align(out, size);
	for (size_t i = 0; i < size; i++)
		str_add_len(out, (const char[]){ (char)(value >> (8 * i) & 0xff) }, 1);
}

void dbus_put_byte(struct str *out, uint8_t value)
{
	put_number(out, value, 1);
}

void dbus_put_u16(struct str *out, uint16_t value)
{
	put_number(out, value, sizeof(value));
}

void dbus_put_u32(struct str *out, uint32_t value)
{
	put_number(out, value, sizeof(value));
}

void dbus_put_u64(struct str *out, uint64_t value)
{
	put_number(out, value, sizeof(value));
}

void dbus_put_string(struct str *out, const char *text)
{
	dbus_put_u32(out, (uint32_t)strlen(text));
	str_add_len(out, text, strlen(text) + 1);
}

void dbus_put_signature(struct str *out, const char *text)
{
	dbus_put_byte(out, (uint8_t)strlen(text));
	str_add_len(out, text, strlen(text) + 1);
}

static void patch_u32(struct str *out, size_t at, uint32_t value)
{
	for (size_t i = 0; i < sizeof(value); i++)
		out->text[at + i] = (char)(value >> (8 * i) & 0xff);
}

/* The length does not count what aligns the first element, which is there even without any. */
struct dbus_array dbus_array_begin(struct str *out, size_t element_alignment)
{
	struct dbus_array array;

	dbus_put_u32(out, 0);
	array.length_at = out->len - sizeof(uint32_t);
	dbus_align(out, element_alignment);
	array.begin = out->len;
	return array;
}

void dbus_array_end(struct str *out, const struct dbus_array *array)
{
	patch_u32(out, array->length_at, (uint32_t)(out->len - array->begin));
}

static void put_field(struct str *out, uint8_t field, const char *type, const char *text)
{
	if (!text || !*text)
		return;
	dbus_align(out, 8);
	dbus_put_byte(out, field);
	dbus_put_signature(out, type);
	if (*type == 'g')
		dbus_put_signature(out, text);
	else
		dbus_put_string(out, text);
}

void dbus_call_build(const struct dbus_call *call, uint32_t serial, struct str *out)
{
	static const char start[] = { 'l', DBUS_CALL, 0, 1 }; /* no flags, version 1 */
	struct dbus_array fields;

	str_clear(out);
	str_add_len(out, start, sizeof(start));
	dbus_put_u32(out, call->body ? (uint32_t)call->body->len : 0);
	dbus_put_u32(out, serial);
	fields = dbus_array_begin(out, 8);
	put_field(out, FIELD_PATH, "o", call->path);
	put_field(out, FIELD_DESTINATION, "s", call->destination);
	put_field(out, FIELD_INTERFACE, "s", call->interface);
	put_field(out, FIELD_MEMBER, "s", call->member);
	put_field(out, FIELD_SIGNATURE, "g", call->signature);
	dbus_array_end(out, &fields);
	dbus_align(out, 8);
	if (call->body)
		str_add_len(out, call->body->text, call->body->len);
}

/* ---- to read */

static bool skip_to(struct dbus_reader *r, size_t alignment)
{
	size_t at = (r->at + alignment - 1) / alignment * alignment;

	if (at > r->len)
		return false;
	r->at = at;
	return true;
}

static bool get_number(struct dbus_reader *r, size_t size, uint64_t *ret)
{
	uint64_t value = 0;

	if (!skip_to(r, size) || r->len - r->at < size)
		return false;
	for (size_t i = 0; i < size; i++) {
		size_t place = r->is_big_endian ? size - 1 - i : i;

		value |= (uint64_t)r->data[r->at + i] << (8 * place);
	}
	r->at += size;
	*ret = value;
	return true;
}

bool dbus_get_byte(struct dbus_reader *r, uint8_t *ret)
{
	uint64_t value;

	if (!get_number(r, sizeof(*ret), &value))
		return false;
	*ret = (uint8_t)value;
	return true;
}

bool dbus_get_u32(struct dbus_reader *r, uint32_t *ret)
{
	uint64_t value;

	if (!get_number(r, sizeof(*ret), &value))
		return false;
	*ret = (uint32_t)value;
	return true;
}

/* @len bytes without a NUL among them, and one behind them. */
static bool get_text(struct dbus_reader *r, size_t len, const char **ret)
{
	const unsigned char *text = r->data + r->at;

	if (len >= r->len - r->at || memchr(text, '\0', len + 1) != text + len)
		return false;
	r->at += len + 1;
	*ret = (const char *)text;
	return true;
}

bool dbus_get_string(struct dbus_reader *r, const char **ret)
{
	uint32_t len;

	return dbus_get_u32(r, &len) && get_text(r, len, ret);
}

bool dbus_get_signature(struct dbus_reader *r, const char **ret)
{
	uint8_t len;

	return dbus_get_byte(r, &len) && get_text(r, len, ret);
}

static bool get_head(const unsigned char *data, size_t len, struct dbus_reader *r,
		     uint32_t *ret_body, uint32_t *ret_fields)
{
	uint32_t serial;

	*r = (struct dbus_reader){ .data = data, .len = len, .is_big_endian = data[0] == 'B' };
	if ((data[0] != 'l' && data[0] != 'B') || data[3] != 1)
		return false;
	r->at = 4;
	return dbus_get_u32(r, ret_body) && dbus_get_u32(r, &serial) && dbus_get_u32(r, ret_fields);
}

size_t dbus_message_length(const unsigned char *head)
{
	struct dbus_reader r;
	uint32_t body, fields;

	if (!get_head(head, DBUS_HEAD, &r, &body, &fields) || body > DBUS_MESSAGE_MAX ||
	    fields > DBUS_MESSAGE_MAX)
		return 0;
	fields = (fields + 7) / 8 * 8;
	return DBUS_HEAD + (size_t)fields + body;
}

/* A value of a simple type: that is what fields of a header have, those to come most likely too. */
static bool skip_value(struct dbus_reader *r, const char *type)
{
	static const struct {
		char type;
		size_t size;
	} numbers[] = { { 'y', 1 }, { 'n', 2 }, { 'q', 2 }, { 'b', 4 }, { 'i', 4 },
			{ 'u', 4 }, { 'h', 4 }, { 'x', 8 }, { 't', 8 }, { 'd', 8 } };
	const char *text;
	uint64_t value;

	if (str_eq(type, "s") || str_eq(type, "o"))
		return dbus_get_string(r, &text);
	if (str_eq(type, "g"))
		return dbus_get_signature(r, &text);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		if (*type == numbers[i].type && !type[1])
			return get_number(r, numbers[i].size, &value);
	return false;
}

static bool get_field(struct dbus_reader *r, struct dbus_message *m)
{
	const struct {
		uint8_t field;
		const char *type;
		const char **place;
	} texts[] = {
		{ FIELD_PATH, "o", &m->path },
		{ FIELD_INTERFACE, "s", &m->interface },
		{ FIELD_MEMBER, "s", &m->member },
		{ FIELD_ERROR_NAME, "s", &m->error_name },
	};
	const char *type;
	uint8_t field;

	if (!skip_to(r, 8) || !dbus_get_byte(r, &field) || !dbus_get_signature(r, &type))
		return false;
	if (field == FIELD_REPLY_SERIAL)
		return str_eq(type, "u") && dbus_get_u32(r, &m->reply_serial);
	if (field == FIELD_SIGNATURE)
		return str_eq(type, "g") && dbus_get_signature(r, &m->signature);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (field == texts[i].field)
			return str_eq(type, texts[i].type) && dbus_get_string(r, texts[i].place);
	return skip_value(r, type);
}

bool dbus_message_parse(const unsigned char *data, size_t len, struct dbus_message *ret)
{
	struct dbus_message m = {
		.path = "", .interface = "", .member = "", .error_name = "", .signature = ""
	};
	struct dbus_reader r;
	uint32_t body, fields;

	if (len < DBUS_HEAD || dbus_message_length(data) != len ||
	    !get_head(data, len, &r, &body, &fields))
		return false;
	m.type = data[1];
	r.len = FIELDS_AT + sizeof(uint32_t) + fields;
	while (r.at < r.len)
		if (!get_field(&r, &m))
			return false;
	m.body = (struct dbus_reader){ .data = data + (len - body),
				       .len = body,
				       .is_big_endian = r.is_big_endian };
	*ret = m;
	return true;
}
