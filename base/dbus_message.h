/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/*
 * D-Bus messages: as much of the format as it takes to ask systemd for something.  Pure.
 *
 * Source: D-Bus specification, "Marshaling (Wire Format)" and "Message Protocol".
 */

/* What we send is small; more than this of an answer is refused before it is read. */
#define DBUS_MESSAGE_MAX (1U << 20)
/* As much of a message as says how long it is. */
#define DBUS_HEAD 16

/* ---- to write: values behind each other, each at the alignment of its type */

void dbus_put_byte(struct str *out, uint8_t value);
void dbus_put_u16(struct str *out, uint16_t value);
void dbus_put_u32(struct str *out, uint32_t value); /* booleans, too */
void dbus_put_u64(struct str *out, uint64_t value);
void dbus_put_string(struct str *out, const char *text); /* object paths, too */
void dbus_put_signature(struct str *out, const char *text);
void dbus_align(struct str *out, size_t to); /* before a struct: 8 */

struct dbus_array {
	size_t length_at, begin;
};
struct dbus_array dbus_array_begin(struct str *out, size_t element_alignment);
void dbus_array_end(struct str *out, const struct dbus_array *array);

struct dbus_call {
	const char *destination, *path, *interface, *member;
	const char *signature;  /* of the body; "": there is none */
	const struct str *body; /* borrowed; may be NULL */
};

/* The whole of a method call. */
void dbus_call_build(const struct dbus_call *call, uint32_t serial, struct str *out);

/* ---- to read: false means that the value is not there, or not one */

struct dbus_reader {
	const unsigned char *data; /* borrowed */
	size_t len, at;
	bool is_big_endian;
};

bool dbus_get_byte(struct dbus_reader *r, uint8_t *ret);
bool dbus_get_u32(struct dbus_reader *r, uint32_t *ret);
bool dbus_get_string(struct dbus_reader *r, const char **ret); /* object paths, too; borrowed */
bool dbus_get_signature(struct dbus_reader *r, const char **ret);

enum dbus_type { DBUS_CALL = 1, DBUS_REPLY, DBUS_ERROR, DBUS_SIGNAL };

/* Texts point into the message; "" is what it does not have. */
struct dbus_message {
	uint8_t type; /* enum dbus_type, or what may be added to it some day */
	uint32_t reply_serial;
	const char *path, *interface, *member, *error_name, *signature;
	struct dbus_reader body;
};

/* The length of the message that begins with these DBUS_HEAD bytes; 0: it is none, or too long. */
size_t dbus_message_length(const unsigned char *head);

/* @data: one whole message, which has to outlive *ret. */
bool dbus_message_parse(const unsigned char *data, size_t len, struct dbus_message *ret);
