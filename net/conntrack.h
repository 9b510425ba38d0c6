/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "base/parse.h"

/*
 * The kernel decides once for each flow where its packets go, and sticks to it as long as there are
 * any.  TCP connections end; UDP senders may go on for ever, to a container that is gone or to a
 * host that nobody listened on.  So flows to UDP ports of this host are forgotten when those ports
 * begin or cease to be published.  Others are left alone, and a failure is no more than logged.
 * @nl: a NETLINK_NETFILTER socket (nft_socket()).
 */
struct nl;
void conntrack_forget(struct nl *nl, const struct port_mapping *ports, size_t n);
