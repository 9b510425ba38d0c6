/* SPDX-License-Identifier: Apache-2.0 */
#include "net/rules.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"

/* Numbers of nft's data types (its `enum datatypes`); it shows elements by them. */
enum { TYPE_INTEGER = 4, TYPE_ADDRESS = 7, TYPE_PROTOCOL = 12, TYPE_PORT = 13, TYPE_IFNAME = 41 };

#define TYPE_2(a, b)       ((a) << 6 | (b))
#define TYPE_3(a, b, c)    (TYPE_2(a, b) << 6 | (c))
#define TYPE_4(a, b, c, d) (TYPE_3(a, b, c) << 6 | (d))

/*
 * nft has no name for the type of numbers of any kind: a set with such a part in its key is declared
 * by expressions of the types, which nft notes in the set, for nobody but itself: entries of type,
 * length and value that nest, made of an expression's kind and what its kind needs.
 */
#define U32(entry, value)                 entry, 4, value, 0, 0, 0
#define EXPRESSION(entry, kind, len, ...) entry, (len) + 8, U32(0, kind), 1, len, __VA_ARGS__
enum { KIND_PAYLOAD = 7, KIND_META = 9, KIND_CONCAT = 13, KIND_NUMGEN = 23 };
enum { HEADER_TRANSPORT = 11, HEADER_IPV4 = 12 }; /* and fields of them: */
enum { FIELD_PORT = 2, FIELD_DESTINATION = 12 };
#define META_PROTOCOL(entry) EXPRESSION(entry, KIND_META, 6, U32(0, NFT_META_L4PROTO))
#define FIELD(entry, header, field) \
	EXPRESSION(entry, KIND_PAYLOAD, 12, U32(0, header), U32(1, field))
#define NUMGEN(entry)                                                                       \
	EXPRESSION(entry, KIND_NUMGEN, 18, U32(0, NFT_NG_INCREMENTAL), U32(1, RULES_SLOTS), \
		   U32(2, 0))
#define ORDERS        U32(0, 0), U32(1, 0) /* of bytes: none in particular */
#define INTERVAL      U32(6, 0)            /* as data: none */
#define KEY(len, ...) EXPRESSION(3, KIND_CONCAT, len, __VA_ARGS__)
#define TARGET        FIELD(4, HEADER_IPV4, FIELD_DESTINATION)

static const uint8_t services_expressions[] = {
	ORDERS,
	KEY(66, META_PROTOCOL(0), FIELD(1, HEADER_TRANSPORT, FIELD_PORT), NUMGEN(2)),
	TARGET,
	INTERVAL,
};
static const uint8_t address_services_expressions[] = {
	ORDERS,
	KEY(88, META_PROTOCOL(0), FIELD(1, HEADER_IPV4, FIELD_DESTINATION),
	    FIELD(2, HEADER_TRANSPORT, FIELD_PORT), NUMGEN(3)),
	TARGET,
	INTERVAL,
};
#define EXPRESSIONS(array) .expressions = (array), .expressions_len = sizeof(array)

const struct rules_set_spec rules_sets[RULES_N_SETS] = {
	[RULES_NETWORKS] = { "networks", "ifname", TYPE_IFNAME, IFNAMSIZ, .has_text_key = true },
	[RULES_NETWORKS_INSIDE] = { "networks_inside", "ifname . ifname",
				    TYPE_2(TYPE_IFNAME, TYPE_IFNAME), 2 * IFNAMSIZ },
	[RULES_NETWORKS_INTERNAL] = { "networks_internal", "ifname", TYPE_IFNAME, IFNAMSIZ,
				      .has_text_key = true },
	[RULES_NETWORKS_ISOLATED] = { "networks_isolated", "ifname . ifname",
				      TYPE_2(TYPE_IFNAME, TYPE_IFNAME), 2 * IFNAMSIZ },
	[RULES_NETWORKS_SOURCES] = { "networks_sources", "ifname . ipv4_addr",
				     TYPE_2(TYPE_IFNAME, TYPE_ADDRESS), IFNAMSIZ + 4,
				     .fields = { IFNAMSIZ, 4 } },
	[RULES_PORTS] = { "ports", "inet_proto . inet_service : ipv4_addr . inet_service",
			  TYPE_2(TYPE_PROTOCOL, TYPE_PORT), 8, TYPE_2(TYPE_ADDRESS, TYPE_PORT), 8 },
	[RULES_ADDRESS_PORTS] = { "address_ports",
				  "inet_proto . ipv4_addr . inet_service : "
				  "ipv4_addr . inet_service",
				  TYPE_3(TYPE_PROTOCOL, TYPE_ADDRESS, TYPE_PORT), 12,
				  TYPE_2(TYPE_ADDRESS, TYPE_PORT), 8 },
	[RULES_SERVICES] = { "services", "meta l4proto . th dport . numgen inc mod 60 : ip daddr",
			     TYPE_3(TYPE_PROTOCOL, TYPE_PORT, TYPE_INTEGER), 12, TYPE_ADDRESS, 4,
			     EXPRESSIONS(services_expressions) },
	[RULES_SERVICE_PORTS] = { "service_ports", "inet_proto . inet_service : inet_service",
				  TYPE_2(TYPE_PROTOCOL, TYPE_PORT), 8, TYPE_PORT, 2 },
	[RULES_ADDRESS_SERVICES] = { "address_services",
				     "meta l4proto . ip daddr . th dport . numgen inc mod 60 : "
				     "ip daddr",
				     TYPE_4(TYPE_PROTOCOL, TYPE_ADDRESS, TYPE_PORT, TYPE_INTEGER),
				     16, TYPE_ADDRESS, 4,
				     EXPRESSIONS(address_services_expressions) },
	[RULES_ADDRESS_SERVICE_PORTS] = { "address_service_ports",
					  "inet_proto . ipv4_addr . inet_service : inet_service",
					  TYPE_3(TYPE_PROTOCOL, TYPE_ADDRESS, TYPE_PORT), 12,
					  TYPE_PORT, 2 },
	[RULES_SIBLINGS] = { "siblings", "ipv4_addr . ipv4_addr",
			     TYPE_2(TYPE_ADDRESS, TYPE_ADDRESS), 8 },
	[RULES_ALLOWED] = { "allowed", "ipv4_addr . ipv4_addr . inet_proto . inet_service",
			    TYPE_4(TYPE_ADDRESS, TYPE_ADDRESS, TYPE_PROTOCOL, TYPE_PORT), 16 },
};

void rules_elements_fini(struct rules_elements *elements)
{
	free(elements->items);
	*elements = (struct rules_elements){ 0 };
}

static struct rules_element *add(struct rules_elements *elements, enum rules_set set)
{
	struct rules_element *element;

	/* Grows by doubling: the number is a power of two when there is no room. */
	if ((elements->n & (elements->n - 1)) == 0)
		elements->items = xrealloc(elements->items, elements->n ? 2 * elements->n : 1,
					   sizeof(*elements->items));
	element = &elements->items[elements->n++];
	*element = (struct rules_element){ .set = set };
	return element;
}

void rules_add(struct rules_elements *elements, const struct rules_element *element)
{
	*add(elements, element->set) = *element;
}

static struct rules_element *add_bridge(struct rules_elements *elements, enum rules_set set,
					const char *bridge)
{
	struct rules_element *element = add(elements, set);

	memcpy(element->key, bridge, strnlen(bridge, IFNAMSIZ - 1));
	return element;
}

void rules_add_network(struct rules_elements *elements, const struct rules_network *network)
{
	const struct subnet *subnet = &network->subnet;
	struct in_addr last = subnet_at(subnet, subnet_size(subnet) - 1);
	struct rules_element *element;

	(void)add_bridge(elements, RULES_NETWORKS, network->bridge);
	element = add_bridge(elements,
			     network->is_isolated ? RULES_NETWORKS_ISOLATED : RULES_NETWORKS_INSIDE,
			     network->bridge);
	memcpy(element->key + IFNAMSIZ, element->key, IFNAMSIZ);
	if (network->is_internal)
		(void)add_bridge(elements, RULES_NETWORKS_INTERNAL, network->bridge);
	element = add_bridge(elements, RULES_NETWORKS_SOURCES, network->bridge);
	memcpy(element->key_end, element->key, IFNAMSIZ);
	memcpy(element->key + IFNAMSIZ, &subnet->address, sizeof(subnet->address));
	memcpy(element->key_end + IFNAMSIZ, &last, sizeof(last));
}

/* Each part begins at a multiple of four bytes, and is in network byte order. */
static void put_port(uint8_t *at, unsigned int port)
{
	at[0] = (uint8_t)(port >> 8);
	at[1] = (uint8_t)port;
}

static bool is_of_one_address(const struct port_mapping *mapping, struct in_addr *ret)
{
	return inet_pton(AF_INET, mapping->host_ip, ret) == 1 && ret->s_addr != 0;
}

/* The host's port @port, with or without an address; what follows in the key is at *@ret_end. */
static struct rules_element *add_port(struct rules_elements *elements,
				      const struct port_mapping *mapping, unsigned int port,
				      enum rules_set set, enum rules_set address_set,
				      uint8_t **ret_end)
{
	struct in_addr host = { 0 };
	bool has_host = is_of_one_address(mapping, &host);
	struct rules_element *element = add(elements, has_host ? address_set : set);
	uint8_t *at = element->key;

	*at = mapping->protocol;
	at += 4;
	if (has_host) {
		memcpy(at, &host, sizeof(host));
		at += sizeof(host);
	}
	put_port(at, port);
	*ret_end = at + 4;
	return element;
}

void rules_add_ports(struct rules_elements *elements, const struct port_mapping *mapping,
		     struct in_addr container)
{
	for (unsigned int i = 0; i < mapping->count; i++) {
		uint8_t *end;
		struct rules_element *element = add_port(elements, mapping, mapping->host_port + i,
							 RULES_PORTS, RULES_ADDRESS_PORTS, &end);

		memcpy(element->data, &container, sizeof(container));
		put_port(element->data + 4, mapping->container_port + i);
	}
}

/* The number is in the host's order of bytes, as the expression gives it. */
void rules_add_slots(struct rules_elements *elements, const struct port_mapping *mapping,
		     const struct in_addr *containers, size_t n)
{
	struct rules_element *element;
	uint8_t *end;

	if (n == 0)
		return;
	element = add_port(elements, mapping, mapping->host_port, RULES_SERVICE_PORTS,
			   RULES_ADDRESS_SERVICE_PORTS, &end);
	put_port(element->data, mapping->container_port);
	for (uint32_t slot = 0; slot < RULES_SLOTS; slot++) {
		element = add_port(elements, mapping, mapping->host_port, RULES_SERVICES,
				   RULES_ADDRESS_SERVICES, &end);
		memcpy(end, &slot, sizeof(slot));
		memcpy(element->data, &containers[slot % n], sizeof(*containers));
	}
}

bool rules_port_of(const struct rules_element *element, struct port_mapping *ret)
{
	bool has_host = element->set == RULES_ADDRESS_SERVICES;
	const uint8_t *at = element->key + (has_host ? 8 : 4);

	if (element->set != RULES_SERVICES && !has_host)
		return false;
	*ret = (struct port_mapping){
		.host_port = (uint16_t)(at[0] << 8 | at[1]),
		.count = 1,
		.protocol = element->key[0],
	};
	if (has_host)
		(void)inet_ntop(AF_INET, element->key + 4, ret->host_ip, sizeof(ret->host_ip));
	return true;
}

void rules_add_siblings(struct rules_elements *elements, struct in_addr from, struct in_addr to)
{
	struct rules_element *element = add(elements, RULES_SIBLINGS);

	memcpy(element->key, &from, sizeof(from));
	memcpy(element->key + sizeof(from), &to, sizeof(to));
}

void rules_add_allowed(struct rules_elements *elements, struct in_addr from, struct in_addr to,
		       const struct port_mapping *port)
{
	for (unsigned int i = 0; i < port->count; i++) {
		struct rules_element *element = add(elements, RULES_ALLOWED);

		memcpy(element->key, &from, sizeof(from));
		memcpy(element->key + 4, &to, sizeof(to));
		element->key[8] = port->protocol;
		put_port(element->key + 12, port->container_port + i);
	}
}

const struct rules_chain rules_chains[] = {
	{ "raw", "filter", "prerouting", "raw", NF_INET_PRE_ROUTING, -300 },
	{ "publish", NULL, NULL, NULL, 0, 0 },
	{ "prerouting", "nat", "prerouting", "dstnat", NF_INET_PRE_ROUTING, -100 },
	{ "output", "nat", "output", "-100", NF_INET_LOCAL_OUT, -100 },
	{ "postrouting", "nat", "postrouting", "srcnat", NF_INET_POST_ROUTING, 100 },
	{ "inwards", NULL, NULL, NULL, 0, 0 },
	{ "tiers", NULL, NULL, NULL, 0, 0 },
	{ "forward", "filter", "forward", "filter", NF_INET_FORWARD, 0 },
};
const size_t rules_n_chains = ARRAY_LEN(rules_chains);

/* Expressions in the usual forms; each loads a register and tests it. */
enum { NETWORK = NFT_PAYLOAD_NETWORK_HEADER, TRANSPORT = NFT_PAYLOAD_TRANSPORT_HEADER };
enum { IPV4_SOURCE = 12, IPV4_DESTINATION = 16, DESTINATION_PORT = 2 };

/* Registers of 16 bytes, and those of four that begin in the same places. */
enum {
	R1 = NFT_REG_1,
	R2 = NFT_REG_2,
	R1_WORD_2 = NFT_REG32_01,
	R1_WORD_3 = NFT_REG32_02,
	R1_WORD_4 = NFT_REG32_03,
	R2_WORD_2 = NFT_REG32_05,
	R2_WORD_3 = NFT_REG32_06,
};

#define LOAD(key_, reg_)                                                \
	{                                                               \
		.op = RULES_META, .key = NFT_META_##key_, .reg = (reg_) \
	}
#define LOAD_CT(key_)                                           \
	{                                                       \
		.op = RULES_CT, .key = NFT_CT_##key_, .reg = R1 \
	}
#define LOAD_PACKET(header_, offset_, len_, reg_)                                          \
	{                                                                                  \
		.op = RULES_PAYLOAD, .key = (header_), .offset = (offset_), .len = (len_), \
		.reg = (reg_)                                                              \
	}
#define EQUALS(value_, len_)                                                \
	{                                                                   \
		.op = RULES_EQ, .value = (value_), .len = (len_), .reg = R1 \
	}
#define DIFFERS(value_, len_)                                                \
	{                                                                    \
		.op = RULES_NEQ, .value = (value_), .len = (len_), .reg = R1 \
	}
#define HAS_BITS(bits_) { .op = RULES_AND, .value = (bits_), .len = 4, .reg = R1 }, DIFFERS(0, 4)
#define IN(set_)                                               \
	{                                                      \
		.op = RULES_IN, .set = RULES_##set_, .reg = R1 \
	}
#define NOT_IN(set_)                                               \
	{                                                          \
		.op = RULES_NOT_IN, .set = RULES_##set_, .reg = R1 \
	}
#define LOOK_UP(set_)                                           \
	{                                                       \
		.op = RULES_MAP, .set = RULES_##set_, .reg = R1 \
	}
#define DO(verdict_)                                             \
	{                                                        \
		.op = RULES_VERDICT, .key = (uint32_t)(verdict_) \
	}
#define GO(verdict_, chain_)                                                        \
	{                                                                           \
		.op = RULES_VERDICT, .key = (uint32_t)(verdict_), .chain = (chain_) \
	}
#define MASQUERADE                     \
	{                              \
		.op = RULES_MASQUERADE \
	}
#define DNAT                                \
	{                                   \
		.op = RULES_DNAT, .reg = R1 \
	}
#define COUNT_SLOTS(reg_)                                               \
	{                                                               \
		.op = RULES_NUMBER, .value = RULES_SLOTS, .reg = (reg_) \
	}
#define REJECT(type_, code_)                                         \
	{                                                            \
		.op = RULES_REJECT, .key = (type_), .value = (code_) \
	}
#define LOOK_UP_2(set_)                                         \
	{                                                       \
		.op = RULES_MAP, .set = RULES_##set_, .reg = R2 \
	}
#define DNAT_2                                         \
	{                                              \
		.op = RULES_DNAT, .reg = R1, .key = R2 \
	}
#define IS_IPV4             LOAD(NFPROTO, R1), EQUALS(NFPROTO_IPV4, 1)
#define TO_LOCAL            { .op = RULES_FIB, .reg = R1 }, EQUALS(RTN_LOCAL, 4)
#define FIRST_BYTE(offset_) LOAD_PACKET(NETWORK, offset_, 1, R1)

/*
 * What may reach whom:
 * - raw: `route_localnet` of our bridges lets the host reach published ports by 127.0.0.1; without
 *   these two rules it would also let a container reach what listens on the host's loopback.
 * - publish: by the address asked for, then by the port alone; a packet from another machine to
 *   127.0.0.1 is never looked up, so what is published there stays here.  Where several replicas of
 *   a service are ready, there are slots instead of the port, and connections take turns.
 * - postrouting: a neighbour is known by its address, as packets that the bridge passes on by
 *   itself (bridge-nf-call-iptables) come here without the interface that they came in by.
 * - forward: to a container goes what it asked for, what was published, and what its own network
 *   sends.  All else to our bridges is dropped; what is not ours is not touched.  The first rule is
 *   all that most packets meet: sets are asked about the first one of a connection only.
 * - tiers: in an isolated network neighbours reach each other by the host alone (network.c), and
 *   only replicas of one service, and who is allowed; also where they take the way of a published
 *   port.  Others hear at once that they are not.
 */
const struct rules_rule rules_rules[] = {
	{ "raw",
	  "ip daddr 127.0.0.0/8 iifname @networks drop",
	  "the host's loopback is not theirs",
	  { IS_IPV4, FIRST_BYTE(IPV4_DESTINATION), EQUALS(127, 1), LOAD(IIFNAME, R1), IN(NETWORKS),
	    DO(NF_DROP) } },
	{ "raw",
	  "ip saddr 127.0.0.0/8 iifname @networks drop",
	  "nor is its address",
	  { IS_IPV4, FIRST_BYTE(IPV4_SOURCE), EQUALS(127, 1), LOAD(IIFNAME, R1), IN(NETWORKS),
	    DO(NF_DROP) } },

	{ "publish",
	  "dnat ip to meta l4proto . ip daddr . th dport map @address_ports",
	  "published on one address",
	  { IS_IPV4, LOAD(L4PROTO, R1), LOAD_PACKET(NETWORK, IPV4_DESTINATION, 4, R1_WORD_2),
	    LOAD_PACKET(TRANSPORT, DESTINATION_PORT, 2, R1_WORD_3), LOOK_UP(ADDRESS_PORTS),
	    DNAT } },
	{ "publish",
	  "dnat ip to meta l4proto . th dport map @ports",
	  "published on all addresses",
	  { LOAD(L4PROTO, R1), LOAD_PACKET(TRANSPORT, DESTINATION_PORT, 2, R1_WORD_2),
	    LOOK_UP(PORTS), DNAT } },
	{ "publish",
	  "dnat ip to meta l4proto . ip daddr . th dport . numgen inc mod 60 map @address_services "
	  ": meta l4proto . ip daddr . th dport map @address_service_ports",
	  "of several replicas, on one address",
	  { IS_IPV4, LOAD(L4PROTO, R1), LOAD_PACKET(NETWORK, IPV4_DESTINATION, 4, R1_WORD_2),
	    LOAD_PACKET(TRANSPORT, DESTINATION_PORT, 2, R1_WORD_3), COUNT_SLOTS(R1_WORD_4),
	    LOOK_UP(ADDRESS_SERVICES), LOAD(L4PROTO, R2),
	    LOAD_PACKET(NETWORK, IPV4_DESTINATION, 4, R2_WORD_2),
	    LOAD_PACKET(TRANSPORT, DESTINATION_PORT, 2, R2_WORD_3),
	    LOOK_UP_2(ADDRESS_SERVICE_PORTS), DNAT_2 } },
	{ "publish",
	  "dnat ip to meta l4proto . th dport . numgen inc mod 60 map @services "
	  ": meta l4proto . th dport map @service_ports",
	  "of several replicas, on all addresses",
	  { LOAD(L4PROTO, R1), LOAD_PACKET(TRANSPORT, DESTINATION_PORT, 2, R1_WORD_2),
	    COUNT_SLOTS(R1_WORD_3), LOOK_UP(SERVICES), LOAD(L4PROTO, R2),
	    LOAD_PACKET(TRANSPORT, DESTINATION_PORT, 2, R2_WORD_2), LOOK_UP_2(SERVICE_PORTS),
	    DNAT_2 } },

	{ "prerouting",
	  "ip daddr != 127.0.0.0/8 fib daddr type local jump publish",
	  "from other machines and containers",
	  { IS_IPV4, FIRST_BYTE(IPV4_DESTINATION), DIFFERS(127, 1), TO_LOCAL,
	    GO(NFT_JUMP, "publish") } },
	{ "output",
	  "fib daddr type local jump publish",
	  "from this host",
	  { TO_LOCAL, GO(NFT_JUMP, "publish") } },

	{ "postrouting",
	  "iifname @networks oifname != @networks masquerade",
	  "the way out",
	  { LOAD(IIFNAME, R1), IN(NETWORKS), LOAD(OIFNAME, R1), NOT_IN(NETWORKS), MASQUERADE } },
	{ "postrouting",
	  "oifname . ip saddr @networks_sources ct status dnat masquerade",
	  "a published port from its own network: the answer has to come back here",
	  { IS_IPV4, LOAD(OIFNAME, R1), LOAD_PACKET(NETWORK, IPV4_SOURCE, 4, R2),
	    IN(NETWORKS_SOURCES), LOAD_CT(STATUS), HAS_BITS(IPS_DST_NAT), MASQUERADE } },
	{ "postrouting",
	  "iifname @networks oifname @networks ct status dnat masquerade",
	  "from another network: who is in both would answer by the short way",
	  { LOAD(IIFNAME, R1), IN(NETWORKS), LOAD(OIFNAME, R1), IN(NETWORKS), LOAD_CT(STATUS),
	    HAS_BITS(IPS_DST_NAT), MASQUERADE } },
	{ "postrouting",
	  "ip saddr 127.0.0.0/8 oifname @networks masquerade",
	  "a published port by 127.0.0.1",
	  { IS_IPV4, FIRST_BYTE(IPV4_SOURCE), EQUALS(127, 1), LOAD(OIFNAME, R1), IN(NETWORKS),
	    MASQUERADE } },

	{ "inwards",
	  "ct status dnat accept",
	  "published ports",
	  { LOAD_CT(STATUS), HAS_BITS(IPS_DST_NAT), DO(NF_ACCEPT) } },
	{ "inwards", "drop", "nothing else from elsewhere", { DO(NF_DROP) } },

	{ "tiers",
	  "ip saddr . ip daddr @siblings accept",
	  "replicas of one service",
	  { IS_IPV4, LOAD_PACKET(NETWORK, IPV4_SOURCE, 4, R1),
	    LOAD_PACKET(NETWORK, IPV4_DESTINATION, 4, R1_WORD_2), IN(SIBLINGS), DO(NF_ACCEPT) } },
	{ "tiers",
	  "ip saddr . ip daddr . meta l4proto . th dport @allowed accept",
	  "those of another that it allows",
	  { IS_IPV4, LOAD_PACKET(NETWORK, IPV4_SOURCE, 4, R1),
	    LOAD_PACKET(NETWORK, IPV4_DESTINATION, 4, R1_WORD_2), LOAD(L4PROTO, R1_WORD_3),
	    LOAD_PACKET(TRANSPORT, DESTINATION_PORT, 2, R1_WORD_4), IN(ALLOWED), DO(NF_ACCEPT) } },
	{ "tiers",
	  "meta l4proto tcp reject with tcp reset",
	  "others are told",
	  { LOAD(L4PROTO, R1), EQUALS(IPPROTO_TCP, 1), REJECT(NFT_REJECT_TCP_RST, 0) } },
	{ "tiers",
	  "reject with icmpx admin-prohibited",
	  "each in its way",
	  { REJECT(NFT_REJECT_ICMPX_UNREACH, NFT_REJECT_ICMPX_ADMIN_PROHIBITED) } },

	{ "forward",
	  "ct state established,related accept",
	  "what has been let through goes on",
	  { LOAD_CT(STATE),
	    HAS_BITS(NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | NF_CT_STATE_BIT(IP_CT_RELATED)),
	    DO(NF_ACCEPT) } },
	{ "forward",
	  "iifname . oifname @networks_inside accept",
	  "neighbours",
	  { LOAD(IIFNAME, R1), LOAD(OIFNAME, R2), IN(NETWORKS_INSIDE), DO(NF_ACCEPT) } },
	{ "forward",
	  "iifname . oifname @networks_isolated goto tiers",
	  "neighbours that are kept apart",
	  { LOAD(IIFNAME, R1), LOAD(OIFNAME, R2), IN(NETWORKS_ISOLATED), GO(NFT_GOTO, "tiers") } },
	{ "forward",
	  "oifname @networks goto inwards",
	  "to a container",
	  { LOAD(OIFNAME, R1), IN(NETWORKS), GO(NFT_GOTO, "inwards") } },
	{ "forward",
	  "iifname @networks_internal drop",
	  "no way out",
	  { LOAD(IIFNAME, R1), IN(NETWORKS_INTERNAL), DO(NF_DROP) } },
};
const size_t rules_n_rules = ARRAY_LEN(rules_rules);
