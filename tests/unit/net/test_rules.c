/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "net/rules.h"
#include "tests/unit/test.h"

static struct in_addr address(const char *text)
{
	struct in_addr a;

	ck_assert_int_eq(inet_pton(AF_INET, text, &a), 1);
	return a;
}

static void add_ports(const char *text, struct rules_elements *elements)
{
	struct port_mapping mapping;
	struct error err = { 0 };

	ck_assert_msg(parse_port(text, &mapping, &err) == 0, "%s", err.msg);
	rules_add_ports(elements, &mapping, address("10.88.0.2"));
}

static void add_network(const char *bridge, const char *text, bool is_internal,
			struct rules_elements *elements)
{
	struct subnet subnet = { 0 };
	struct error err = { 0 };

	ck_assert_int_eq(subnet_parse(text, &subnet, &err), 0);
	rules_add_network(elements, &(struct rules_network){ .bridge = bridge,
							     .subnet = subnet,
							     .is_internal = is_internal });
}

/* All elements, "set: element" a line. */
static char *elements_text(const struct rules_elements *elements)
{
	struct str text = { 0 };

	for (size_t i = 0; i < elements->n; i++) {
		str_addf(&text, "%s: ", rules_sets[elements->items[i].set].name);
		rules_element_text(&elements->items[i], true, &text);
		str_add(&text, "\n");
	}
	return str_take(&text);
}

START_TEST(makes_elements_of_ports)
{
	static const struct {
		const char *port, *wanted;
	} rows[] = {
		{ "8080:80", "ports: tcp . 8080 : 10.88.0.2 . 80\n" },
		{ "0.0.0.0:8080:80", "ports: tcp . 8080 : 10.88.0.2 . 80\n" },
		{ "53:5353/udp", "ports: udp . 53 : 10.88.0.2 . 5353\n" },
		{ "65535:65535/sctp", "ports: sctp . 65535 : 10.88.0.2 . 65535\n" },
		{ "127.0.0.1:8080:80", "address_ports: tcp . 127.0.0.1 . 8080 : 10.88.0.2 . 80\n" },
		{ "255-257:1-3", "ports: tcp . 255 : 10.88.0.2 . 1\n"
				 "ports: tcp . 256 : 10.88.0.2 . 2\n"
				 "ports: tcp . 257 : 10.88.0.2 . 3\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_rules_elements struct rules_elements elements = { 0 };
		char *text;

		add_ports(rows[i].port, &elements);
		text = elements_text(&elements);
		ck_assert_str_eq(text, rows[i].wanted);
		free(text);
	}
}
END_TEST

/* As the packet and the registers have them: network byte order, parts of four bytes. */
START_TEST(encodes_keys)
{
	static const uint8_t key[] = { 6, 0, 0, 0, 192, 0, 2, 1, 0x1f, 0x90, 0, 0 };
	static const uint8_t data[] = { 10, 88, 0, 2, 0, 80, 0, 0 };
	auto_rules_elements struct rules_elements elements = { 0 };

	add_ports("192.0.2.1:8080:80", &elements);
	ck_assert_mem_eq(elements.items[0].key, key, sizeof(key));
	ck_assert_mem_eq(elements.items[0].data, data, sizeof(data));
	ck_assert_uint_eq(rules_sets[RULES_ADDRESS_PORTS].key_len, sizeof(key));
	ck_assert_uint_eq(rules_sets[RULES_ADDRESS_PORTS].data_len, sizeof(data));
}
END_TEST

/* Slots lead to the containers in turn, behind an element for their port. */
START_TEST(makes_slots)
{
	const struct in_addr containers[] = { address("10.88.0.2"), address("10.88.0.3"),
					      address("10.88.0.4") };
	struct port_mapping port = {
		.host_port = 8080, .container_port = 80, .count = 1, .protocol = IPPROTO_TCP
	};
	auto_rules_elements struct rules_elements elements = { 0 };
	const size_t n = 1 + RULES_SLOTS;
	struct port_mapping back;
	auto_str struct str text = { 0 };

	rules_add_slots(&elements, &port, containers, 0);
	ck_assert_uint_eq(elements.n, 0);
	rules_add_slots(&elements, &port, containers, 3);
	ck_assert_uint_eq(elements.n, n);
	rules_element_text(&elements.items[0], true, &text);
	str_add(&text, ", ");
	rules_element_text(&elements.items[1], true, &text);
	str_add(&text, ", ");
	rules_element_text(&elements.items[60], true, &text);
	ck_assert_str_eq(text.text, "tcp . 8080 : 80, tcp . 8080 . 0 : 10.88.0.2, "
				    "tcp . 8080 . 59 : 10.88.0.4");
	ck_assert(!rules_port_of(&elements.items[0], &back));
	ck_assert(rules_port_of(&elements.items[60], &back));
	ck_assert_uint_eq(back.host_port, 8080);
	ck_assert_str_eq(back.host_ip, "");

	(void)strcpy(port.host_ip, "192.0.2.1");
	rules_add_slots(&elements, &port, containers, 2);
	str_fini(&text);
	rules_element_text(&elements.items[n], true, &text);
	str_add(&text, ", ");
	rules_element_text(&elements.items[n + 8], true, &text);
	ck_assert_str_eq(text.text, "tcp . 192.0.2.1 . 8080 : 80, "
				    "tcp . 192.0.2.1 . 8080 . 7 : 10.88.0.3");
	ck_assert(rules_port_of(&elements.items[n + 1], &back));
	ck_assert_str_eq(back.host_ip, "192.0.2.1");
}
END_TEST

START_TEST(makes_elements_of_networks)
{
	auto_rules_elements struct rules_elements elements = { 0 };
	char *text;

	add_network("minictr0", "10.88.0.0/24", false, &elements);
	add_network("mc-0123abcd", "10.99.0.8/29", true, &elements);
	rules_add_network(&elements, &(struct rules_network){ .bridge = "mc-1",
							      .subnet = { address("10.9.0.0"), 16 },
							      .is_isolated = true });
	text = elements_text(&elements);
	ck_assert_str_eq(text, "networks: \"minictr0\"\n"
			       "networks_inside: \"minictr0\" . \"minictr0\"\n"
			       "networks_sources: \"minictr0\" . 10.88.0.0/24\n"
			       "networks: \"mc-0123abcd\"\n"
			       "networks_inside: \"mc-0123abcd\" . \"mc-0123abcd\"\n"
			       "networks_internal: \"mc-0123abcd\"\n"
			       "networks_sources: \"mc-0123abcd\" . 10.99.0.8/29\n"
			       "networks: \"mc-1\"\n"
			       "networks_isolated: \"mc-1\" . \"mc-1\"\n"
			       "networks_sources: \"mc-1\" . 10.9.0.0/16\n");
	free(text);
}
END_TEST

/* A name as long as names of interfaces can be, and one that is too long. */
START_TEST(bounds_names)
{
	auto_rules_elements struct rules_elements elements = { 0 };

	add_network("0123456789abcdefXYZ", "10.88.0.0/24", false, &elements);
	for (size_t i = 0; i < elements.n; i++) {
		ck_assert_int_eq(elements.items[i].key[15], 0);
		if (elements.items[i].set == RULES_NETWORKS_INSIDE)
			ck_assert_int_eq(elements.items[i].key[31], 0);
	}
	ck_assert_str_eq((const char *)elements.items[0].key, "0123456789abcde");
}
END_TEST

START_TEST(makes_commands)
{
	auto_rules_elements struct rules_elements elements = { 0 };
	auto_strv struct strv add = { 0 };
	auto_strv struct strv delete = { 0 };

	add_ports("8080-8081:80-81", &elements);
	ck_assert(rules_element_words("add", RULES_PORTS, &elements, &add));
	ck_assert_uint_eq(add.n, 6);
	ck_assert_str_eq(add.items[4], "ports");
	ck_assert_str_eq(add.items[5],
			 "{ tcp . 8080 : 10.88.0.2 . 80, tcp . 8081 : 10.88.0.2 . 81 }");
	ck_assert(rules_element_words("delete", RULES_PORTS, &elements, &delete));
	ck_assert_str_eq(delete.items[5], "{ tcp . 8080, tcp . 8081 }");
	ck_assert(!rules_element_words("add", RULES_ADDRESS_PORTS, &elements, &add));
	ck_assert_uint_eq(add.n, 6);
}
END_TEST

static const struct rules_chain *find_chain(const char *name)
{
	for (size_t i = 0; i < rules_n_chains; i++) {
		if (strcmp(rules_chains[i].name, name) == 0)
			return &rules_chains[i];
	}
	return NULL;
}

/*
 * What nft.c relies on: chains exist, a rule is known again by chain and comment, rules stand in the
 * order of their chains (in which the kernel lists them), and every set is used.
 */
START_TEST(rules_fit_together)
{
	bool is_used[RULES_N_SETS] = { 0 };
	const struct rules_chain *last = rules_chains;

	for (size_t i = 0; i < rules_n_rules; i++) {
		const struct rules_rule *rule = &rules_rules[i];
		const struct rules_chain *chain = find_chain(rule->chain);
		size_t n = 0;

		ck_assert_ptr_nonnull(chain);
		ck_assert_msg(chain >= last, "'%s' is out of order", rule->text);
		last = chain;
		ck_assert_uint_le(strlen(rule->comment), 126);
		for (size_t j = 0; j < i; j++)
			ck_assert_str_ne(rules_rules[j].comment, rule->comment);
		for (; n < RULES_EXPRS_MAX && rule->exprs[n].op != RULES_END; n++) {
			const struct rules_expr *e = &rule->exprs[n];

			if (e->op == RULES_IN || e->op == RULES_NOT_IN || e->op == RULES_MAP) {
				is_used[e->set] = true;
				ck_assert_ptr_nonnull(strstr(rule->text, rules_sets[e->set].name));
			}
			if (e->chain)
				ck_assert_ptr_nonnull(find_chain(e->chain));
		}
		ck_assert_uint_gt(n, 0);
	}
	for (size_t i = 0; i < RULES_N_SETS; i++)
		ck_assert_msg(is_used[i], "nothing uses '%s'", rules_sets[i].name);
}
END_TEST

START_TEST(writes_the_table)
{
	auto_rules_elements struct rules_elements elements = { 0 };
	auto_str struct str text = { 0 };
	static const char *const parts[] = {
		"table inet minictr\nflush table inet minictr\ntable inet minictr {\n",
		"\tset networks {\n\t\ttype ifname\n\t\telements = { \"minictr0\" }\n\t}\n",
		"\tset networks_internal {\n\t\ttype ifname\n\t}\n",
		"\t\tflags interval\n\t\telements = { \"minictr0\" . 10.88.0.0/24 }\n",
		"\t\ttype inet_proto . inet_service : ipv4_addr . inet_service\n",
		"\tmap ports {\n",
		"\t\telements = { tcp . 8080 : 10.88.0.2 . 80 }\n\t}\n",
		"\tmap services {\n\t\ttypeof meta l4proto . th dport . numgen inc mod 60 : ip",
		"\tset allowed {\n\t\ttype ipv4_addr . ipv4_addr . inet_proto . inet_service\n\t}\n",
		"\tchain publish {\n\t\tdnat ip to",
		"\t\ttype nat hook output priority -100; policy accept;\n",
		"\t\tdrop comment \"nothing else from elsewhere\"\n",
	};

	add_network("minictr0", "10.88.0.0/24", false, &elements);
	add_ports("8080:80", &elements);
	rules_text(&elements, &text);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		ck_assert_msg(strstr(text.text, parts[i]) != NULL, "no '%s' in:\n%s", parts[i],
			      text.text);
	/* Undoing a recorded run must not take from the table what others need. */
	ck_assert_ptr_null(strstr(text.text, "add element"));
	ck_assert_ptr_null(strstr(text.text, "delete"));
}
END_TEST

TEST_MAIN("net/rules", makes_elements_of_ports, encodes_keys, makes_slots,
	  makes_elements_of_networks, bounds_names, makes_commands, rules_fit_together,
	  writes_the_table)
