/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <netlink/attr.h>
#include <netlink/msg.h>

#include "net/nft_internal.h"
#include "net/rules.h"

struct nl_msg *nft_message(uint8_t family, int type, int flags)
{
	const struct nfgenmsg head = { .nfgen_family = family, .version = NFNETLINK_V0 };

	return nl_message(NFNL_SUBSYS_NFTABLES << 8 | type, flags, &head, sizeof(head));
}

void nft_put_data(struct nl_msg *msg, int attribute, const void *data, size_t len)
{
	struct nlattr *nest = nla_nest_start(msg, attribute);

	nl_put(msg, NFTA_DATA_VALUE, data, len);
	nla_nest_end(msg, nest);
}

/* ---- expressions: each by the attributes of its kind ---- */

static void put_load(struct nl_msg *msg, const struct rules_expr *e, int key, int reg)
{
	nl_put_be32(msg, key, e->key);
	nl_put_be32(msg, reg, e->reg);
}

static void put_payload(struct nl_msg *msg, const struct rules_expr *e)
{
	nl_put_be32(msg, NFTA_PAYLOAD_DREG, e->reg);
	nl_put_be32(msg, NFTA_PAYLOAD_BASE, e->key);
	nl_put_be32(msg, NFTA_PAYLOAD_OFFSET, e->offset);
	nl_put_be32(msg, NFTA_PAYLOAD_LEN, e->len);
}

static void put_fib(struct nl_msg *msg, const struct rules_expr *e)
{
	nl_put_be32(msg, NFTA_FIB_DREG, e->reg);
	nl_put_be32(msg, NFTA_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
	nl_put_be32(msg, NFTA_FIB_FLAGS, NFTA_FIB_F_DADDR);
}

static void put_and(struct nl_msg *msg, const struct rules_expr *e)
{
	const uint32_t none = 0;

	nl_put_be32(msg, NFTA_BITWISE_SREG, e->reg);
	nl_put_be32(msg, NFTA_BITWISE_DREG, e->reg);
	nl_put_be32(msg, NFTA_BITWISE_LEN, sizeof(e->value));
	nft_put_data(msg, NFTA_BITWISE_MASK, &e->value, sizeof(e->value));
	nft_put_data(msg, NFTA_BITWISE_XOR, &none, sizeof(none));
}

static void put_compare(struct nl_msg *msg, const struct rules_expr *e)
{
	const uint8_t byte = (uint8_t)e->value;
	const uint16_t word = (uint16_t)e->value;

	nl_put_be32(msg, NFTA_CMP_SREG, e->reg);
	nl_put_be32(msg, NFTA_CMP_OP, e->op == RULES_EQ ? NFT_CMP_EQ : NFT_CMP_NEQ);
	if (e->len == 1)
		nft_put_data(msg, NFTA_CMP_DATA, &byte, 1);
	else if (e->len == 2)
		nft_put_data(msg, NFTA_CMP_DATA, &word, 2);
	else
		nft_put_data(msg, NFTA_CMP_DATA, &e->value, sizeof(e->value));
}

static void put_lookup(struct nl_msg *msg, const struct rules_expr *e)
{
	nl_put_text(msg, NFTA_LOOKUP_SET, rules_sets[e->set].name);
	nl_put_be32(msg, NFTA_LOOKUP_SREG, e->reg);
	if (e->op == RULES_MAP)
		nl_put_be32(msg, NFTA_LOOKUP_DREG, e->reg);
	if (e->op == RULES_NOT_IN)
		nl_put_be32(msg, NFTA_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
}

/* The address in the first four bytes of a register, the port in those behind or in another. */
static void put_dnat(struct nl_msg *msg, const struct rules_expr *e)
{
	nl_put_be32(msg, NFTA_NAT_TYPE, NFT_NAT_DNAT);
	nl_put_be32(msg, NFTA_NAT_FAMILY, NFPROTO_IPV4);
	nl_put_be32(msg, NFTA_NAT_REG_ADDR_MIN, e->reg);
	nl_put_be32(msg, NFTA_NAT_REG_PROTO_MIN, e->key ? e->key : NFT_REG32_01);
	if (e->key)
		nl_put_be32(msg, NFTA_NAT_FLAGS, NF_NAT_RANGE_PROTO_SPECIFIED);
}

/* The next number with each packet. */
static void put_number(struct nl_msg *msg, const struct rules_expr *e)
{
	nl_put_be32(msg, NFTA_NG_DREG, e->reg);
	nl_put_be32(msg, NFTA_NG_MODULUS, e->value);
	nl_put_be32(msg, NFTA_NG_TYPE, NFT_NG_INCREMENTAL);
	nl_put_be32(msg, NFTA_NG_OFFSET, 0);
}

static void put_reject(struct nl_msg *msg, const struct rules_expr *e)
{
	const uint8_t code = (uint8_t)e->value;

	nl_put_be32(msg, NFTA_REJECT_TYPE, e->key);
	nl_put(msg, NFTA_REJECT_ICMP_CODE, &code, sizeof(code));
}

static void put_value(struct nl_msg *msg, const struct rules_expr *e)
{
	nl_put_be32(msg, NFTA_IMMEDIATE_DREG, e->reg);
	nft_put_data(msg, NFTA_IMMEDIATE_DATA, &e->value, e->len);
}

static void put_store(struct nl_msg *msg, const struct rules_expr *e)
{
	nl_put_be32(msg, NFTA_PAYLOAD_SREG, e->reg);
	nl_put_be32(msg, NFTA_PAYLOAD_BASE, e->key);
	nl_put_be32(msg, NFTA_PAYLOAD_OFFSET, e->offset);
	nl_put_be32(msg, NFTA_PAYLOAD_LEN, e->len);
	nl_put_be32(msg, NFTA_PAYLOAD_CSUM_TYPE, NFT_PAYLOAD_CSUM_INET);
	nl_put_be32(msg, NFTA_PAYLOAD_CSUM_OFFSET, e->value);
}

static void put_verdict(struct nl_msg *msg, const struct rules_expr *e)
{
	struct nlattr *data;
	struct nlattr *verdict;

	nl_put_be32(msg, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	data = nla_nest_start(msg, NFTA_IMMEDIATE_DATA);
	verdict = nla_nest_start(msg, NFTA_DATA_VERDICT);
	nl_put_be32(msg, NFTA_VERDICT_CODE, e->key);
	if (e->chain)
		nl_put_text(msg, NFTA_VERDICT_CHAIN, e->chain);
	nla_nest_end(msg, verdict);
	nla_nest_end(msg, data);
}

static const char *expr_name(enum rules_op op)
{
	static const char *const names[] = {
		[RULES_META] = "meta",         [RULES_CT] = "ct",
		[RULES_FIB] = "fib",           [RULES_PAYLOAD] = "payload",
		[RULES_AND] = "bitwise",       [RULES_EQ] = "cmp",
		[RULES_NEQ] = "cmp",           [RULES_IN] = "lookup",
		[RULES_NOT_IN] = "lookup",     [RULES_MAP] = "lookup",
		[RULES_DNAT] = "nat",          [RULES_MASQUERADE] = "masq",
		[RULES_VERDICT] = "immediate", [RULES_VALUE] = "immediate",
		[RULES_STORE] = "payload",     [RULES_NUMBER] = "numgen",
		[RULES_REJECT] = "reject",
	};

	return names[op];
}

static void put_expr_data(struct nl_msg *msg, const struct rules_expr *e)
{
	switch (e->op) {
	case RULES_META:
		put_load(msg, e, NFTA_META_KEY, NFTA_META_DREG);
		return;
	case RULES_CT:
		put_load(msg, e, NFTA_CT_KEY, NFTA_CT_DREG);
		return;
	case RULES_FIB:
		put_fib(msg, e);
		return;
	case RULES_PAYLOAD:
		put_payload(msg, e);
		return;
	case RULES_AND:
		put_and(msg, e);
		return;
	case RULES_EQ:
	case RULES_NEQ:
		put_compare(msg, e);
		return;
	case RULES_IN:
	case RULES_NOT_IN:
	case RULES_MAP:
		put_lookup(msg, e);
		return;
	case RULES_DNAT:
		put_dnat(msg, e);
		return;
	case RULES_VERDICT:
		put_verdict(msg, e);
		return;
	case RULES_VALUE:
		put_value(msg, e);
		return;
	case RULES_STORE:
		put_store(msg, e);
		return;
	case RULES_NUMBER:
		put_number(msg, e);
		return;
	case RULES_REJECT:
		put_reject(msg, e);
		return;
	case RULES_MASQUERADE:
	case RULES_END:
		return;
	}
}

void nft_put_expr(struct nl_msg *msg, const struct rules_expr *e)
{
	struct nlattr *item = nla_nest_start(msg, NFTA_LIST_ELEM);
	struct nlattr *data;

	nl_put_text(msg, NFTA_EXPR_NAME, expr_name(e->op));
	data = nla_nest_start(msg, NFTA_EXPR_DATA);
	put_expr_data(msg, e);
	nla_nest_end(msg, data);
	nla_nest_end(msg, item);
}
