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
enum { TYPE_ADDRESS = 7, TYPE_PROTOCOL = 12, TYPE_PORT = 13, TYPE_IFNAME = 41 };

#define TYPE_2(a, b)    ((a) << 6 | (b))
#define TYPE_3(a, b, c) (TYPE_2(a, b) << 6 | (c))

const struct rules_set_spec rules_sets[RULES_N_SETS] = {
	[RULES_NETWORKS] = { "networks", "ifname", TYPE_IFNAME, IFNAMSIZ, .has_text_key = true },
	[RULES_NETWORKS_INSIDE] = { "networks_inside", "ifname . ifname",
				    TYPE_2(TYPE_IFNAME, TYPE_IFNAME), 2 * IFNAMSIZ },
	[RULES_NETWORKS_INTERNAL] = { "networks_internal", "ifname", TYPE_IFNAME, IFNAMSIZ,
				      .has_text_key = true },
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

void rules_add_network(struct rules_elements *elements, const char *bridge,
		       const struct subnet *subnet, bool is_internal)
{
	struct in_addr last = subnet_at(subnet, subnet_size(subnet) - 1);
	struct rules_element *element;

	(void)add_bridge(elements, RULES_NETWORKS, bridge);
	element = add_bridge(elements, RULES_NETWORKS_INSIDE, bridge);
	memcpy(element->key + IFNAMSIZ, element->key, IFNAMSIZ);
	if (is_internal)
		(void)add_bridge(elements, RULES_NETWORKS_INTERNAL, bridge);
	element = add_bridge(elements, RULES_NETWORKS_SOURCES, bridge);
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

void rules_add_ports(struct rules_elements *elements, const struct port_mapping *mapping,
		     struct in_addr container)
{
	struct in_addr host = { 0 };
	bool has_host = inet_pton(AF_INET, mapping->host_ip, &host) == 1 && host.s_addr != 0;

	for (unsigned int i = 0; i < mapping->count; i++) {
		struct rules_element *element =
			add(elements, has_host ? RULES_ADDRESS_PORTS : RULES_PORTS);

		element->key[0] = mapping->protocol;
		if (has_host)
			memcpy(element->key + 4, &host, sizeof(host));
		put_port(element->key + (has_host ? 8 : 4), mapping->host_port + i);
		memcpy(element->data, &container, sizeof(container));
		put_port(element->data + 4, mapping->container_port + i);
	}
}

const struct rules_chain rules_chains[] = {
	{ "raw", "filter", "prerouting", "raw", NF_INET_PRE_ROUTING, -300 },
	{ "publish", NULL, NULL, NULL, 0, 0 },
	{ "prerouting", "nat", "prerouting", "dstnat", NF_INET_PRE_ROUTING, -100 },
	{ "output", "nat", "output", "-100", NF_INET_LOCAL_OUT, -100 },
	{ "postrouting", "nat", "postrouting", "srcnat", NF_INET_POST_ROUTING, 100 },
	{ "inwards", NULL, NULL, NULL, 0, 0 },
	{ "forward", "filter", "forward", "filter", NF_INET_FORWARD, 0 },
};
const size_t rules_n_chains = ARRAY_LEN(rules_chains);

/* Expressions in the usual forms; each loads a register and tests it. */
enum { NETWORK = NFT_PAYLOAD_NETWORK_HEADER, TRANSPORT = NFT_PAYLOAD_TRANSPORT_HEADER };
enum { IPV4_SOURCE = 12, IPV4_DESTINATION = 16, DESTINATION_PORT = 2 };

/* Registers of 16 bytes, and those of four that begin in the same places. */
enum { R1 = NFT_REG_1, R2 = NFT_REG_2, R1_WORD_2 = NFT_REG32_01, R1_WORD_3 = NFT_REG32_02 };

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
#define IS_IPV4             LOAD(NFPROTO, R1), EQUALS(NFPROTO_IPV4, 1)
#define TO_LOCAL            { .op = RULES_FIB, .reg = R1 }, EQUALS(RTN_LOCAL, 4)
#define FIRST_BYTE(offset_) LOAD_PACKET(NETWORK, offset_, 1, R1)

/*
 * What may reach whom:
 * - raw: `route_localnet` of our bridges lets the host reach published ports by 127.0.0.1; without
 *   these two rules it would also let a container reach what listens on the host's loopback.
 * - publish: by the address asked for, then by the port alone; a packet from another machine to
 *   127.0.0.1 is never looked up, so what is published there stays here.
 * - postrouting: a neighbour is known by its address, as packets that the bridge passes on by
 *   itself (bridge-nf-call-iptables) come here without the interface that they came in by.
 * - forward: to a container goes what it asked for, what was published, and what its own network
 *   sends.  All else to our bridges is dropped; what is not ours is not touched.
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
	  "ct state established,related accept",
	  "answers",
	  { LOAD_CT(STATE),
	    HAS_BITS(NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | NF_CT_STATE_BIT(IP_CT_RELATED)),
	    DO(NF_ACCEPT) } },
	{ "inwards",
	  "ct status dnat accept",
	  "published ports",
	  { LOAD_CT(STATUS), HAS_BITS(IPS_DST_NAT), DO(NF_ACCEPT) } },
	{ "inwards", "drop", "nothing else from elsewhere", { DO(NF_DROP) } },

	{ "forward",
	  "iifname . oifname @networks_inside accept",
	  "neighbours",
	  { LOAD(IIFNAME, R1), LOAD(OIFNAME, R2), IN(NETWORKS_INSIDE), DO(NF_ACCEPT) } },
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

static void add_protocol(uint8_t protocol, struct str *out)
{
	switch (protocol) {
	case IPPROTO_TCP:
		str_add(out, "tcp");
		return;
	case IPPROTO_UDP:
		str_add(out, "udp");
		return;
	case IPPROTO_SCTP:
		str_add(out, "sctp");
		return;
	default:
		str_addf(out, "%u", protocol);
		return;
	}
}

static void add_address(const uint8_t *at, struct str *out)
{
	str_addf(out, "%u.%u.%u.%u", at[0], at[1], at[2], at[3]);
}

/* From the first to the last: "10.88.0.0/24". */
static void add_addresses(const uint8_t *first, const uint8_t *last, struct str *out)
{
	uint32_t from;
	uint32_t to;

	memcpy(&from, first, sizeof(from));
	memcpy(&to, last, sizeof(to));
	add_address(first, out);
	str_addf(out, "/%d", from == to ? 32 : __builtin_clz(ntohl(from ^ to)));
}

static void add_key(const struct rules_element *element, struct str *out)
{
	const uint8_t *key = element->key;
	const char *name = (const char *)key;

	switch (element->set) {
	case RULES_NETWORKS:
	case RULES_NETWORKS_INTERNAL:
		str_addf(out, "\"%s\"", name);
		return;
	case RULES_NETWORKS_INSIDE:
		str_addf(out, "\"%s\" . \"%s\"", name, name + IFNAMSIZ);
		return;
	case RULES_NETWORKS_SOURCES:
		str_addf(out, "\"%s\" . ", name);
		add_addresses(key + IFNAMSIZ, element->key_end + IFNAMSIZ, out);
		return;
	case RULES_PORTS:
		add_protocol(key[0], out);
		str_addf(out, " . %u", key[4] << 8 | key[5]);
		return;
	case RULES_ADDRESS_PORTS:
		add_protocol(key[0], out);
		str_add(out, " . ");
		add_address(key + 4, out);
		str_addf(out, " . %u", key[8] << 8 | key[9]);
		return;
	case RULES_N_SETS:
		return;
	}
}

void rules_element_text(const struct rules_element *element, bool has_data, struct str *out)
{
	add_key(element, out);
	if (!has_data || !rules_sets[element->set].data_len)
		return;
	str_add(out, " : ");
	add_address(element->data, out);
	str_addf(out, " . %u", element->data[4] << 8 | element->data[5]);
}

/* "{ a, b }" of those in @set; false if there is none. */
static bool add_list(enum rules_set set, const struct rules_elements *elements, bool has_data,
		     struct str *out)
{
	bool has_any = false;

	for (size_t i = 0; i < elements->n; i++) {
		if (elements->items[i].set != set)
			continue;
		str_add(out, has_any ? ", " : "{ ");
		rules_element_text(&elements->items[i], has_data, out);
		has_any = true;
	}
	if (has_any)
		str_add(out, " }");
	return has_any;
}

static void add_set(enum rules_set set, const struct rules_elements *elements, struct str *out)
{
	const struct rules_set_spec *spec = &rules_sets[set];
	auto_str struct str list = { 0 };

	str_addf(out, "\t%s %s {\n\t\ttype %s\n", spec->data_len ? "map" : "set", spec->name,
		 spec->type);
	if (spec->fields[0])
		str_add(out, "\t\tflags interval\n");
	if (add_list(set, elements, true, &list))
		str_addf(out, "\t\telements = %s\n", list.text);
	str_add(out, "\t}\n");
}

static void add_chain(const struct rules_chain *chain, struct str *out)
{
	str_addf(out, "\tchain %s {\n", chain->name);
	if (chain->type)
		str_addf(out, "\t\ttype %s hook %s priority %s; policy accept;\n", chain->type,
			 chain->hook_name, chain->priority_name);
	for (size_t i = 0; i < rules_n_rules; i++) {
		const struct rules_rule *rule = &rules_rules[i];

		if (strcmp(rule->chain, chain->name) == 0)
			str_addf(out, "\t\t%s comment \"%s\"\n", rule->text, rule->comment);
	}
	str_add(out, "\t}\n");
}

void rules_text(const struct rules_elements *elements, struct str *out)
{
	str_add(out, "table inet " RULES_TABLE "\nflush table inet " RULES_TABLE
		     "\ntable inet " RULES_TABLE " {\n");
	for (size_t i = 0; i < RULES_N_SETS; i++)
		add_set((enum rules_set)i, elements, out);
	for (size_t i = 0; i < rules_n_chains; i++)
		add_chain(&rules_chains[i], out);
	str_add(out, "}\n");
}

bool rules_element_words(const char *verb, enum rules_set set,
			 const struct rules_elements *elements, struct strv *out)
{
	auto_str struct str list = { 0 };

	if (!add_list(set, elements, strcmp(verb, "add") == 0, &list))
		return false;
	strv_add(out, verb);
	strv_add(out, "element");
	strv_add(out, "inet");
	strv_add(out, RULES_TABLE);
	strv_add(out, rules_sets[set].name);
	strv_add(out, list.text);
	return true;
}
