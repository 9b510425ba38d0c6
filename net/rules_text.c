/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <net/if.h>
#include <string.h>

#include "net/rules.h"

static void add_protocol(uint8_t protocol, struct str *out)
{
	switch (protocol) {
	case IPPROTO_TCP:
		str_add(out, "tcp");
		return;
	case IPPROTO_UDP:
		str_add(out, "udp");
		return;
	case IPPROTO_SCTP:
		str_add(out, "sctp");
		return;
	default:
		str_addf(out, "%u", protocol);
		return;
	}
}

static void add_address(const uint8_t *at, struct str *out)
{
	str_addf(out, "%u.%u.%u.%u", at[0], at[1], at[2], at[3]);
}

static unsigned int port_at(const uint8_t *at)
{
	return (unsigned int)at[0] << 8 | at[1];
}

static uint32_t slot_at(const uint8_t *at)
{
	uint32_t slot;

	memcpy(&slot, at, sizeof(slot));
	return slot;
}

/* From the first to the last: "10.88.0.0/24". */
static void add_addresses(const uint8_t *first, const uint8_t *last, struct str *out)
{
	uint32_t from;
	uint32_t to;

	memcpy(&from, first, sizeof(from));
	memcpy(&to, last, sizeof(to));
	add_address(first, out);
	str_addf(out, "/%d", from == to ? 32 : __builtin_clz(ntohl(from ^ to)));
}

static void add_key(const struct rules_element *element, struct str *out)
{
	const uint8_t *key = element->key;
	const char *name = (const char *)key;

	switch (element->set) {
	case RULES_NETWORKS:
	case RULES_NETWORKS_INTERNAL:
		str_addf(out, "\"%s\"", name);
		return;
	case RULES_NETWORKS_INSIDE:
	case RULES_NETWORKS_ISOLATED:
		str_addf(out, "\"%s\" . \"%s\"", name, name + IFNAMSIZ);
		return;
	case RULES_NETWORKS_SOURCES:
		str_addf(out, "\"%s\" . ", name);
		add_addresses(key + IFNAMSIZ, element->key_end + IFNAMSIZ, out);
		return;
	case RULES_PORTS:
	case RULES_SERVICE_PORTS:
		add_protocol(key[0], out);
		str_addf(out, " . %u", port_at(key + 4));
		return;
	case RULES_ADDRESS_PORTS:
	case RULES_ADDRESS_SERVICE_PORTS:
		add_protocol(key[0], out);
		str_add(out, " . ");
		add_address(key + 4, out);
		str_addf(out, " . %u", port_at(key + 8));
		return;
	case RULES_SERVICES:
		add_protocol(key[0], out);
		str_addf(out, " . %u . %u", port_at(key + 4), slot_at(key + 8));
		return;
	case RULES_ADDRESS_SERVICES:
		add_protocol(key[0], out);
		str_add(out, " . ");
		add_address(key + 4, out);
		str_addf(out, " . %u . %u", port_at(key + 8), slot_at(key + 12));
		return;
	case RULES_SIBLINGS:
	case RULES_ALLOWED:
		add_address(key, out);
		str_add(out, " . ");
		add_address(key + 4, out);
		if (element->set == RULES_SIBLINGS)
			return;
		str_add(out, " . ");
		add_protocol(key[8], out);
		str_addf(out, " . %u", port_at(key + 12));
		return;
	case RULES_N_SETS:
		return;
	}
}

/* An address, a port, or both. */
static void add_data(const struct rules_element *element, struct str *out)
{
	const struct rules_set_spec *spec = &rules_sets[element->set];
	const uint8_t *data = element->data;

	if (spec->data_len == 2) {
		str_addf(out, "%u", port_at(data));
		return;
	}
	add_address(data, out);
	if (spec->data_len > 4)
		str_addf(out, " . %u", port_at(data + 4));
}

void rules_element_text(const struct rules_element *element, bool has_data, struct str *out)
{
	add_key(element, out);
	if (!has_data || !rules_sets[element->set].data_len)
		return;
	str_add(out, " : ");
	add_data(element, out);
}

/* "{ a, b }" of those in @set; false if there is none. */
static bool add_list(enum rules_set set, const struct rules_elements *elements, bool has_data,
		     struct str *out)
{
	bool has_any = false;

	for (size_t i = 0; i < elements->n; i++) {
		if (elements->items[i].set != set)
			continue;
		str_add(out, has_any ? ", " : "{ ");
		rules_element_text(&elements->items[i], has_data, out);
		has_any = true;
	}
	if (has_any)
		str_add(out, " }");
	return has_any;
}

static void add_set(enum rules_set set, const struct rules_elements *elements, struct str *out)
{
	const struct rules_set_spec *spec = &rules_sets[set];
	auto_str struct str list = { 0 };

	str_addf(out, "\t%s %s {\n\t\t%s %s\n", spec->data_len ? "map" : "set", spec->name,
		 spec->expressions ? "typeof" : "type", spec->type);
	if (spec->fields[0])
		str_add(out, "\t\tflags interval\n");
	if (add_list(set, elements, true, &list))
		str_addf(out, "\t\telements = %s\n", list.text);
	str_add(out, "\t}\n");
}

static void add_chain(const struct rules_chain *chain, struct str *out)
{
	str_addf(out, "\tchain %s {\n", chain->name);
	if (chain->type)
		str_addf(out, "\t\ttype %s hook %s priority %s; policy accept;\n", chain->type,
			 chain->hook_name, chain->priority_name);
	for (size_t i = 0; i < rules_n_rules; i++) {
		const struct rules_rule *rule = &rules_rules[i];

		if (strcmp(rule->chain, chain->name) == 0)
			str_addf(out, "\t\t%s comment \"%s\"\n", rule->text, rule->comment);
	}
	str_add(out, "\t}\n");
}

void rules_text(const struct rules_elements *elements, struct str *out)
{
	str_add(out, "table inet " RULES_TABLE "\nflush table inet " RULES_TABLE
		     "\ntable inet " RULES_TABLE " {\n");
	for (size_t i = 0; i < RULES_N_SETS; i++)
		add_set((enum rules_set)i, elements, out);
	for (size_t i = 0; i < rules_n_chains; i++)
		add_chain(&rules_chains[i], out);
	str_add(out, "}\n");
}

bool rules_element_words(const char *verb, enum rules_set set,
			 const struct rules_elements *elements, struct strv *out)
{
	auto_str struct str list = { 0 };

	if (!add_list(set, elements, strcmp(verb, "add") == 0, &list))
		return false;
	strv_add(out, verb);
	strv_add(out, "element");
	strv_add(out, "inet");
	strv_add(out, RULES_TABLE);
	strv_add(out, rules_sets[set].name);
	strv_add(out, list.text);
	return true;
}
