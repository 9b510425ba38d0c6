/* SPDX-License-Identifier: Apache-2.0 */
#include "net/redirect.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <netlink/attr.h>
#include <netlink/msg.h>

#include "base/macros.h"
#include "base/step.h"
#include "base/str.h"
#include "net/nft_internal.h"
#include "net/rules.h"

#define TABLE "minictr"
#define CHAIN "resolver"

enum { IPV4_SOURCE = 12, IPV4_DESTINATION = 16, SOURCE_PORT = 0, DESTINATION_PORT = 2 };
enum { NETWORK = NFT_PAYLOAD_NETWORK_HEADER, TRANSPORT = NFT_PAYLOAD_TRANSPORT_HEADER };

/* One direction of one protocol. */
struct rule {
	const char *protocol;
	uint8_t number;
	uint8_t checksum;    /* where it is in the header */
	bool is_there;       /* on the way there: else back */
	uint16_t seen, made; /* ports */
};

static void add_rule(struct nl_batch *batch, const struct rule *rule, struct in_addr address)
{
	uint8_t ip = rule->is_there ? IPV4_DESTINATION : IPV4_SOURCE;
	uint8_t port = rule->is_there ? DESTINATION_PORT : SOURCE_PORT;
	const struct rules_expr exprs[] = {
		{ .op = RULES_META, .key = NFT_META_PROTOCOL, .reg = NFT_REG_1 },
		{ .op = RULES_EQ, .value = htons(ETH_P_IP), .len = 2, .reg = NFT_REG_1 },
		{ .op = RULES_PAYLOAD, .key = NETWORK, .offset = ip, .len = 4, .reg = NFT_REG_1 },
		{ .op = RULES_EQ, .value = address.s_addr, .len = 4, .reg = NFT_REG_1 },
		{ .op = RULES_META, .key = NFT_META_L4PROTO, .reg = NFT_REG_1 },
		{ .op = RULES_EQ, .value = rule->number, .len = 1, .reg = NFT_REG_1 },
		{ .op = RULES_PAYLOAD,
		  .key = TRANSPORT,
		  .offset = port,
		  .len = 2,
		  .reg = NFT_REG_1 },
		{ .op = RULES_EQ, .value = htons(rule->seen), .len = 2, .reg = NFT_REG_1 },
		{ .op = RULES_VALUE, .value = htons(rule->made), .len = 2, .reg = NFT_REG_1 },
		{ .op = RULES_STORE,
		  .key = TRANSPORT,
		  .offset = port,
		  .len = 2,
		  .value = rule->checksum,
		  .reg = NFT_REG_1 },
	};
	struct nl_msg *msg =
		nft_message(NFPROTO_NETDEV, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
	struct nlattr *list;

	nl_put_text(msg, NFTA_RULE_TABLE, TABLE);
	nl_put_text(msg, NFTA_RULE_CHAIN, CHAIN);
	list = nla_nest_start(msg, NFTA_RULE_EXPRESSIONS);
	for (size_t i = 0; i < ARRAY_LEN(exprs); i++)
		nft_put_expr(msg, &exprs[i]);
	nla_nest_end(msg, list);
	nl_batch_add(batch, msg);
}

static void add_table(struct nl_batch *batch)
{
	struct nl_msg *msg = nft_message(NFPROTO_NETDEV, NFT_MSG_NEWTABLE, NLM_F_CREATE);

	nl_put_text(msg, NFTA_TABLE_NAME, TABLE);
	nl_batch_add(batch, msg);
}

static void add_chain(struct nl_batch *batch)
{
	struct nl_msg *msg = nft_message(NFPROTO_NETDEV, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
	struct nlattr *hook;

	nl_put_text(msg, NFTA_CHAIN_TABLE, TABLE);
	nl_put_text(msg, NFTA_CHAIN_NAME, CHAIN);
	hook = nla_nest_start(msg, NFTA_CHAIN_HOOK);
	nl_put_be32(msg, NFTA_HOOK_HOOKNUM, NF_NETDEV_INGRESS);
	nl_put_be32(msg, NFTA_HOOK_PRIORITY, 0);
	nl_put_text(msg, NFTA_HOOK_DEV, "lo");
	nla_nest_end(msg, hook);
	nl_put_text(msg, NFTA_CHAIN_TYPE, "filter");
	nl_put_be32(msg, NFTA_CHAIN_POLICY, NF_ACCEPT);
	nl_batch_add(batch, msg);
}

static void end_step(const struct step *step, int rc, const struct netns *netns,
		     const struct rule *rules, size_t n, struct in_addr address)
{
	auto_str struct str text = { 0 };
	auto_strv struct strv argv = { 0 };
	char ip[INET_ADDRSTRLEN];

	if (!step_is_on())
		return;
	(void)inet_ntop(AF_INET, &address, ip, sizeof(ip));
	str_add(&text, "table netdev " TABLE " {\n\tchain " CHAIN " {\n"
		       "\t\ttype filter hook ingress device \"lo\" priority 0; policy accept;\n");
	for (size_t i = 0; i < n; i++) {
		const struct rule *r = &rules[i];
		const char *port = r->is_there ? "dport" : "sport";

		str_addf(&text, "\t\tip %s %s %s %s %u %s %s set %u\n",
			 r->is_there ? "daddr" : "saddr", ip, r->protocol, port, r->seen,
			 r->protocol, port, r->made);
	}
	str_add(&text, "\t}\n}\n");
	strv_add(&argv, "nsenter");
	strv_addf(&argv, "--net=%s", netns->path);
	strv_add(&argv, "nft");
	strv_add(&argv, "-f");
	strv_add(&argv, "-");
	step_end_argv(step, rc, STEP_INPUT, strv_items(&argv), text.text);
}

int redirect_port(const struct netns *netns, struct in_addr address, uint16_t from, uint16_t to,
		  struct error *err)
{
	const struct rule rules[] = {
		{ "udp", IPPROTO_UDP, 6, true, from, to },
		{ "udp", IPPROTO_UDP, 6, false, to, from },
		{ "tcp", IPPROTO_TCP, 16, true, from, to },
		{ "tcp", IPPROTO_TCP, 16, false, to, from },
	};
	struct step step = step_begin();
	auto_nl_batch struct nl_batch batch = { 0 };
	auto_nl struct nl nl = { .fd = -1 };
	int rc = nl_init_in(&nl, netns->fd, NETLINK_NETFILTER, err);

	if (rc < 0)
		return rc;
	add_table(&batch);
	add_chain(&batch);
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		add_rule(&batch, &rules[i], address);
	rc = nl_batch_call(&nl, &batch, err);
	end_step(&step, rc, netns, rules, ARRAY_LEN(rules), address);
	if (rc < 0)
		return err_wrap(err, "redirect port %u of '%s'", from, netns->path);
	return 0;
}
