/* SPDX-License-Identifier: Apache-2.0 */
#include "net/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include <netlink/attr.h>
#include <netlink/msg.h>

#include "base/macros.h"

int addr_set(struct nl *nl, const char *ifname, int ifindex, struct in_addr address, uint8_t prefix,
	     struct error *err)
{
	const struct ifaddrmsg head = { .ifa_family = AF_INET,
					.ifa_prefixlen = prefix,
					.ifa_scope = RT_SCOPE_UNIVERSE,
					.ifa_index = (unsigned int)ifindex };
	auto_nl_msg struct nl_msg *msg =
		nl_message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &head, sizeof(head));
	char text[INET_ADDRSTRLEN];
	char cidr[INET_ADDRSTRLEN + 4];
	int rc;

	nl_put(msg, IFA_LOCAL, &address, sizeof(address));
	nl_put(msg, IFA_ADDRESS, &address, sizeof(address));
	(void)inet_ntop(AF_INET, &address, text, sizeof(text));
	(void)snprintf(cidr, sizeof(cidr), "%s/%u", text, prefix);
	rc = nl_call(nl, msg, err, "ip", "addr", "replace", cidr, "dev", ifname, NULL);
	if (rc < 0)
		return err_wrap(err, "give address '%s' to interface '%s'", cidr, ifname);
	return 0;
}

struct address_search {
	int ifindex;
	struct in_addr address;
	uint8_t prefix;
	bool is_found;
};

static int match_address(const struct nlmsghdr *hdr, void *arg)
{
	struct nlattr *attrs[IFA_MAX + 1];
	struct address_search *search = arg;
	const struct ifaddrmsg *head;

	if (!hdr) {
		search->is_found = false;
		return 0;
	}
	if (hdr->nlmsg_type != RTM_NEWADDR)
		return 0;
	if (nl_attributes(hdr, sizeof(*head), attrs, IFA_MAX) < 0)
		return -EBADMSG;
	head = nlmsg_data(hdr);
	if ((int)head->ifa_index == search->ifindex && head->ifa_prefixlen == search->prefix &&
	    attrs[IFA_LOCAL] && nla_len(attrs[IFA_LOCAL]) == sizeof(search->address) &&
	    memcmp(nla_data(attrs[IFA_LOCAL]), &search->address, sizeof(search->address)) == 0)
		search->is_found = true;
	return 0;
}

int addr_is_set(struct nl *nl, int ifindex, struct in_addr address, uint8_t prefix, bool *ret,
		struct error *err)
{
	const struct ifaddrmsg head = { .ifa_family = AF_INET };
	auto_nl_msg struct nl_msg *msg = nl_message(RTM_GETADDR, NLM_F_DUMP, &head, sizeof(head));
	struct address_search search = { .ifindex = ifindex, .address = address, .prefix = prefix };
	int rc = nl_read(nl, msg, match_address, &search, err);

	if (rc < 0)
		return err_wrap(err, "list addresses");
	*ret = search.is_found;
	return 0;
}

static int read_way_out(const struct nlmsghdr *hdr, void *arg)
{
	struct nlattr *attrs[RTA_MAX + 1];

	if (!hdr || hdr->nlmsg_type != RTM_NEWROUTE)
		return 0;
	if (nl_attributes(hdr, sizeof(struct rtmsg), attrs, RTA_MAX) < 0)
		return -EBADMSG;
	if (attrs[RTA_OIF])
		*(int *)arg = (int)nla_get_u32(attrs[RTA_OIF]);
	return 0;
}

int addr_way_out(struct nl *nl)
{
	/* Of no network (RFC 5737), so its way is that of all the world. */
	const struct in_addr anywhere = { htonl(0xcb007101) };
	const struct rtmsg head = { .rtm_family = AF_INET, .rtm_dst_len = 32 };
	auto_nl_msg struct nl_msg *msg = nl_message(RTM_GETROUTE, 0, &head, sizeof(head));
	struct error ignored;
	int index = 0;

	nl_put(msg, RTA_DST, &anywhere, sizeof(anywhere));
	return nl_read(nl, msg, read_way_out, &index, &ignored) < 0 ? 0 : index;
}

/* Of all tables: `local` has the addresses of this host. */
static int collect_route(const struct nlmsghdr *hdr, void *arg)
{
	enum { SHORTEST = 4 }; /* what covers more is a default route in parts (VPNs do so) */
	struct nlattr *attrs[RTA_MAX + 1];
	struct subnets *list = arg;
	struct subnet subnet = { 0 };
	const struct rtmsg *head;

	/* What is listed twice does no harm. */
	if (!hdr || hdr->nlmsg_type != RTM_NEWROUTE)
		return 0;
	if (nl_attributes(hdr, sizeof(*head), attrs, RTA_MAX) < 0)
		return -EBADMSG;
	head = nlmsg_data(hdr);
	if (head->rtm_family != AF_INET || head->rtm_dst_len < SHORTEST || !attrs[RTA_DST] ||
	    nla_len(attrs[RTA_DST]) != sizeof(subnet.address))
		return 0;

	memcpy(&subnet.address, nla_data(attrs[RTA_DST]), sizeof(subnet.address));
	subnet.prefix = head->rtm_dst_len;
	subnets_add(list, &subnet);
	return 0;
}

int addr_list_used(struct nl *nl, struct subnets *ret, struct error *err)
{
	const struct rtmsg head = { .rtm_family = AF_INET };
	auto_nl_msg struct nl_msg *msg = nl_message(RTM_GETROUTE, NLM_F_DUMP, &head, sizeof(head));
	int rc = nl_read(nl, msg, collect_route, ret, err);

	if (rc < 0)
		return err_wrap(err, "list routes");
	return 0;
}
