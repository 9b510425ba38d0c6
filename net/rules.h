/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/parse.h"
#include "base/str.h"
#include "net/subnet.h"

/*
 * The one nft table of this host, `inet minictr`, as data [pure].  Its chains never change; a
 * network, a container's published port and so on is one element of a set or map.  Every rule is
 * here in two forms side by side: the line of nft's language, and the expressions that the kernel
 * gets; an integration test compares what the kernel makes of both.
 */
#define RULES_TABLE "minictr"

/* ---- sets and maps ---- */
enum rules_set {
	RULES_NETWORKS,          /* bridges of networks */
	RULES_NETWORKS_INSIDE,   /* bridge . the same: traffic that stays inside */
	RULES_NETWORKS_INTERNAL, /* bridges of networks without a way out */
	RULES_NETWORKS_ISOLATED, /* bridge . the same: only what is allowed stays inside */
	RULES_NETWORKS_SOURCES,  /* bridge . addresses of its network */
	RULES_PORTS,             /* protocol . port -> container's address . port */
	RULES_ADDRESS_PORTS,     /* protocol . host address . port -> the same */
	RULES_SERVICES,          /* protocol . port . slot -> address of one of several replicas */
	RULES_SERVICE_PORTS,     /* protocol . port -> port of them all */
	RULES_ADDRESS_SERVICES,  /* protocol . host address . port . slot -> address */
	RULES_ADDRESS_SERVICE_PORTS, /* protocol . host address . port -> port */
	RULES_SIBLINGS,              /* from . to: replicas of one service in an isolated network */
	RULES_ALLOWED,               /* from . to . protocol . port: those of others */
	RULES_N_SETS,
};

/*
 * A port that several replicas have is dealt out in turn to this many slots, each of which leads to
 * one of them.  So many can be shared out evenly among 2, 3, 4, 5, 6, 10 or 12.
 */
#define RULES_SLOTS 60

struct rules_set_spec {
	const char *name;
	const char *type;   /* nft's words for the key, and for the data of a map */
	uint32_t key_type;  /* nft's number of that type: the parts, six bits each */
	uint32_t key_len;   /* bytes; each part is padded to four */
	uint32_t data_type; /* of a map; else 0 */
	uint32_t data_len;
	bool has_text_key;  /* in the host's order of bytes, for nft: a plain ifname */
	uint32_t fields[2]; /* of a set of intervals: the lengths of the key's parts */
	/* @type is "typeof" expressions; then they stand here as nft keeps them in the set. */
	const uint8_t *expressions;
	size_t expressions_len;
};
extern const struct rules_set_spec rules_sets[RULES_N_SETS];

enum { RULES_KEY_MAX = 32, RULES_DATA_MAX = 8 };

struct rules_element {
	enum rules_set set;
	uint8_t key[RULES_KEY_MAX];
	uint8_t key_end[RULES_KEY_MAX]; /* of an interval: its last key */
	uint8_t data[RULES_DATA_MAX];
};

struct rules_elements {
	struct rules_element *items; /* owned */
	size_t n;
};
void rules_elements_fini(struct rules_elements *elements);
#define auto_rules_elements __attribute__((cleanup(rules_elements_fini)))

void rules_add(struct rules_elements *elements, const struct rules_element *element); /* copies */
struct rules_network {
	const char *bridge;
	struct subnet subnet;
	bool is_internal, is_isolated;
};
void rules_add_network(struct rules_elements *elements, const struct rules_network *network);

/* One element for each port of the range; @mapping's host_ip is IPv4 or "". */
void rules_add_ports(struct rules_elements *elements, const struct port_mapping *mapping,
		     struct in_addr container);

/*
 * The slots of the host's port @mapping->host_port, behind an element for the port that they lead to,
 * which is the same in all containers.  Of more containers than slots, the first.
 */
void rules_add_slots(struct rules_elements *elements, const struct port_mapping *mapping,
		     const struct in_addr *containers, size_t n);

/* The port of the host that a slot is of; false if @element is none. */
bool rules_port_of(const struct rules_element *element, struct port_mapping *ret);

void rules_add_siblings(struct rules_elements *elements, struct in_addr from, struct in_addr to);

/* @port: container_port, count and protocol of it. */
void rules_add_allowed(struct rules_elements *elements, struct in_addr from, struct in_addr to,
		       const struct port_mapping *port);

/* ---- chains and rules ---- */
struct rules_chain {
	const char *name;
	const char *type; /* "filter", "nat"; NULL: only jumped to */
	const char *hook_name, *priority_name;
	int hook, priority;
};
extern const struct rules_chain rules_chains[];
extern const size_t rules_n_chains;

enum rules_op {
	RULES_END,
	RULES_META,    /* register <- meta @key */
	RULES_CT,      /* register <- ct @key */
	RULES_FIB,     /* register <- type of the destination address */
	RULES_PAYLOAD, /* register <- @len bytes of header @key at @offset */
	RULES_AND,     /* register <- register & @value */
	RULES_EQ,      /* go on if the register's @len bytes are @value's first */
	RULES_NEQ,
	RULES_IN, /* go on if the registers are in @set */
	RULES_NOT_IN,
	RULES_MAP,  /* registers <- @set [registers] */
	RULES_DNAT, /* to the address in the register, the port in that behind, or in @key */
	RULES_MASQUERADE,
	RULES_NUMBER, /* register <- 0, 1, 2, ..., @value - 1, 0, ...: the next with each packet */
	RULES_REJECT, /* NFT_REJECT_... @key, code @value */
	RULES_VALUE,  /* register <- @len bytes of @value */
	RULES_STORE, /* @len bytes of header @key at @offset <- register; its checksum is at @value */
	RULES_VERDICT, /* @key: NF_ACCEPT, NF_DROP, NFT_JUMP, NFT_GOTO; @chain */
};

struct rules_expr {
	enum rules_op op;
	uint8_t reg; /* 1: NFT_REG_1, and so on */
	uint8_t len, offset;
	uint32_t key;
	uint32_t value; /* as it lies in the register */
	enum rules_set set;
	const char *chain;
};

enum { RULES_EXPRS_MAX = 12 };

struct rules_rule {
	const char *chain;
	const char *text;    /* nft's language */
	const char *comment; /* why; also how we know our rule again */
	struct rules_expr exprs[RULES_EXPRS_MAX];
};
extern const struct rules_rule rules_rules[];
extern const size_t rules_n_rules;

/* ---- text ---- */

/* For `nft -f -`: the table, made or put right, with @elements in it; what else is in it stays. */
void rules_text(const struct rules_elements *elements, struct str *out);

/* "tcp . 8080 : 10.88.0.2 . 80"; the key alone without @has_data. */
void rules_element_text(const struct rules_element *element, bool has_data, struct str *out);

/*
 * The words of a command ("add", "element", "inet", "minictr", "ports", "{ ... }") for those of
 * @elements that are in @set; false if there are none.
 */
bool rules_element_words(const char *verb, enum rules_set set,
			 const struct rules_elements *elements, struct strv *out);
