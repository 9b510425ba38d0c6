/* SPDX-License-Identifier: Apache-2.0 */
#include "net/conntrack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <netlink/attr.h>
#include <netlink/msg.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/step.h"
#include "net/nl.h"

/* In CTA_FILTER_ORIG_FLAGS: compare the protocol's number (the kernel's nf_internals.h). */
#define FILTER_PROTOCOL (1U << 3)

struct flow {
	struct in_addr to;
	uint16_t port;
	size_t len; /* of the attribute */
	char tuple[256];
};

struct search {
	const struct port_mapping *ports;
	size_t n_ports;
	struct flow *flows; /* owned */
	size_t n_flows;
};

static struct nl_msg *message(int type, int flags)
{
	const struct nfgenmsg head = { .nfgen_family = AF_INET, .version = NFNETLINK_V0 };

	return nl_message(NFNL_SUBSYS_CTNETLINK << 8 | type, flags, &head, sizeof(head));
}

static struct nl_msg *list_udp(void)
{
	struct nl_msg *msg = message(IPCTNL_MSG_CT_GET, NLM_F_DUMP);
	struct nlattr *tuple = nla_nest_start(msg, CTA_TUPLE_ORIG);
	struct nlattr *proto = nla_nest_start(msg, CTA_TUPLE_PROTO);
	struct nlattr *filter;

	nl_put(msg, CTA_PROTO_NUM, &(uint8_t){ IPPROTO_UDP }, 1);
	nla_nest_end(msg, proto);
	nla_nest_end(msg, tuple);
	filter = nla_nest_start(msg, CTA_FILTER);
	nl_put_u32(msg, CTA_FILTER_ORIG_FLAGS, FILTER_PROTOCOL);
	nl_put_u32(msg, CTA_FILTER_REPLY_FLAGS, 0);
	nla_nest_end(msg, filter);
	return msg;
}

static bool read_flow(struct nlattr *tuple, struct flow *ret)
{
	struct nlattr *parts[CTA_TUPLE_MAX + 1];
	struct nlattr *ip[CTA_IP_MAX + 1];
	struct nlattr *proto[CTA_PROTO_MAX + 1];

	if (!tuple || (size_t)nla_len(tuple) > sizeof(ret->tuple) ||
	    nla_parse_nested(parts, CTA_TUPLE_MAX, tuple, NULL) < 0 || !parts[CTA_TUPLE_IP] ||
	    !parts[CTA_TUPLE_PROTO] ||
	    nla_parse_nested(ip, CTA_IP_MAX, parts[CTA_TUPLE_IP], NULL) < 0 ||
	    nla_parse_nested(proto, CTA_PROTO_MAX, parts[CTA_TUPLE_PROTO], NULL) < 0 ||
	    !ip[CTA_IP_V4_DST] || nla_len(ip[CTA_IP_V4_DST]) != sizeof(ret->to) ||
	    !proto[CTA_PROTO_NUM] || nla_get_u8(proto[CTA_PROTO_NUM]) != IPPROTO_UDP ||
	    !proto[CTA_PROTO_DST_PORT])
		return false;
	memcpy(&ret->to, nla_data(ip[CTA_IP_V4_DST]), sizeof(ret->to));
	ret->port = ntohs(nla_get_u16(proto[CTA_PROTO_DST_PORT]));
	ret->len = (size_t)nla_len(tuple);
	memcpy(ret->tuple, nla_data(tuple), ret->len);
	return true;
}

static bool is_published(const struct search *search, const struct flow *flow)
{
	for (size_t i = 0; i < search->n_ports; i++) {
		const struct port_mapping *p = &search->ports[i];
		struct in_addr host = { 0 };

		if (p->protocol != IPPROTO_UDP || flow->port < p->host_port ||
		    flow->port >= p->host_port + p->count)
			continue;
		if (inet_pton(AF_INET, p->host_ip, &host) != 1 || host.s_addr == INADDR_ANY ||
		    host.s_addr == flow->to.s_addr)
			return true;
	}
	return false;
}

static int collect(const struct nlmsghdr *hdr, void *arg)
{
	struct nlattr *attrs[CTA_MAX + 1];
	struct search *search = arg;
	struct flow flow;

	if (!hdr)
		return 0;
	if (nl_attributes(hdr, sizeof(struct nfgenmsg), attrs, CTA_MAX) < 0)
		return -EBADMSG;
	if (!read_flow(attrs[CTA_TUPLE_ORIG], &flow) || !is_published(search, &flow))
		return 0;
	search->flows = xrealloc(search->flows, search->n_flows + 1, sizeof(*search->flows));
	search->flows[search->n_flows++] = flow;
	return 0;
}

/* One can bind only what is the host's own. */
static bool is_local(struct in_addr address)
{
	const struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr = address };
	auto_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return fd >= 0 && bind(fd, (const struct sockaddr *)&to, sizeof(to)) == 0;
}

static bool forget(struct nl *nl, const struct flow *flow)
{
	auto_nl_msg struct nl_msg *msg = message(IPCTNL_MSG_CT_DELETE, 0);
	struct error err;
	int rc;

	nl_put(msg, CTA_TUPLE_ORIG | NLA_F_NESTED, flow->tuple, flow->len);
	rc = nl_ask(nl, msg, &err);
	if (rc < 0 && rc != -ENOENT)
		log_debug("forget a flow to port %u/udp: %s", flow->port, err.msg);
	return rc == 0;
}

static void forget_all(struct nl *nl, struct search *search)
{
	auto_nl_msg struct nl_msg *msg = list_udp();
	struct error err;
	size_t n = 0;

	if (nl_read(nl, msg, collect, search, &err) < 0)
		log_debug("list UDP flows: %s", err.msg);
	for (size_t i = 0; i < search->n_flows; i++) {
		if (is_local(search->flows[i].to))
			n += forget(nl, &search->flows[i]);
	}
	if (n)
		step_note("conntrack: %zu flows to UDP ports are decided again", n);
	free(search->flows);
}

void conntrack_forget(struct nl *nl, const struct port_mapping *ports, size_t n)
{
	struct search search = { .ports = ports, .n_ports = n };

	for (size_t i = 0; i < n; i++) {
		if (ports[i].protocol == IPPROTO_UDP) {
			forget_all(nl, &search);
			return;
		}
	}
}
