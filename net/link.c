/* SPDX-License-Identifier: Apache-2.0 */
#include "net/link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <netlink/attr.h>
#include <netlink/msg.h>

#include "base/macros.h"

static struct nl_msg *link_message(int type, int flags, const char *name, unsigned int up)
{
	const struct ifinfomsg info = { .ifi_flags = up, .ifi_change = up };
	struct nl_msg *msg = nl_message(type, flags, &info, sizeof(info));

	nl_put_text(msg, IFLA_IFNAME, name);
	return msg;
}

/* ---- questions ---- */

static struct ifreq request_for(const char *name)
{
	struct ifreq request = { 0 };

	(void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	return request;
}

/* 1, 0 if there is no such interface.  Any socket will do. */
static int ask(struct nl *nl, unsigned long what, struct ifreq *request, struct error *err)
{
	if (ioctl(nl->fd, what, request) == 0)
		return 1;
	if (errno == ENODEV)
		return 0;
	return err_sys(err, "look at interface '%s'", request->ifr_name);
}

int link_peek(struct nl *nl, const char *name, int *ret_index, unsigned int *ret_flags,
	      struct error *err)
{
	struct ifreq request = request_for(name);
	int rc = ask(nl, SIOCGIFINDEX, &request, err);

	if (rc <= 0)
		return rc;
	*ret_index = request.ifr_ifindex;
	rc = ask(nl, SIOCGIFFLAGS, &request, err);
	if (rc > 0)
		*ret_flags = (unsigned short)request.ifr_flags;
	return rc;
}

uint32_t link_mtu(struct nl *nl, int index)
{
	struct ifreq request = { .ifr_ifindex = index };
	struct error ignored;

	if (ioctl(nl->fd, SIOCGIFNAME, &request) < 0 ||
	    ask(nl, SIOCGIFMTU, &request, &ignored) <= 0 || request.ifr_mtu < 0)
		return 0;
	return (uint32_t)request.ifr_mtu;
}

struct link_info {
	char kind[16];
	bool has_peer_netns;
	int peer_netns; /* id of the namespace at the other end, as this one knows it */
};

static int read_link(const struct nlmsghdr *hdr, void *arg)
{
	struct nlattr *attrs[IFLA_MAX + 1];
	struct nlattr *nested[IFLA_INFO_MAX + 1];
	struct link_info *info = arg;

	if (!hdr || hdr->nlmsg_type != RTM_NEWLINK)
		return 0;
	if (nl_attributes(hdr, sizeof(struct ifinfomsg), attrs, IFLA_MAX) < 0)
		return -EBADMSG;
	if (attrs[IFLA_LINKINFO] &&
	    nla_parse_nested(nested, IFLA_INFO_MAX, attrs[IFLA_LINKINFO], NULL) == 0 &&
	    nested[IFLA_INFO_KIND])
		(void)nla_strlcpy(info->kind, nested[IFLA_INFO_KIND], sizeof(info->kind));
	if (attrs[IFLA_LINK_NETNSID]) {
		info->has_peer_netns = true;
		info->peer_netns = nla_get_s32(attrs[IFLA_LINK_NETNSID]);
	}
	return 0;
}

/* 1 and *ret, 0 if there is none of that name. */
static int find(struct nl *nl, const char *name, struct link_info *ret, struct error *err)
{
	auto_nl_msg struct nl_msg *msg = link_message(RTM_GETLINK, 0, name, 0);
	struct link_info info = { 0 };
	int rc = nl_read(nl, msg, read_link, &info, err);

	if (rc == -ENODEV)
		return 0;
	if (rc < 0)
		return err_wrap(err, "look at interface '%s'", name);
	*ret = info;
	return 1;
}

int link_is(struct nl *nl, const char *name, const char *kind, bool *ret, struct error *err)
{
	struct link_info info = { 0 };
	int rc = find(nl, name, &info, err);

	if (rc < 0)
		return rc;
	*ret = strcmp(info.kind, kind) == 0;
	return 0;
}

/* ---- ids of namespaces ---- */

static int read_netns_id(const struct nlmsghdr *hdr, void *arg)
{
	struct nlattr *attrs[NETNSA_MAX + 1];

	if (!hdr || hdr->nlmsg_type != RTM_NEWNSID)
		return 0;
	if (nl_attributes(hdr, sizeof(struct rtgenmsg), attrs, NETNSA_MAX) < 0 ||
	    !attrs[NETNSA_NSID])
		return -EBADMSG;
	*(int *)arg = nla_get_s32(attrs[NETNSA_NSID]);
	return 0;
}

/* @what: NETNSA_FD or NETNSA_NSID.  -ENOENT: an id that leads nowhere (get_net_ns_by_id()). */
static int netns_id(struct nl *nl, int what, int value, int *ret, struct error *err)
{
	const struct rtgenmsg head = { .rtgen_family = AF_UNSPEC };
	auto_nl_msg struct nl_msg *msg = nl_message(RTM_GETNSID, 0, &head, sizeof(head));

	nl_put_u32(msg, what, (uint32_t)value);
	return nl_read(nl, msg, read_netns_id, ret, err);
}

/*
 * The id in the address of our end of a veth: 06:6e, then four bytes.  So that one can see without
 * waiting whether the namespace at the other end lives.
 */
static const uint8_t mac_head[2] = { 0x06, 0x6e };

static void mac_of_id(int id, uint8_t ret[6])
{
	uint32_t bits = htonl((uint32_t)id);

	memcpy(ret, mac_head, sizeof(mac_head));
	memcpy(ret + sizeof(mac_head), &bits, sizeof(bits));
}

static bool id_of_mac(const uint8_t *mac, int *ret)
{
	uint32_t bits;

	memcpy(&bits, mac + sizeof(mac_head), sizeof(bits));
	*ret = (int)ntohl(bits);
	return memcmp(mac, mac_head, sizeof(mac_head)) == 0 && *ret >= 0;
}

/* Whether the namespace lives that this one knows by @id; -1: it knows none. */
static int netns_lives(struct nl *nl, const char *name, int id, bool *ret, struct error *err)
{
	int rc = id < 0 ? -ENOENT : netns_id(nl, NETNSA_NSID, id, &id, err);

	if (rc < 0 && rc != -ENOENT)
		return err_wrap(err, "look at the other end of '%s'", name);
	*ret = rc == 0;
	return 0;
}

int link_stays_indeed(struct nl *nl, const char *name, bool *ret, struct error *err)
{
	struct link_info info = { 0 };
	int rc = find(nl, name, &info, err);

	if (rc < 0)
		return rc;
	*ret = rc > 0;
	/* Both ends here: nothing will take it away. */
	if (rc == 0 || !info.has_peer_netns)
		return 0;
	return netns_lives(nl, name, info.peer_netns, ret, err);
}

int link_stays(struct nl *nl, const char *name, bool *ret, struct error *err)
{
	struct ifreq request = request_for(name);
	int id = -1;
	int rc = ask(nl, SIOCGIFHWADDR, &request, err);

	if (rc > 0 && !id_of_mac((const uint8_t *)request.ifr_hwaddr.sa_data, &id))
		return link_stays_indeed(nl, name, ret, err);
	*ret = false;
	return rc <= 0 ? rc : netns_lives(nl, name, id, ret, err);
}

/* ---- changes ---- */

static void format_mac(const uint8_t mac[6], char ret[18])
{
	(void)snprintf(ret, 18, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
		       mac[4], mac[5]);
}

int link_make_bridge(struct nl *nl, const char *name, const uint8_t mac[6], uint32_t mtu,
		     struct error *err)
{
	auto_nl_msg struct nl_msg *msg =
		link_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, name, 0);
	char mac_text[18];
	char mtu_text[12];
	struct nlattr *info;
	int rc;

	nl_put(msg, IFLA_ADDRESS, mac, 6);
	if (mtu)
		nl_put_u32(msg, IFLA_MTU, mtu);
	info = nla_nest_start(msg, IFLA_LINKINFO);
	nl_put_text(msg, IFLA_INFO_KIND, "bridge");
	nla_nest_end(msg, info);

	format_mac(mac, mac_text);
	(void)snprintf(mtu_text, sizeof(mtu_text), "%u", mtu);
	rc = mtu ? nl_call(nl, msg, err, "ip", "link", "add", name, "address", mac_text, "mtu",
			   mtu_text, "type", "bridge", NULL)
		 : nl_call(nl, msg, err, "ip", "link", "add", name, "address", mac_text, "type",
			   "bridge", NULL);
	if (rc < 0)
		return err_wrap(err, "make bridge '%s'", name);
	return 0;
}

/* The other end: a message in the message, with its own header and attributes. */
static void put_peer(struct nl_msg *msg, const struct link_veth *veth)
{
	const struct ifinfomsg head = { 0 };
	struct nlattr *peer = nla_nest_start(msg, VETH_INFO_PEER);

	if (nlmsg_append(msg, (void *)(uintptr_t)&head, sizeof(head), NLMSG_ALIGNTO) < 0)
		abort();
	nl_put_text(msg, IFLA_IFNAME, veth->peer_name);
	nl_put(msg, IFLA_ADDRESS, veth->peer_mac, 6);
	if (veth->mtu)
		nl_put_u32(msg, IFLA_MTU, veth->mtu);
	nl_put_u32(msg, IFLA_NET_NS_FD, (uint32_t)veth->netns->fd);
	nla_nest_end(msg, peer);
}

int link_make_veth(struct nl *nl, const struct link_veth *veth, struct error *err)
{
	auto_nl_msg struct nl_msg *msg =
		link_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, veth->name, 0);
	char mtu_text[12];
	char mac_text[18];
	struct nlattr *info;
	struct nlattr *data;
	int rc;

	nl_put_u32(msg, IFLA_MASTER, (uint32_t)veth->bridge_index);
	if (veth->mtu)
		nl_put_u32(msg, IFLA_MTU, veth->mtu);
	info = nla_nest_start(msg, IFLA_LINKINFO);
	nl_put_text(msg, IFLA_INFO_KIND, "veth");
	data = nla_nest_start(msg, IFLA_INFO_DATA);
	put_peer(msg, veth);
	nla_nest_end(msg, data);
	nla_nest_end(msg, info);

	format_mac(veth->peer_mac, mac_text);
	(void)snprintf(mtu_text, sizeof(mtu_text), "%u", veth->mtu);
	rc = veth->mtu ? nl_call(nl, msg, err, "ip", "link", "add", veth->name, "mtu", mtu_text,
				 "master", veth->bridge, "type", "veth", "peer", "name",
				 veth->peer_name, "address", mac_text, "mtu", mtu_text, "netns",
				 veth->netns->path, NULL)
		       : nl_call(nl, msg, err, "ip", "link", "add", veth->name, "master",
				 veth->bridge, "type", "veth", "peer", "name", veth->peer_name,
				 "address", mac_text, "netns", veth->netns->path, NULL);
	if (rc < 0)
		return err_wrap(err, "make interface '%s' with '%s' in '%s'", veth->name,
				veth->peer_name, veth->netns->path);
	return 0;
}

int link_set_up(struct nl *nl, const char *name, struct error *err)
{
	auto_nl_msg struct nl_msg *msg = link_message(RTM_NEWLINK, 0, name, IFF_UP);
	int rc = nl_call(nl, msg, err, "ip", "link", "set", name, "up", NULL);

	if (rc < 0)
		return err_wrap(err, "set interface '%s' up", name);
	return 0;
}

/*
 * How the port is to be.  Hairpin lets it send back what came from it.  A container reaches its own
 * published port by the host's routing, and needs that only where bridged packets pass the host's
 * NAT by themselves (net.bridge.bridge-nf-call-iptables, which other engines switch on).
 */
static void put_port(struct nl_msg *msg, bool is_isolated)
{
	struct nlattr *info = nla_nest_start(msg, IFLA_LINKINFO);
	struct nlattr *data;

	nl_put_text(msg, IFLA_INFO_SLAVE_KIND, "bridge");
	data = nla_nest_start(msg, IFLA_INFO_SLAVE_DATA);
	nl_put(msg, IFLA_BRPORT_MODE, &(uint8_t){ 1 }, 1);
	if (is_isolated)
		nl_put(msg, IFLA_BRPORT_ISOLATED, &(uint8_t){ 1 }, 1);
	nla_nest_end(msg, data);
	nla_nest_end(msg, info);
}

int link_set_veth_up(struct nl *nl, const struct link_veth *veth, struct error *err)
{
	auto_nl_msg struct nl_msg *msg = NULL;
	uint8_t mac[6];
	char text[18];
	int id = -1;
	int rc = netns_id(nl, NETNSA_FD, veth->netns->fd, &id, err);

	if (rc < 0)
		return err_wrap(err, "look at namespace '%s'", veth->netns->path);
	mac_of_id(id, mac);
	format_mac(mac, text);
	msg = link_message(RTM_NEWLINK, 0, veth->name, IFF_UP);
	nl_put(msg, IFLA_ADDRESS, mac, sizeof(mac));
	put_port(msg, veth->is_isolated);
	rc = nl_call(nl, msg, err, "ip", "link", "set", veth->name, "address", text, "up", "type",
		     "bridge_slave", "hairpin", "on", veth->is_isolated ? "isolated" : NULL, "on",
		     NULL);
	if (rc < 0)
		return err_wrap(err, "set interface '%s' up", veth->name);
	return 0;
}

int link_delete(struct nl *nl, const char *name, struct error *err)
{
	auto_nl_msg struct nl_msg *msg = link_message(RTM_DELLINK, 0, name, 0);
	int rc = nl_call(nl, msg, err, "ip", "link", "del", name, NULL);

	if (rc == -ENODEV)
		return 0;
	if (rc < 0)
		return err_wrap(err, "delete interface '%s'", name);
	return 0;
}
