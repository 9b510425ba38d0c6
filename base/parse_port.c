/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#include "base/macros.h"
#include "base/mem.h"
#include "base/parse.h"

struct range {
	uint16_t first;
	uint16_t count;
};

static int parse_protocol(const char *text, uint8_t *ret)
{
	static const struct {
		const char *name;
		uint8_t number;
	} protocols[] = {
		{ "tcp", IPPROTO_TCP },
		{ "udp", IPPROTO_UDP },
		{ "sctp", IPPROTO_SCTP },
	};

	for (size_t i = 0; i < ARRAY_LEN(protocols); i++) {
		if (strcasecmp(text, protocols[i].name) == 0) {
			*ret = protocols[i].number;
			return 0;
		}
	}
	return -EINVAL;
}

/* "80", "8000-8010" */
static int parse_range(const char *text, struct range *ret)
{
	const char *dash = strchr(text, '-');
	auto_free char *first_text = dash ? xstrndup(text, (size_t)(dash - text)) : xstrdup(text);
	struct error ignored;
	uint64_t first = 0;
	uint64_t last = 0;

	if (parse_uint64(first_text, UINT16_MAX, &first, &ignored) < 0)
		return -EINVAL;
	last = first;
	if (dash && parse_uint64(dash + 1, UINT16_MAX, &last, &ignored) < 0)
		return -EINVAL;
	/* Port 0 means "choose one", which has no meaning as the end of a range. */
	if (last < first || (dash && first == 0))
		return -EINVAL;
	*ret = (struct range){ .first = (uint16_t)first, .count = (uint16_t)(last - first + 1) };
	return 0;
}

/* An address in its shortest form; IPv6 may stand in brackets. */
static int parse_address(const char *text, char ret[46])
{
	size_t len = strlen(text);
	bool has_brackets = text[0] == '[' && text[len - 1] == ']';
	auto_free char *plain = has_brackets ? xstrndup(text + 1, len - 2) : xstrdup(text);
	unsigned char address[sizeof(struct in6_addr)];

	if (!has_brackets && inet_pton(AF_INET, plain, address) == 1)
		return inet_ntop(AF_INET, address, ret, 46) ? 0 : -EINVAL;
	if (inet_pton(AF_INET6, plain, address) == 1)
		return inet_ntop(AF_INET6, address, ret, 46) ? 0 : -EINVAL;
	return -EINVAL;
}

/* Cuts the part behind the last @sep off; NULL if there is none. */
static char *cut_last(char *text, char sep)
{
	char *at = strrchr(text, sep);

	if (!at)
		return NULL;
	*at = '\0';
	return at + 1;
}

static int set_ports(const char *text, const char *host, const char *container,
		     struct port_mapping *mapping, struct error *err)
{
	struct range inside = { 0 };
	struct range outside = { 0 };

	if (parse_range(container, &inside) < 0 || inside.first == 0)
		return err_set(err, EINVAL, "parse port '%s': '%s' is no port from 1 to 65535",
			       text, container);
	if (host && *host && parse_range(host, &outside) < 0)
		return err_set(err, EINVAL, "parse port '%s': '%s' is no port from 0 to 65535",
			       text, host);
	if (outside.first && outside.count != inside.count)
		return err_set(err, EINVAL,
			       "parse port '%s': %u ports of the host for %u of the container",
			       text, outside.count, inside.count);
	mapping->host_port = outside.first;
	mapping->container_port = inside.first;
	mapping->count = inside.count;
	return 0;
}

int parse_port(const char *text, struct port_mapping *ret, struct error *err)
{
	struct port_mapping mapping = { .protocol = IPPROTO_TCP };
	auto_free char *rest = xstrdup(text);
	const char *protocol = cut_last(rest, '/');
	const char *container;
	const char *host = NULL;
	const char *address = NULL;
	int rc;

	if (protocol && parse_protocol(protocol, &mapping.protocol) < 0)
		return err_set(err, EINVAL, "parse port '%s': '%s' is none of tcp, udp, sctp", text,
			       protocol);

	container = cut_last(rest, ':');
	if (container) {
		host = cut_last(rest, ':');
		address = host ? rest : NULL;
		host = host ? host : rest;
	} else {
		container = rest;
	}
	if (address && *address && parse_address(address, mapping.host_ip) < 0)
		return err_set(err, EINVAL, "parse port '%s': '%s' is no address", text, address);

	rc = set_ports(text, host, container, &mapping, err);
	if (rc < 0)
		return rc;
	*ret = mapping;
	return 0;
}
