/* SPDX-License-Identifier: Apache-2.0 */
#include "net/nl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <netlink/attr.h>
#include <netlink/msg.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/step.h"
#include "base/str.h"
#include "base/sys_ns.h"

enum {
	MESSAGE_MAX = 4096,
	ANSWER_MAX = 32768, /* what the kernel puts into one datagram (netlink_dump) */
	TRIES_MAX = 10,
};

int nl_init(struct nl *ret, int protocol, struct error *err)
{
	return nl_init_in(ret, -1, protocol, err);
}

int nl_init_in(struct nl *ret, int netns_fd, int protocol, struct error *err)
{
	int fd = sys_socket_in(netns_fd, AF_NETLINK, SOCK_RAW, protocol, err);
	int on = 1;

	if (fd < 0)
		return err_wrap(err, "open a netlink socket");
	/* The kernel's own words on a refusal; and answers without a copy of what was asked. */
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	*ret = (struct nl){ .fd = fd };
	return 0;
}

void nl_fini(struct nl *nl)
{
	close_fd(&nl->fd);
}

static void must(int rc)
{
	if (rc < 0)
		abort();
}

struct nl_msg *nl_message(int type, int flags, const void *header, size_t len)
{
	struct nl_msg *msg = nlmsg_alloc_size(MESSAGE_MAX);

	if (!msg || !nlmsg_put(msg, 0, 0, type, 0, flags | NLM_F_REQUEST))
		abort();
	must(nlmsg_append(msg, (void *)(uintptr_t)header, len, NLMSG_ALIGNTO));
	return msg;
}

void nl_put(struct nl_msg *msg, int attribute, const void *data, size_t len)
{
	must(nla_put(msg, attribute, (int)len, data));
}

void nl_put_text(struct nl_msg *msg, int attribute, const char *text)
{
	must(nla_put_string(msg, attribute, text));
}

void nl_put_u32(struct nl_msg *msg, int attribute, uint32_t value)
{
	must(nla_put_u32(msg, attribute, value));
}

void nl_put_be32(struct nl_msg *msg, int attribute, uint32_t value)
{
	must(nla_put_u32(msg, attribute, htonl(value)));
}

void nl_free_message(struct nl_msg **msg)
{
	nlmsg_free(*msg);
	*msg = NULL;
}

/* libnl's functions only read what they are given. */
int nl_attributes(const struct nlmsghdr *hdr, size_t head, struct nlattr **ret, int max)
{
	return nlmsg_parse((struct nlmsghdr *)(uintptr_t)hdr, (int)head, ret, max, NULL) < 0
		       ? -EBADMSG
		       : 0;
}

/* "<errno's text>: <the kernel's words>" of an error message. */
static int kernel_error(const struct nlmsghdr *hdr, struct error *err)
{
	const struct nlmsgerr *answer = nlmsg_data(hdr);
	struct nlattr *attrs[NLMSGERR_ATTR_MAX + 1] = { NULL };
	size_t head = sizeof(*answer);
	const char *words = NULL;

	if (!(hdr->nlmsg_flags & NLM_F_CAPPED))
		head += NLMSG_ALIGN(answer->msg.nlmsg_len) - sizeof(answer->msg);
	if (hdr->nlmsg_flags & NLM_F_ACK_TLVS &&
	    nl_attributes(hdr, head, attrs, NLMSGERR_ATTR_MAX) == 0 && attrs[NLMSGERR_ATTR_MSG])
		words = nla_get_string(attrs[NLMSGERR_ATTR_MSG]);
	return err_set(err, -answer->error, "%s%s%s", err_text(-answer->error), words ? ": " : "",
		       words ? words : "");
}

static int send_all(struct nl *nl, const void *data, size_t len, struct error *err)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	while (sendto(nl->fd, data, len, 0, (const struct sockaddr *)&kernel, sizeof(kernel)) < 0) {
		if (errno != EINTR)
			return err_sys(err, "send to the kernel");
	}
	return 0;
}

/* What came back for one request so far. */
struct answer {
	uint32_t first, last; /* sequence numbers of the request's messages */
	bool is_acknowledged; /* of the last one */
	bool is_done;         /* a dump's end */
	bool is_interrupted;  /* a dump's object changed meanwhile */
	int rc;               /* the first error */
	nl_reader *each;
	void *arg;
};

static void take_message(const struct nlmsghdr *hdr, struct answer *a, struct error *err)
{
	const struct nlmsgerr *error = nlmsg_data(hdr);

	if (hdr->nlmsg_seq < a->first || hdr->nlmsg_seq > a->last)
		return;
	if (hdr->nlmsg_flags & NLM_F_DUMP_INTR)
		a->is_interrupted = true;
	if (hdr->nlmsg_type == NLMSG_DONE) {
		a->is_done = true;
	} else if (hdr->nlmsg_type == NLMSG_ERROR) {
		a->is_acknowledged |= hdr->nlmsg_seq == a->last;
		if (error->error < 0 && a->rc == 0)
			a->rc = kernel_error(hdr, err);
	} else if (a->each && a->rc == 0) {
		a->rc = a->each(hdr, a->arg);
		if (a->rc < 0)
			(void)err_set(err, -a->rc, "%s", err_text(-a->rc));
	}
}

/* All answers are there when send returns (netlink_unicast_kernel): a lack of them is no delay. */
static int receive(struct nl *nl, struct answer *a, struct error *err)
{
	static char buf[ANSWER_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));

	for (;;) {
		ssize_t n = recv(nl->fd, buf, sizeof(buf), MSG_DONTWAIT | MSG_TRUNC);
		const struct nlmsghdr *hdr = (const struct nlmsghdr *)(const void *)buf;
		int left = (int)n;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return a->rc;
		if (n < 0)
			return err_sys(err, "receive from the kernel");
		if ((size_t)n > sizeof(buf))
			return err_set(err, EMSGSIZE, "receive from the kernel: answer too long");
		for (; nlmsg_ok(hdr, left);
		     hdr = nlmsg_next((struct nlmsghdr *)(uintptr_t)hdr, &left))
			take_message(hdr, a, err);
	}
}

int nl_ask(struct nl *nl, struct nl_msg *msg, struct error *err)
{
	struct nlmsghdr *hdr = nlmsg_hdr(msg);
	struct answer a = { 0 };
	int rc;

	hdr->nlmsg_seq = ++nl->seq;
	hdr->nlmsg_flags |= NLM_F_ACK;
	a.first = a.last = hdr->nlmsg_seq;
	rc = send_all(nl, hdr, hdr->nlmsg_len, err);
	if (rc < 0)
		return rc;
	rc = receive(nl, &a, err);
	if (rc == 0 && !a.is_acknowledged)
		return err_set(err, EPROTO, "the kernel gave no answer");
	return rc;
}

int nl_call(struct nl *nl, struct nl_msg *msg, struct error *err, const char *arg0, ...)
{
	struct step step = step_begin();
	int rc = nl_ask(nl, msg, err);
	auto_strv struct strv argv = { 0 };
	va_list ap;

	if (!step_is_on())
		return rc;
	va_start(ap, arg0);
	for (const char *arg = arg0; arg; arg = va_arg(ap, const char *))
		strv_add(&argv, arg);
	va_end(ap);
	step_end_argv(&step, rc, STEP_RUN, strv_items(&argv), NULL);
	return rc;
}

int nl_read(struct nl *nl, struct nl_msg *msg, nl_reader *each, void *arg, struct error *err)
{
	struct nlmsghdr *hdr = nlmsg_hdr(msg);

	for (int i = 0; i < TRIES_MAX; i++) {
		struct answer a = { .each = each, .arg = arg };
		int rc;

		hdr->nlmsg_seq = ++nl->seq;
		a.first = a.last = hdr->nlmsg_seq;
		rc = send_all(nl, hdr, hdr->nlmsg_len, err);
		if (rc == 0)
			rc = receive(nl, &a, err);
		if (rc < 0)
			return rc;
		if (!a.is_interrupted)
			return 0;
		(void)each(NULL, arg);
	}
	return err_set(err, EAGAIN, "what the kernel lists keeps changing");
}

static void batch_append(struct nl_batch *batch, const void *data, size_t len)
{
	size_t whole = NLMSG_ALIGN(len);

	if (batch->len + whole > batch->room) {
		batch->room = 2 * (batch->len + whole);
		batch->data = xrealloc(batch->data, batch->room, 1);
	}
	memset(batch->data + batch->len, 0, whole);
	memcpy(batch->data + batch->len, data, len);
	batch->len += whole;
}

/* The messages that stand around a transaction. */
static void batch_border(struct nl_batch *batch, int type)
{
	struct {
		struct nlmsghdr hdr;
		struct nfgenmsg nfgen;
	} border = {
		.hdr = { .nlmsg_len = sizeof(border),
			 .nlmsg_type = (uint16_t)type,
			 .nlmsg_flags = NLM_F_REQUEST },
		.nfgen = { .nfgen_family = AF_UNSPEC,
			   .version = NFNETLINK_V0,
			   .res_id = htons(NFNL_SUBSYS_NFTABLES) },
	};

	batch_append(batch, &border, sizeof(border));
}

void nl_batch_add(struct nl_batch *batch, struct nl_msg *msg)
{
	const struct nlmsghdr *hdr = nlmsg_hdr(msg);

	if (batch->n++ == 0)
		batch_border(batch, NFNL_MSG_BATCH_BEGIN);
	batch_append(batch, hdr, hdr->nlmsg_len);
	nlmsg_free(msg);
}

void nl_batch_fini(struct nl_batch *batch)
{
	free(batch->data);
	*batch = (struct nl_batch){ 0 };
}

/* Numbers the messages, and asks for a word on the last one before the end. */
static void number(struct nl *nl, struct nl_batch *batch, struct answer *a)
{
	size_t last = 0;

	a->first = nl->seq + 1;
	for (size_t at = 0; at < batch->len;) {
		struct nlmsghdr *hdr = (struct nlmsghdr *)(void *)(batch->data + at);

		hdr->nlmsg_seq = ++nl->seq;
		if (hdr->nlmsg_type != NFNL_MSG_BATCH_END)
			last = at;
		at += NLMSG_ALIGN(hdr->nlmsg_len);
	}
	((struct nlmsghdr *)(void *)(batch->data + last))->nlmsg_flags |= NLM_F_ACK;
	a->last = nl->seq - 1;
}

int nl_batch_call(struct nl *nl, struct nl_batch *batch, struct error *err)
{
	struct answer a = { 0 };
	int rc;

	if (batch->n == 0)
		return 0;
	batch_border(batch, NFNL_MSG_BATCH_END);
	number(nl, batch, &a);
	rc = send_all(nl, batch->data, batch->len, err);
	if (rc < 0)
		return rc;
	/* Each failing message is answered for itself; the first tells why. */
	rc = receive(nl, &a, err);
	if (rc == 0 && !a.is_acknowledged)
		return err_set(err, EPROTO, "the kernel gave no answer");
	return rc;
}
