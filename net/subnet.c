/* SPDX-License-Identifier: Apache-2.0 */
#include "net/subnet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "base/parse.h"

uint32_t subnet_size(const struct subnet *subnet)
{
	return subnet->prefix ? (uint32_t)(UINT64_C(1) << (32 - subnet->prefix)) : UINT32_MAX;
}

struct in_addr subnet_mask(const struct subnet *subnet)
{
	return (struct in_addr){ subnet->prefix ? htonl(UINT32_MAX << (32 - subnet->prefix)) : 0 };
}

struct in_addr subnet_at(const struct subnet *subnet, uint32_t offset)
{
	return (struct in_addr){ htonl(ntohl(subnet->address.s_addr) + offset) };
}

uint32_t subnet_offset(const struct subnet *subnet, struct in_addr address)
{
	return ntohl(address.s_addr) - ntohl(subnet->address.s_addr);
}

bool subnet_has(const struct subnet *subnet, struct in_addr address)
{
	return ((address.s_addr ^ subnet->address.s_addr) & subnet_mask(subnet).s_addr) == 0;
}

bool subnet_overlaps(const struct subnet *a, const struct subnet *b)
{
	return a->prefix < b->prefix ? subnet_has(a, b->address) : subnet_has(b, a->address);
}

int subnet_parse(const char *text, struct subnet *ret, struct error *err)
{
	const char *slash = strchr(text, '/');
	auto_free char *address = slash ? xstrndup(text, (size_t)(slash - text)) : NULL;
	struct subnet subnet = { 0 };
	struct error ignored;
	uint64_t prefix = 0;

	if (!slash || inet_pton(AF_INET, address, &subnet.address) != 1 ||
	    parse_uint64(slash + 1, 30, &prefix, &ignored) < 0 || prefix < 8)
		return err_set(err, EINVAL,
			       "parse subnet '%s': not ADDRESS/PREFIX with a prefix of 8 to 30",
			       text);
	subnet.prefix = (uint8_t)prefix;
	if (subnet.address.s_addr & ~subnet_mask(&subnet).s_addr)
		return err_set(err, EINVAL,
			       "parse subnet '%s': the address has bits behind the prefix", text);
	*ret = subnet;
	return 0;
}

void subnet_format(const struct subnet *subnet, char ret[SUBNET_TEXT_MAX])
{
	char text[INET_ADDRSTRLEN];

	(void)inet_ntop(AF_INET, &subnet->address, text, sizeof(text));
	(void)snprintf(ret, SUBNET_TEXT_MAX, "%s/%u", text, subnet->prefix);
}

void subnets_add(struct subnets *subnets, const struct subnet *subnet)
{
	/* Grows by doubling: the number is a power of two when there is no room. */
	if ((subnets->n & (subnets->n - 1)) == 0)
		subnets->items = xrealloc(subnets->items, subnets->n ? 2 * subnets->n : 1,
					  sizeof(*subnets->items));
	subnets->items[subnets->n++] = *subnet;
}

void subnets_fini(struct subnets *subnets)
{
	free(subnets->items);
	*subnets = (struct subnets){ 0 };
}
