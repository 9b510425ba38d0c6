/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"

struct nl_msg;
struct nlmsghdr;
struct str;

/*
 * One netlink socket.  Messages are built and read with libnl's nlmsg_* and nla_*; what is sent and
 * how answers come back is here: the kernel works through a request while it is being sent, so all
 * answers are there when sending returns, and nothing ever waits.
 */
struct nl {
	int fd;
	uint32_t seq;
};

/* @protocol: NETLINK_ROUTE, NETLINK_NETFILTER */
int nl_init(struct nl *ret, int protocol, struct error *err);
int nl_init_in(struct nl *ret, int netns_fd, int protocol, struct error *err); /* there */
void nl_fini(struct nl *nl); /* { .fd = -1 } is fine */
#define auto_nl __attribute__((cleanup(nl_fini)))

/*
 * Building: a message of @type with the fixed header @header behind it.  Attributes that do not fit
 * are a bug of ours and end the process.
 */
struct nl_msg *nl_message(int type, int flags, const void *header, size_t len);
void nl_put(struct nl_msg *msg, int attribute, const void *data, size_t len);
void nl_put_text(struct nl_msg *msg, int attribute, const char *text);
void nl_put_u32(struct nl_msg *msg, int attribute, uint32_t value);
void nl_put_be32(struct nl_msg *msg, int attribute, uint32_t value);
void nl_free_message(struct nl_msg **msg);
#define auto_nl_msg __attribute__((cleanup(nl_free_message)))

/*
 * Asks for one change and waits for the kernel's word: one step, recorded as the words that follow
 * (`ip ...`, ended by NULL).  @err is the kernel's reason, its own words (extended acknowledgement)
 * included; callers name the object.
 */
int nl_call(struct nl *nl, struct nl_msg *msg, struct error *err, const char *arg0, ...) SENTINEL;

/* The same for what is no step of its own. */
int nl_ask(struct nl *nl, struct nl_msg *msg, struct error *err);

/*
 * Asks for information; no step.  @each is called for every message of the answer (a dump's if
 * @msg has NLM_F_DUMP); a negative errno of it ends the reading.  A table that changed meanwhile
 * is read again from the start after @each was called with NULL.
 */
typedef int nl_reader(const struct nlmsghdr *hdr, void *arg);
int nl_read(struct nl *nl, struct nl_msg *msg, nl_reader *each, void *arg, struct error *err);

/*
 * For such a reader: the attributes behind a message's own header of @head bytes, by type, up to
 * @max; NULL for those that are not there.  -EBADMSG.
 */
struct nlattr;
int nl_attributes(const struct nlmsghdr *hdr, size_t head, struct nlattr **ret, int max);

/*
 * Several messages as one transaction of nf_tables (nfnetlink batch): all of it happens, or
 * nothing.  Not a step by itself: nft.c records what it means.
 */
struct nl_batch {
	char *data;
	size_t len, room;
	size_t n;
};
void nl_batch_add(struct nl_batch *batch, struct nl_msg *msg); /* takes @msg over */
void nl_batch_fini(struct nl_batch *batch);
#define auto_nl_batch __attribute__((cleanup(nl_batch_fini)))
int nl_batch_call(struct nl *nl, struct nl_batch *batch, struct error *err);
