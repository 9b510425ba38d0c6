/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include <sys/capability.h>

#include "base/mem.h"
#include "base/parse.h"

/* sethostname(2) takes 64 bytes; the letters are those of RFC 1123 and the '_' of practice. */
int parse_hostname(const char *text, struct error *err)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)text[i]) && (i == 0 || !strchr("-._", text[i])))
			return err_set(err, EINVAL, "'%s' is no host name", text);
	}
	if (len == 0 || len > 64)
		return err_set(err, EINVAL, "'%s' is no host name of 1 to 64 letters", text);
	return 0;
}

bool is_address(const char *text)
{
	unsigned char address[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1;
}

/* An IPv6 address may have brackets and has colons of its own. */
int parse_host_line(const char *text, char **ret, struct error *err)
{
	size_t len = strcspn(text, ":=");
	const char *address = text[len] ? text + len + 1 : "";
	size_t size = strlen(address);
	bool has_brackets = size > 2 && address[0] == '[' && address[size - 1] == ']';
	auto_free char *plain = has_brackets ? xstrndup(address + 1, size - 2) : xstrdup(address);

	if (len == 0 || (!is_address(plain) && strcmp(plain, "host-gateway") != 0))
		return err_set(err, EINVAL, "'%s' is not NAME:ADDRESS", text);
	*ret = xasprintf("%.*s:%s", (int)len, text, plain);
	return 0;
}

int parse_capability(const char *text, char **ret, struct error *err)
{
	bool has_prefix = strncasecmp(text, "CAP_", 4) == 0;
	auto_free char *name = xasprintf("CAP_%s", has_prefix ? text + 4 : text);
	cap_value_t value;

	for (char *c = name; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	if (!has_prefix && strcmp(name, "CAP_ALL") == 0) {
		*ret = xstrdup("ALL");
		return 0;
	}
	if (strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") != strlen(name) ||
	    cap_from_name(name, &value) < 0)
		return err_set(err, EINVAL, "there is no capability '%s'", text);
	*ret = take_ptr(name);
	return 0;
}
