/* SPDX-License-Identifier: Apache-2.0 */
#include "net/nft.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <netlink/attr.h>
#include <netlink/msg.h>

#include "base/macros.h"
#include "base/step.h"
#include "base/str.h"
#include "net/nft_internal.h"

/* Elements of one message, at most 92 bytes each, have to fit into it (nl.c). */
enum { ELEMENTS_PER_MESSAGE = 32 };

static struct nl own = { .fd = -1 };
static pid_t owner;

void nft_forget(void)
{
	own.fd = -1;
	owner = 0;
}

int nft_socket(struct nl **ret, struct error *err)
{
	int rc;

	/* Answers to a parent's socket could come to its child. */
	if (owner != getpid()) {
		nl_fini(&own);
		rc = nl_init(&own, NETLINK_NETFILTER, err);
		if (rc < 0)
			return err_wrap(err, "reach nf_tables");
		owner = getpid();
	}
	*ret = &own;
	return 0;
}

static struct nl_msg *message(int type, int flags)
{
	return nft_message(NFPROTO_INET, type, flags);
}

/* ---- the table, its sets, chains and rules ---- */

static void add_table(struct nl_batch *batch)
{
	struct nl_msg *msg = message(NFT_MSG_NEWTABLE, NLM_F_CREATE);

	nl_put_text(msg, NFTA_TABLE_NAME, RULES_TABLE);
	nl_batch_add(batch, msg);
}

static void delete_table(struct nl_batch *batch)
{
	struct nl_msg *msg = message(NFT_MSG_DELTABLE, 0);

	nl_put_text(msg, NFTA_TABLE_NAME, RULES_TABLE);
	nl_batch_add(batch, msg);
}

static void delete_rules(struct nl_batch *batch)
{
	struct nl_msg *msg = message(NFT_MSG_DELRULE, 0);

	nl_put_text(msg, NFTA_RULE_TABLE, RULES_TABLE);
	nl_batch_add(batch, msg);
}

/* Keys of several parts, each of which may be an interval. */
static void put_fields(struct nl_msg *msg, const struct rules_set_spec *spec)
{
	struct nlattr *desc = nla_nest_start(msg, NFTA_SET_DESC);
	struct nlattr *parts = nla_nest_start(msg, NFTA_SET_DESC_CONCAT);

	for (size_t i = 0; i < ARRAY_LEN(spec->fields); i++) {
		struct nlattr *part = nla_nest_start(msg, NFTA_LIST_ELEM);

		nl_put_be32(msg, NFTA_SET_FIELD_LEN, spec->fields[i]);
		nla_nest_end(msg, part);
	}
	nla_nest_end(msg, parts);
	nla_nest_end(msg, desc);
	nl_put_be32(msg, NFTA_SET_FLAGS, NFT_SET_INTERVAL | NFT_SET_CONCAT);
}

static void add_set(struct nl_batch *batch, enum rules_set set)
{
	const struct rules_set_spec *spec = &rules_sets[set];
	struct nl_msg *msg = message(NFT_MSG_NEWSET, NLM_F_CREATE);
	/* For nft alone, which notes there how to show keys: type 0 (order of bytes), 1 (host's). */
	const struct {
		uint8_t type, len;
		uint32_t value;
	} __attribute__((packed)) order = { 0, sizeof(uint32_t), 1 };

	nl_put_text(msg, NFTA_SET_TABLE, RULES_TABLE);
	nl_put_text(msg, NFTA_SET_NAME, spec->name);
	nl_put_be32(msg, NFTA_SET_ID, (uint32_t)set + 1);
	nl_put_be32(msg, NFTA_SET_KEY_TYPE, spec->key_type);
	nl_put_be32(msg, NFTA_SET_KEY_LEN, spec->key_len);
	if (spec->data_len) {
		nl_put_be32(msg, NFTA_SET_FLAGS, NFT_SET_MAP);
		nl_put_be32(msg, NFTA_SET_DATA_TYPE, spec->data_type);
		nl_put_be32(msg, NFTA_SET_DATA_LEN, spec->data_len);
	}
	if (spec->fields[0])
		put_fields(msg, spec);
	if (spec->has_text_key)
		nl_put(msg, NFTA_SET_USERDATA, &order, sizeof(order));
	if (spec->expressions)
		nl_put(msg, NFTA_SET_USERDATA, spec->expressions, spec->expressions_len);
	nl_batch_add(batch, msg);
}

static void add_chain(struct nl_batch *batch, const struct rules_chain *chain)
{
	struct nl_msg *msg = message(NFT_MSG_NEWCHAIN, NLM_F_CREATE);
	struct nlattr *hook;

	nl_put_text(msg, NFTA_CHAIN_TABLE, RULES_TABLE);
	nl_put_text(msg, NFTA_CHAIN_NAME, chain->name);
	if (chain->type) {
		hook = nla_nest_start(msg, NFTA_CHAIN_HOOK);
		nl_put_be32(msg, NFTA_HOOK_HOOKNUM, (uint32_t)chain->hook);
		nl_put_be32(msg, NFTA_HOOK_PRIORITY, (uint32_t)chain->priority);
		nla_nest_end(msg, hook);
		nl_put_text(msg, NFTA_CHAIN_TYPE, chain->type);
		nl_put_be32(msg, NFTA_CHAIN_POLICY, NF_ACCEPT);
	}
	nl_batch_add(batch, msg);
}

/* A comment as nft keeps it in a rule: type 0, length, text with its NUL. */
static void put_comment(struct nl_msg *msg, const char *comment)
{
	uint8_t data[2 + 128] = { 0 };
	size_t len = strlen(comment) + 1;

	data[1] = (uint8_t)len;
	memcpy(data + 2, comment, len);
	nl_put(msg, NFTA_RULE_USERDATA, data, len + 2);
}

static void add_rule(struct nl_batch *batch, const struct rules_rule *rule)
{
	struct nl_msg *msg = message(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
	struct nlattr *list;

	nl_put_text(msg, NFTA_RULE_TABLE, RULES_TABLE);
	nl_put_text(msg, NFTA_RULE_CHAIN, rule->chain);
	list = nla_nest_start(msg, NFTA_RULE_EXPRESSIONS);
	for (size_t i = 0; i < RULES_EXPRS_MAX && rule->exprs[i].op != RULES_END; i++)
		nft_put_expr(msg, &rule->exprs[i]);
	nla_nest_end(msg, list);
	put_comment(msg, rule->comment);
	nl_batch_add(batch, msg);
}

/* ---- elements ---- */

static void put_element(struct nl_msg *msg, const struct rules_element *element, bool has_data)
{
	const struct rules_set_spec *spec = &rules_sets[element->set];
	struct nlattr *item = nla_nest_start(msg, NFTA_LIST_ELEM);

	nft_put_data(msg, NFTA_SET_ELEM_KEY, element->key, spec->key_len);
	if (spec->fields[0])
		nft_put_data(msg, NFTA_SET_ELEM_KEY_END, element->key_end, spec->key_len);
	if (has_data && spec->data_len)
		nft_put_data(msg, NFTA_SET_ELEM_DATA, element->data, spec->data_len);
	nla_nest_end(msg, item);
}

/* A message of the first elements from *@at on that belong to one set; moves *@at behind them. */
static struct nl_msg *element_message(int type, int flags, const struct rules_elements *elements,
				      size_t *at)
{
	enum rules_set set = elements->items[*at].set;
	struct nl_msg *msg = message(type, flags);
	struct nlattr *list;

	nl_put_text(msg, NFTA_SET_ELEM_LIST_TABLE, RULES_TABLE);
	nl_put_text(msg, NFTA_SET_ELEM_LIST_SET, rules_sets[set].name);
	list = nla_nest_start(msg, NFTA_SET_ELEM_LIST_ELEMENTS);
	for (int i = 0; i < ELEMENTS_PER_MESSAGE; i++) {
		if (*at == elements->n || elements->items[*at].set != set)
			break;
		put_element(msg, &elements->items[(*at)++], type == NFT_MSG_NEWSETELEM);
	}
	nla_nest_end(msg, list);
	return msg;
}

static void add_elements(struct nl_batch *batch, const struct rules_elements *elements)
{
	for (size_t i = 0; i < elements->n;)
		nl_batch_add(batch,
			     element_message(NFT_MSG_NEWSETELEM, NLM_F_CREATE, elements, &i));
}

static void delete_elements(struct nl_batch *batch, const struct rules_elements *elements)
{
	for (size_t i = 0; i < elements->n;)
		nl_batch_add(batch, element_message(NFT_MSG_DELSETELEM, 0, elements, &i));
}

/* ---- what is there ---- */

struct rule_check {
	size_t n; /* rules seen */
	bool is_ours;
};

/* Each chain has its rules in order, the chains have theirs: so has our own list. */
static int check_rule(const struct nlmsghdr *hdr, void *arg)
{
	struct nlattr *attrs[NFTA_RULE_MAX + 1];
	const struct rules_rule *wanted;
	struct rule_check *check = arg;
	const char *comment;
	size_t len;

	if (!hdr) {
		*check = (struct rule_check){ .is_ours = true };
		return 0;
	}
	if (nl_attributes(hdr, sizeof(struct nfgenmsg), attrs, NFTA_RULE_MAX) < 0)
		return -EBADMSG;
	if (check->n >= rules_n_rules || !attrs[NFTA_RULE_CHAIN] || !attrs[NFTA_RULE_USERDATA]) {
		check->is_ours = false;
		return 0;
	}
	wanted = &rules_rules[check->n++];
	comment = (const char *)nla_data(attrs[NFTA_RULE_USERDATA]) + 2;
	len = strlen(wanted->comment) + 1;
	if (strcmp(nla_get_string(attrs[NFTA_RULE_CHAIN]), wanted->chain) != 0 ||
	    (size_t)nla_len(attrs[NFTA_RULE_USERDATA]) != len + 2 ||
	    memcmp(comment, wanted->comment, len) != 0)
		check->is_ours = false;
	return 0;
}

static int has_all_rules(struct nl *nl, bool *ret, struct error *err)
{
	auto_nl_msg struct nl_msg *msg = message(NFT_MSG_GETRULE, NLM_F_DUMP);
	struct rule_check check = { .is_ours = true };
	int rc;

	nl_put_text(msg, NFTA_RULE_TABLE, RULES_TABLE);
	rc = nl_read(nl, msg, check_rule, &check, err);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	*ret = rc == 0 && check.is_ours && check.n == rules_n_rules;
	return 0;
}

static int has_elements(struct nl *nl, const struct rules_elements *elements, bool *ret,
			struct error *err)
{
	for (size_t i = 0; i < elements->n;) {
		auto_nl_msg struct nl_msg *msg =
			element_message(NFT_MSG_GETSETELEM, 0, elements, &i);
		int rc = nl_read(nl, msg, NULL, NULL, err);

		if (rc == -ENOENT) {
			*ret = false;
			return 0;
		}
		if (rc < 0)
			return rc;
	}
	*ret = true;
	return 0;
}

int nft_has(struct nl *nl, const struct rules_elements *elements, bool *ret, struct error *err)
{
	int rc = has_elements(nl, elements, ret, err);

	return rc < 0 ? err_wrap(err, "look at nft table 'inet " RULES_TABLE "'") : 0;
}

struct search {
	enum rules_set set;
	struct in_addr container;
	struct rules_elements *found;
};

/* 1 and the element's own bytes in @ret, of @len; 0: there is no such attribute. */
static int read_bytes(struct nlattr *attr, size_t len, uint8_t *ret)
{
	struct nlattr *data[NFTA_DATA_MAX + 1];

	if (!attr)
		return 0;
	if (nla_parse_nested(data, NFTA_DATA_MAX, attr, NULL) < 0 || !data[NFTA_DATA_VALUE] ||
	    (size_t)nla_len(data[NFTA_DATA_VALUE]) != len)
		return -EBADMSG;
	memcpy(ret, nla_data(data[NFTA_DATA_VALUE]), len);
	return 1;
}

static bool is_about(const struct rules_element *element, struct in_addr container)
{
	const size_t len = sizeof(container);

	if (rules_sets[element->set].data_len)
		return memcmp(element->data, &container, len) == 0;
	return memcmp(element->key, &container, len) == 0 ||
	       memcmp(element->key + len, &container, len) == 0;
}

static int collect_element(struct nlattr *item, const struct search *search)
{
	const struct rules_set_spec *spec = &rules_sets[search->set];
	struct rules_element element = { .set = search->set };
	struct nlattr *attrs[NFTA_SET_ELEM_MAX + 1];
	int data;

	if (nla_parse_nested(attrs, NFTA_SET_ELEM_MAX, item, NULL) < 0 ||
	    read_bytes(attrs[NFTA_SET_ELEM_KEY], spec->key_len, element.key) != 1)
		return -EBADMSG;
	data = read_bytes(attrs[NFTA_SET_ELEM_DATA], spec->data_len, element.data);
	if (data < 0 || data != (spec->data_len != 0))
		return -EBADMSG;
	if (is_about(&element, search->container))
		rules_add(search->found, &element);
	return 0;
}

static int collect_elements(const struct nlmsghdr *hdr, void *arg)
{
	struct nlattr *attrs[NFTA_SET_ELEM_LIST_MAX + 1];
	struct nlattr *item;
	int left;

	/* Found twice is removed once. */
	if (!hdr)
		return 0;
	if (nl_attributes(hdr, sizeof(struct nfgenmsg), attrs, NFTA_SET_ELEM_LIST_MAX) < 0)
		return -EBADMSG;
	if (!attrs[NFTA_SET_ELEM_LIST_ELEMENTS])
		return 0;
	nla_for_each_nested(item, attrs[NFTA_SET_ELEM_LIST_ELEMENTS], left)
	{
		int rc = collect_element(item, arg);

		if (rc < 0)
			return rc;
	}
	return 0;
}

int nft_find(struct nl *nl, const enum rules_set *sets, size_t n, struct in_addr container,
	     struct rules_elements *ret, struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		struct search search = { sets[i], container, ret };
		auto_nl_msg struct nl_msg *msg = message(NFT_MSG_GETSETELEM, NLM_F_DUMP);
		int rc;

		nl_put_text(msg, NFTA_SET_ELEM_LIST_TABLE, RULES_TABLE);
		nl_put_text(msg, NFTA_SET_ELEM_LIST_SET, rules_sets[sets[i]].name);
		rc = nl_read(nl, msg, collect_elements, &search, err);
		if (rc < 0 && rc != -ENOENT)
			return err_wrap(err, "list set '%s'", rules_sets[sets[i]].name);
	}
	return 0;
}

int nft_is_whole(struct nl *nl, const struct rules_elements *elements, bool *ret, struct error *err)
{
	bool is_whole = false;
	int rc = has_all_rules(nl, &is_whole, err);

	if (rc == 0 && is_whole)
		rc = has_elements(nl, elements, &is_whole, err);
	if (rc < 0)
		return err_wrap(err, "look at nft table 'inet " RULES_TABLE "'");
	*ret = is_whole;
	return 0;
}

/* ---- changes ---- */

static int build(struct nl *nl, const struct rules_elements *elements, bool is_afresh,
		 struct error *err)
{
	auto_nl_batch struct nl_batch batch = { 0 };

	add_table(&batch);
	if (is_afresh) {
		delete_table(&batch);
		add_table(&batch);
	}
	delete_rules(&batch);
	for (size_t i = 0; i < RULES_N_SETS; i++)
		add_set(&batch, (enum rules_set)i);
	for (size_t i = 0; i < rules_n_chains; i++)
		add_chain(&batch, &rules_chains[i]);
	for (size_t i = 0; i < rules_n_rules; i++)
		add_rule(&batch, &rules_rules[i]);
	add_elements(&batch, elements);
	return nl_batch_call(nl, &batch, err);
}

static void end_input(const struct step *step, int rc, const char *text)
{
	static char nft[] = "nft";
	static char option[] = "-f";
	static char input[] = "-";
	char *const argv[] = { nft, option, input, NULL };

	step_end_argv(step, rc, STEP_INPUT, argv, text);
}

int nft_build(struct nl *nl, const struct rules_elements *elements, struct error *err)
{
	struct step step = step_begin();
	int rc = build(nl, elements, false, err);

	/* One of ours is there in a form that cannot be changed, from another version or by hand. */
	if (rc == -EEXIST || rc == -EINVAL || rc == -EBUSY || rc == -EOPNOTSUPP)
		rc = build(nl, elements, true, err);
	if (step_is_on()) {
		auto_str struct str text = { 0 };

		rules_text(elements, &text);
		end_input(&step, rc, text.text);
	}
	if (rc < 0)
		return err_wrap(err, "make nft table 'inet " RULES_TABLE "'");
	return 0;
}

/* A change of elements as lines of nft; returns how many, the last one's words in @last. */
static size_t describe(const char *verb, const struct rules_elements *elements, struct str *text,
		       struct strv *last)
{
	size_t n_sets = 0;

	for (size_t set = 0; set < RULES_N_SETS; set++) {
		auto_strv struct strv words = { 0 };

		if (!rules_element_words(verb, (enum rules_set)set, elements, &words))
			continue;
		for (size_t i = 0; i < words.n; i++)
			str_addf(text, "%s%s", i ? " " : "", words.items[i]);
		str_add(text, "\n");
		strv_fini(last);
		strv_add(last, "nft");
		for (size_t i = 0; i < words.n; i++)
			strv_add(last, words.items[i]);
		n_sets++;
	}
	return n_sets;
}

/* One set: the command with its words.  More: lines on its input, as they are one transaction. */
static void end_elements(const struct step *step, int rc, const struct rules_elements *removed,
			 const struct rules_elements *added)
{
	auto_str struct str text = { 0 };
	auto_strv struct strv last = { 0 };
	size_t n = 0;

	if (!step_is_on())
		return;
	if (removed)
		n += describe("delete", removed, &text, &last);
	if (added)
		n += describe("add", added, &text, &last);
	if (n == 1)
		step_end_argv(step, rc, STEP_RUN, strv_items(&last), NULL);
	else
		end_input(step, rc, text.text);
}

static int add_once(struct nl *nl, const struct rules_elements *elements, struct error *err)
{
	struct step step = step_begin();
	auto_nl_batch struct nl_batch batch = { 0 };
	int rc;

	add_elements(&batch, elements);
	rc = nl_batch_call(nl, &batch, err);
	end_elements(&step, rc, NULL, elements);
	return rc;
}

static int remove_once(struct nl *nl, const struct rules_elements *elements, struct error *err)
{
	struct step step = step_begin();
	auto_nl_batch struct nl_batch batch = { 0 };
	int rc;

	delete_elements(&batch, elements);
	rc = nl_batch_call(nl, &batch, err);
	if (rc != -ENOENT)
		end_elements(&step, rc, elements, NULL);
	return rc;
}

int nft_add(struct nl *nl, const struct rules_elements *elements, struct error *err)
{
	int rc = elements->n ? add_once(nl, elements, err) : 0;

	/* Left behind by one that nobody released; the lease says that they are the caller's now. */
	if (rc == -EEXIST || rc == -EBUSY) {
		rc = nft_remove(nl, elements, err);
		if (rc == 0)
			rc = add_once(nl, elements, err);
	}
	if (rc < 0)
		return err_wrap(err, "add to nft table 'inet " RULES_TABLE "'");
	return 0;
}

int nft_remove(struct nl *nl, const struct rules_elements *elements, struct error *err)
{
	struct error ignored;
	int rc = elements->n ? remove_once(nl, elements, err) : 0;
	int first = 0;

	if (rc != -ENOENT)
		return rc < 0 ? err_wrap(err, "remove from nft table 'inet " RULES_TABLE "'") : 0;

	/* A batch happens as a whole or not at all: with one missing, each has to go by itself. */
	for (size_t i = 0; i < elements->n; i++) {
		const struct rules_elements one = { .items = &elements->items[i], .n = 1 };

		rc = remove_once(nl, &one, first ? &ignored : err);
		if (rc < 0 && rc != -ENOENT && first == 0)
			first = rc;
	}
	return first < 0 ? err_wrap(err, "remove from nft table 'inet " RULES_TABLE "'") : 0;
}

int nft_replace(struct nl *nl, const struct rules_elements *old, const struct rules_elements *now,
		struct error *err)
{
	struct step step = step_begin();
	auto_nl_batch struct nl_batch batch = { 0 };
	int rc;

	delete_elements(&batch, old);
	add_elements(&batch, now);
	if (batch.n == 0)
		return 0;
	rc = nl_batch_call(nl, &batch, err);
	end_elements(&step, rc, old, now);
	return rc < 0 ? err_wrap(err, "change nft table 'inet " RULES_TABLE "'") : 0;
}
