/* SPDX-License-Identifier: Apache-2.0 */
/* D-Bus messages: whatever is read lies within the message, and texts end where they say. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/dbus_message.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text, const unsigned char *data, size_t size)
{
	const unsigned char *begin = (const unsigned char *)text;

	if (!*text)
		return;
	if (begin < data || begin + strlen(text) >= data + size)
		abort();
}

/* By its signature, as far as we read of the types. */
static void read_body(struct dbus_message *m, const unsigned char *data, size_t size)
{
	for (const char *type = m->signature; *type; type++) {
		const char *text;
		uint32_t number;
		uint8_t byte;
		bool is_read;

		if (*type == 's' || *type == 'o')
			is_read = dbus_get_string(&m->body, &text);
		else if (*type == 'g')
			is_read = dbus_get_signature(&m->body, &text);
		else if (*type == 'y')
			is_read = dbus_get_byte(&m->body, &byte);
		else
			is_read = dbus_get_u32(&m->body, &number);
		if (!is_read)
			return;
		if (strchr("sog", *type))
			check_text(text, data, size);
		if (m->body.at > m->body.len)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char *copy =
		xmalloc(size ? size : 1); /* no more, so that a byte too far is seen */
	struct dbus_message m;

	if (size >= DBUS_HEAD) {
		memcpy(copy, data, size);
		if (dbus_message_length(copy) > DBUS_HEAD + 2 * (size_t)DBUS_MESSAGE_MAX + 8)
			abort();
		if (dbus_message_parse(copy, size, &m)) {
			check_text(m.path, copy, size);
			check_text(m.interface, copy, size);
			check_text(m.member, copy, size);
			check_text(m.error_name, copy, size);
			check_text(m.signature, copy, size);
			read_body(&m, copy, size);
		}
	}
	free(copy);
	return 0;
}
