/* SPDX-License-Identifier: Apache-2.0 */
#include "net/device.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <netlink/attr.h>
#include <netlink/msg.h>

#include "base/macros.h"
#include "base/mem.h"
#include "net/link.h"
#include "net/nl.h"

/* An address as the kernel tells of it; attributes as they came. */
struct address {
	uint8_t family, prefix;
	uint8_t local[16], peer[16], broadcast[4];
	bool has_local, has_broadcast;
};

struct addresses {
	int ifindex;
	struct address *items;
	size_t n;
};

static size_t length_of(uint8_t family)
{
	return family == AF_INET ? 4 : 16;
}

static bool copy_attr(uint8_t *to, const struct nlattr *attr, size_t len)
{
	if (!attr || (size_t)nla_len(attr) != len)
		return false;
	memcpy(to, nla_data(attr), len);
	return true;
}

/* What the kernel gives by itself comes again by itself: link-local ones, those of advertisements. */
static int collect(const struct nlmsghdr *hdr, void *arg)
{
	struct nlattr *attrs[IFA_MAX + 1];
	struct addresses *list = arg;
	struct address address = { 0 };
	const struct ifaddrmsg *head;
	uint32_t flags;
	size_t len;

	if (!hdr) {
		list->n = 0;
		return 0;
	}
	if (hdr->nlmsg_type != RTM_NEWADDR)
		return 0;
	if (nl_attributes(hdr, sizeof(*head), attrs, IFA_MAX) < 0)
		return -EBADMSG;
	head = nlmsg_data(hdr);
	flags = attrs[IFA_FLAGS] ? nla_get_u32(attrs[IFA_FLAGS]) : head->ifa_flags;
	if ((int)head->ifa_index != list->ifindex || head->ifa_scope != RT_SCOPE_UNIVERSE ||
	    !(flags & IFA_F_PERMANENT) ||
	    (head->ifa_family != AF_INET && head->ifa_family != AF_INET6))
		return 0;
	len = length_of(head->ifa_family);
	address.family = head->ifa_family;
	address.prefix = head->ifa_prefixlen;
	address.has_local = copy_attr(address.local, attrs[IFA_LOCAL], len);
	address.has_broadcast = copy_attr(address.broadcast, attrs[IFA_BROADCAST], 4);
	if (!copy_attr(address.peer, attrs[IFA_ADDRESS], len))
		return 0;
	list->items = xrealloc(list->items, list->n + 1, sizeof(address));
	list->items[list->n++] = address;
	return 0;
}

static int list_addresses(struct nl *nl, struct addresses *ret, struct error *err)
{
	const struct ifaddrmsg head = { .ifa_family = AF_UNSPEC };
	auto_nl_msg struct nl_msg *msg = nl_message(RTM_GETADDR, NLM_F_DUMP, &head, sizeof(head));
	int rc = nl_read(nl, msg, collect, ret, err);

	return rc < 0 ? err_wrap(err, "list addresses") : 0;
}

/* "--net=/proc/4711/ns/net", for the steps that are done there. */
static char *where(const struct netns *netns)
{
	return xasprintf("--net=%s", netns ? netns->path : "/proc/self/ns/net");
}

static int add_address(struct nl *nl, const struct netns *netns, const char *ifname, int ifindex,
		       const struct address *a, struct error *err)
{
	const struct ifaddrmsg head = { .ifa_family = a->family,
					.ifa_prefixlen = a->prefix,
					.ifa_scope = RT_SCOPE_UNIVERSE,
					.ifa_index = (unsigned int)ifindex };
	auto_nl_msg struct nl_msg *msg =
		nl_message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &head, sizeof(head));
	const uint8_t *own = a->has_local ? a->local : a->peer;
	size_t len = length_of(a->family);
	auto_free char *there = where(netns);
	char text[INET6_ADDRSTRLEN];
	char cidr[INET6_ADDRSTRLEN + 4];
	int rc;

	nl_put(msg, IFA_LOCAL, own, len);
	nl_put(msg, IFA_ADDRESS, a->peer, len);
	if (a->has_broadcast)
		nl_put(msg, IFA_BROADCAST, a->broadcast, 4);
	(void)inet_ntop(a->family, own, text, sizeof(text));
	(void)snprintf(cidr, sizeof(cidr), "%s/%u", text, a->prefix);
	rc = nl_call(nl, msg, err, "nsenter", there, "ip", "addr", "replace", cidr, "dev", ifname,
		     NULL);
	return rc < 0 ? err_wrap(err, "give address '%s' to interface '%s'", cidr, ifname) : 0;
}

static int set_up(struct nl *nl, const struct netns *netns, const char *ifname, int ifindex,
		  struct error *err)
{
	const struct ifinfomsg head = { .ifi_index = ifindex,
					.ifi_flags = IFF_UP,
					.ifi_change = IFF_UP };
	auto_nl_msg struct nl_msg *msg = nl_message(RTM_NEWLINK, 0, &head, sizeof(head));
	auto_free char *there = where(netns);
	int rc = nl_call(nl, msg, err, "nsenter", there, "ip", "link", "set", ifname, "up", NULL);

	return rc < 0 ? err_wrap(err, "set interface '%s' up", ifname) : 0;
}

/* The name that it will have, which nobody there has yet. */
static int choose_name(struct nl *nl, const char *wanted, char ret[IFNAMSIZ], struct error *err)
{
	enum { MOST = 1000 };
	const char *number = strstr(wanted, "%d");
	int rc = 1;

	for (int i = 0; rc == 1 && i < MOST; i++) {
		unsigned int flags;
		int index, n;

		n = number ? snprintf(ret, IFNAMSIZ, "%.*s%d%s", (int)(number - wanted), wanted, i,
				      number + 2)
			   : snprintf(ret, IFNAMSIZ, "%s", wanted);
		if (n >= IFNAMSIZ)
			return err_set(err, ENAMETOOLONG, "interface name '%s': is too long",
				       wanted);
		rc = link_peek(nl, ret, &index, &flags, err);
		if (rc == 1 && !number)
			break;
	}
	return rc == 1 ? err_set(err, EEXIST, "there is an interface '%s' already", wanted) : rc;
}

static int send_away(struct nl *nl, const struct device_move *move, int ifindex,
		     const char *new_name, struct error *err)
{
	const char *to = move->to ? move->to->path : "/proc/self/ns/net";
	const struct ifinfomsg head = { .ifi_index = ifindex };
	auto_nl_msg struct nl_msg *msg = nl_message(RTM_NEWLINK, 0, &head, sizeof(head));
	auto_free char *there = where(move->from);

	nl_put_text(msg, IFLA_IFNAME, new_name);
	if (move->to)
		nl_put_u32(msg, IFLA_NET_NS_FD, (uint32_t)move->to->fd);
	else
		nl_put_u32(msg, IFLA_NET_NS_PID, (uint32_t)getpid());
	if (!move->from)
		return nl_call(nl, msg, err, "ip", "link", "set", move->name, "netns", to, "name",
			       new_name, NULL);
	return nl_call(nl, msg, err, "nsenter", there, "ip", "link", "set", move->name, "netns", to,
		       "name", new_name, NULL);
}

static int settle(struct nl *nl, const struct device_move *move, const char *name,
		  const struct addresses *addresses, struct error *err)
{
	unsigned int flags;
	int index = 0;
	int rc = link_peek(nl, name, &index, &flags, err);

	if (rc == 0)
		return err_set(err, ENODEV, "interface '%s' went meanwhile", name);
	for (size_t i = 0; rc >= 0 && i < addresses->n; i++)
		rc = add_address(nl, move->to, name, index, &addresses->items[i], err);
	return rc < 0 ? rc : set_up(nl, move->to, name, index, err);
}

static int move_by(struct nl *from, struct nl *to, const struct device_move *move,
		   struct addresses *addresses, char ret_name[IFNAMSIZ], struct error *err)
{
	char name[IFNAMSIZ] = "";
	unsigned int flags = 0;
	int rc = link_peek(from, move->name, &addresses->ifindex, &flags, err);

	if (rc == 0)
		return err_set(err, ENODEV, "there is no such interface");
	if (rc == 1 && flags & IFF_LOOPBACK)
		return err_set(err, EINVAL, "each network namespace has its own loopback");
	if (rc == 1)
		rc = list_addresses(from, addresses, err);
	if (rc == 0)
		rc = choose_name(to, move->new_name, name, err);
	if (rc == 0)
		rc = send_away(from, move, addresses->ifindex, name, err);
	if (rc < 0)
		return rc;
	memcpy(ret_name, name, IFNAMSIZ);
	return settle(to, move, name, addresses, err);
}

int device_move(const struct device_move *move, char ret_name[IFNAMSIZ], struct error *err)
{
	auto_nl struct nl from = { .fd = -1 };
	auto_nl struct nl to = { .fd = -1 };
	struct addresses addresses = { 0 };
	int rc;

	*ret_name = '\0';
	rc = nl_init_in(&from, move->from ? move->from->fd : -1, NETLINK_ROUTE, err);

	if (rc == 0)
		rc = nl_init_in(&to, move->to ? move->to->fd : -1, NETLINK_ROUTE, err);
	if (rc == 0)
		rc = move_by(&from, &to, move, &addresses, ret_name, err);
	free(addresses.items);
	return rc < 0 ? err_wrap(err, "move interface '%s' to '%s'", move->name,
				 move->to ? move->to->path : "this network namespace")
		      : 0;
}

/* dev_valid_name() and dev_prep_valid_name() of the kernel. */
bool device_is_name(const char *name)
{
	const char *percent = strchr(name, '%');

	if (!*name || strlen(name) >= IFNAMSIZ || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	if (percent && (percent[1] != 'd' || strchr(percent + 1, '%')))
		return false;
	for (const char *p = name; *p; p++) {
		if (*p == '/' || *p == ':' || *p <= ' ' || *p >= 0x7f)
			return false;
	}
	return true;
}
