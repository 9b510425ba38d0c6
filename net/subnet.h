/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* IPv4 subnets [pure].  Addresses are in network byte order, as everywhere. */

struct subnet {
	struct in_addr address; /* the first one */
	uint8_t prefix;         /* bits */
};

/* Number of addresses; of all of IPv4 one less. */
uint32_t subnet_size(const struct subnet *subnet);

struct in_addr subnet_mask(const struct subnet *subnet);
struct in_addr subnet_at(const struct subnet *subnet, uint32_t offset);
uint32_t subnet_offset(const struct subnet *subnet, struct in_addr address);

bool subnet_has(const struct subnet *subnet, struct in_addr address);
bool subnet_overlaps(const struct subnet *a, const struct subnet *b);

/* "10.88.0.0/24" <-> subnet; refused: bits behind the prefix, prefixes other than 8 to 30. */
enum { SUBNET_TEXT_MAX = 20 };
int subnet_parse(const char *text, struct subnet *ret, struct error *err);
void subnet_format(const struct subnet *subnet, char ret[SUBNET_TEXT_MAX]);

struct subnets {
	struct subnet *items; /* owned */
	size_t n;
};
void subnets_add(struct subnets *subnets, const struct subnet *subnet);
void subnets_fini(struct subnets *subnets);
#define auto_subnets __attribute__((cleanup(subnets_fini)))
