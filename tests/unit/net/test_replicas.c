/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/replicas.h"
#include "tests/unit/test.h"

/* A replica of "shop/web"; @service NULL: a container of its own. */
static struct lease lease(const char *address, const char *service, bool is_ready,
			  const char *const *ports)
{
	struct lease l = { .network = "front",
			   .project = service ? xstrdup("shop") : NULL,
			   .service = service ? xstrdup(service) : NULL,
			   .is_ready = is_ready };
	struct error err = { 0 };

	ck_assert_int_eq(inet_pton(AF_INET, address, &l.address), 1);
	l.ports = xcalloc(8, sizeof(*l.ports));
	for (; ports[l.n_ports]; l.n_ports++)
		ck_assert_msg(parse_port(ports[l.n_ports], &l.ports[l.n_ports], &err) == 0, "%s",
			      err.msg);
	return l;
}

/* The number of elements of @set, the first and the last as text. */
static void check(const struct rules_elements *elements, enum rules_set set, size_t n,
		  const char *first, const char *last)
{
	struct str text = { 0 };
	size_t found = 0;

	for (size_t i = 0; i < elements->n; i++) {
		if (elements->items[i].set != set)
			continue;
		str_fini(&text);
		rules_element_text(&elements->items[i], true, &text);
		if (found++ == 0)
			ck_assert_str_eq(text.text, first);
	}
	ck_assert_uint_eq(found, n);
	if (n)
		ck_assert_str_eq(text.text, last);
	str_fini(&text);
}

/* One ready: the port itself; more: slots, by address; those that are not ready have none. */
START_TEST(follows_the_leases)
{
	static const char *const ports[] = { "8080:80", "127.0.0.1:81:81", NULL };
	struct lease all[] = {
		lease("10.88.0.9", "web", true, ports),
		lease("10.88.0.5", "web", false, ports),
		lease("10.88.0.7", NULL, true, ports),
	};
	const struct leases leases = { .items = all, .n = ARRAY_LEN(all) };
	auto_rules_elements struct rules_elements one = { 0 };
	auto_rules_elements struct rules_elements two = { 0 };
	auto_rules_elements struct rules_elements none = { 0 };

	replicas_add_all(&leases, &one);
	ck_assert_uint_eq(one.n, 2);
	check(&one, RULES_PORTS, 1, "tcp . 8080 : 10.88.0.9 . 80", "tcp . 8080 : 10.88.0.9 . 80");
	check(&one, RULES_ADDRESS_PORTS, 1, "tcp . 127.0.0.1 . 81 : 10.88.0.9 . 81",
	      "tcp . 127.0.0.1 . 81 : 10.88.0.9 . 81");
	all[1].is_ready = true;
	replicas_add_all(&leases, &two);
	ck_assert_uint_eq(two.n, 2 + 2 * RULES_SLOTS);
	check(&two, RULES_SERVICES, RULES_SLOTS, "tcp . 8080 . 0 : 10.88.0.5",
	      "tcp . 8080 . 59 : 10.88.0.9");
	check(&two, RULES_ADDRESS_SERVICES, RULES_SLOTS, "tcp . 127.0.0.1 . 81 . 0 : 10.88.0.5",
	      "tcp . 127.0.0.1 . 81 . 59 : 10.88.0.9");
	check(&two, RULES_SERVICE_PORTS, 1, "tcp . 8080 : 80", "tcp . 8080 : 80");
	all[0].is_ready = all[1].is_ready = false;
	replicas_add_all(&leases, &none);
	ck_assert_uint_eq(none.n, 0);
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		lease_fini(&all[i]);
}
END_TEST

/* Ranges that overlap; and, in the middle of a change, replicas with other ports of their own. */
START_TEST(takes_ranges_apart)
{
	static const char *const old[] = { "8000-8002:80-82", "53:53/udp", NULL };
	static const char *const now[] = { "8001:81", "0.0.0.0:8002:91", NULL };
	struct lease all[] = {
		lease("10.88.0.2", "web", true, old),
		lease("10.88.0.3", "web", true, now),
		lease("10.88.0.4", "web", false, now),
	};
	const struct leases leases = { .items = all, .n = ARRAY_LEN(all) };
	auto_rules_elements struct rules_elements elements = { 0 };
	auto_rules_elements struct rules_elements later = { 0 };

	replicas_add_all(&leases, &elements);
	check(&elements, RULES_SERVICES, RULES_SLOTS, "tcp . 8001 . 0 : 10.88.0.2",
	      "tcp . 8001 . 59 : 10.88.0.3");
	check(&elements, RULES_SERVICE_PORTS, 1, "tcp . 8001 : 81", "tcp . 8001 : 81");
	check(&elements, RULES_PORTS, 3, "tcp . 8000 : 10.88.0.2 . 80",
	      "udp . 53 : 10.88.0.2 . 53");
	all[2].is_ready = true;
	replicas_add_all(&leases, &later);
	check(&later, RULES_SERVICE_PORTS, 2, "tcp . 8001 : 81", "tcp . 8002 : 91");
	check(&later, RULES_SERVICES, 2 * RULES_SLOTS, "tcp . 8001 . 0 : 10.88.0.2",
	      "tcp . 8002 . 59 : 10.88.0.4");
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		lease_fini(&all[i]);
}
END_TEST

START_TEST(knows_replicas)
{
	static const char *const none[] = { NULL };
	struct lease web = lease("10.88.0.2", "web", true, none);
	struct lease other = lease("10.88.0.3", "web", true, none);
	struct lease db = lease("10.88.0.4", "db", true, none);
	struct lease own = lease("10.88.0.5", NULL, true, none);

	ck_assert(replicas_are_of_one(&web, &other));
	ck_assert(!replicas_are_of_one(&web, &db));
	ck_assert(!replicas_are_of_one(&web, &own));
	ck_assert(!replicas_are_of_one(&own, &own));
	free(other.project);
	other.project = xstrdup("blog");
	ck_assert(!replicas_are_of_one(&web, &other));
	lease_fini(&web);
	lease_fini(&other);
	lease_fini(&db);
	lease_fini(&own);
}
END_TEST

TEST_MAIN("net/replicas", follows_the_leases, takes_ranges_apart, knows_replicas)
