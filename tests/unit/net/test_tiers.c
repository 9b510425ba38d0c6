/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/tiers.h"
#include "tests/unit/test.h"

static struct lease lease(const char *network, const char *address, const char *service,
			  const char *allow)
{
	struct lease l = { .project = xstrdup("shop"),
			   .service = service ? xstrdup(service) : NULL,
			   .is_isolated = true };

	(void)snprintf(l.network, sizeof(l.network), "%s", network);
	ck_assert_int_eq(inet_pton(AF_INET, address, &l.address), 1);
	if (allow)
		strv_add(&l.allows, allow);
	return l;
}

static char *text_of(const struct leases *leases, const struct lease *one)
{
	auto_rules_elements struct rules_elements elements = { 0 };
	struct str text = { 0 };

	tiers_add(leases, one, &elements);
	str_add(&text, "");
	for (size_t i = 0; i < elements.n; i++) {
		rules_element_text(&elements.items[i], true, &text);
		str_add(&text, "\n");
	}
	return str_take(&text);
}

static void check(const struct leases *leases, const struct lease *one, const char *wanted)
{
	auto_free char *text = text_of(leases, one);

	ck_assert_str_eq(text, wanted);
}

START_TEST(allows_what_services_allow)
{
	struct lease all[] = {
		lease("app", "10.0.0.2", "web", NULL),
		lease("app", "10.0.0.3", "api", "web:80-81/tcp"),
		lease("app", "10.0.0.4", "api", "web:80-81/tcp"),
		lease("app", "10.0.0.5", "db", "api:53/udp"),
		lease("app", "10.0.0.6", NULL, NULL),
		lease("data", "10.0.1.2", "web", NULL),
	};
	const struct leases leases = { .items = all, .n = ARRAY_LEN(all) };

	check(&leases, &all[3],
	      "10.0.0.3 . 10.0.0.5 . udp . 53\n"
	      "10.0.0.4 . 10.0.0.5 . udp . 53\n");
	check(&leases, &all[0],
	      "10.0.0.2 . 10.0.0.3 . tcp . 80\n"
	      "10.0.0.2 . 10.0.0.3 . tcp . 81\n"
	      "10.0.0.2 . 10.0.0.4 . tcp . 80\n"
	      "10.0.0.2 . 10.0.0.4 . tcp . 81\n");
	check(&leases, &all[2],
	      "10.0.0.2 . 10.0.0.4 . tcp . 80\n"
	      "10.0.0.2 . 10.0.0.4 . tcp . 81\n"
	      "10.0.0.3 . 10.0.0.4\n"
	      "10.0.0.4 . 10.0.0.3\n"
	      "10.0.0.4 . 10.0.0.5 . udp . 53\n");
	check(&leases, &all[4], "");
	check(&leases, &all[5], "");
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		lease_fini(&all[i]);
}
END_TEST

/* Another project's service of that name, a network that is not isolated, an allowance that is none. */
START_TEST(allows_nothing_else)
{
	struct lease all[] = {
		lease("app", "10.0.0.2", "web", NULL),
		lease("app", "10.0.0.3", "api", "web:80/tcp"),
	};
	const struct leases leases = { .items = all, .n = ARRAY_LEN(all) };

	check(&leases, NULL, "10.0.0.2 . 10.0.0.3 . tcp . 80\n");
	all[1].is_isolated = false;
	check(&leases, NULL, "");
	all[1].is_isolated = true;
	all[0].project[0] = 'c';
	check(&leases, NULL, "");
	all[0].project[0] = 's';
	all[1].allows.items[0][4] = 'x';
	check(&leases, NULL, "");
	strv_fini(&all[1].allows);
	strv_add(&all[1].allows, "we:80/tcp");
	strv_add(&all[1].allows, "webs:80/tcp");
	check(&leases, NULL, "");
	lease_fini(&all[0]);
	lease_fini(&all[1]);
}
END_TEST

START_TEST(reads_allowances)
{
	static const char *const bad[] = { "",      "web",         ":80",       "web:",
					   "web:0", "web:80/icmp", "web:99999", "web:81-80" };
	struct port_mapping port;
	struct error err = { 0 };
	size_t len = 0;

	ck_assert_int_eq(tiers_parse("web.a-b:80-82/udp", &len, &port, &err), 0);
	ck_assert_uint_eq(len, strlen("web.a-b"));
	ck_assert_uint_eq(port.container_port, 80);
	ck_assert_uint_eq(port.count, 3);
	ck_assert_int_eq(port.protocol, IPPROTO_UDP);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(tiers_parse(bad[i], &len, &port, &err) < 0, "'%s' is taken", bad[i]);
}
END_TEST

TEST_MAIN("net/tiers", allows_what_services_allow, allows_nothing_else, reads_allowances)
