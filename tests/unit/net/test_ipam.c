/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/ipam.h"
#include "tests/unit/base/temp.h"
#include "tests/unit/test.h"

static struct subnet subnet(const char *text)
{
	struct subnet s = { 0 };
	struct error err = { 0 };

	ck_assert_msg(subnet_parse(text, &s, &err) == 0, "%s", err.msg);
	return s;
}

static struct in_addr address(const char *text)
{
	struct in_addr a;

	ck_assert_int_eq(inet_pton(AF_INET, text, &a), 1);
	return a;
}

/* "a b c" -> addresses */
static size_t addresses(const char *text, struct in_addr *ret)
{
	auto_strv struct strv parts = { 0 };
	size_t n = 0;

	strv_split(&parts, text, ' ');
	for (size_t i = 0; i < parts.n; i++) {
		if (*parts.items[i])
			ret[n++] = address(parts.items[i]);
	}
	return n;
}

START_TEST(chooses_addresses)
{
	static const struct {
		const char *subnet, *gateway, *used, *last;
		const char *wanted; /* NULL: used up */
	} rows[] = {
		{ "10.88.0.0/24", "10.88.0.1", "", "0.0.0.0", "10.88.0.2" },
		{ "10.88.0.0/24", "10.88.0.1", "10.88.0.2", "0.0.0.0", "10.88.0.3" },
		{ "10.88.0.0/24", "10.88.0.1", "", "10.88.0.2", "10.88.0.3" },
		{ "10.88.0.0/24", "10.88.0.1", "10.88.0.4", "10.88.0.3", "10.88.0.5" },
		{ "10.88.0.0/24", "10.88.0.1", "", "10.88.0.254", "10.88.0.2" },
		{ "10.88.0.0/24", "10.88.0.1", "", "10.88.0.255", "10.88.0.2" },
		{ "10.88.0.0/24", "10.88.0.1", "", "10.99.0.7", "10.88.0.2" },
		{ "10.88.0.0/24", "10.88.0.1", "10.99.0.2 8.8.8.8", "0.0.0.0", "10.88.0.2" },
		{ "10.88.0.0/24", "10.88.0.254", "", "0.0.0.0", "10.88.0.1" },
		{ "10.99.0.0/30", "10.99.0.1", "", "10.99.0.2", "10.99.0.2" },
		{ "10.99.0.0/30", "10.99.0.1", "10.99.0.2", "0.0.0.0", NULL },
		{ "10.99.0.0/29", "10.99.0.1", "10.99.0.2 10.99.0.3 10.99.0.4 10.99.0.6",
		  "10.99.0.5", "10.99.0.5" },
		{ "10.99.0.0/29", "10.99.0.1", "10.99.0.2 10.99.0.3 10.99.0.4 10.99.0.5 10.99.0.6",
		  "10.99.0.5", NULL },
		{ "10.0.0.0/8", "10.0.0.1", "", "10.0.255.254", "10.0.255.255" },
		{ "10.0.0.0/8", "10.0.0.1", "", "10.200.0.0", "10.0.0.2" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct subnet s = subnet(rows[i].subnet);
		struct in_addr used[8];
		size_t n = addresses(rows[i].used, used);
		struct in_addr got = { 0 };
		bool found = ipam_choose(&s, address(rows[i].gateway), used, n,
					 address(rows[i].last), &got);

		ck_assert_msg(found == !!rows[i].wanted, "row %zu", i);
		if (found)
			ck_assert_msg(got.s_addr == address(rows[i].wanted).s_addr, "row %zu: %s",
				      i, inet_ntoa(got));
	}
}
END_TEST

/* Every address once, then none. */
START_TEST(uses_a_subnet_up)
{
	struct subnet s = subnet("10.99.0.0/24");
	struct in_addr gateway = address("10.99.0.1");
	struct in_addr used[256];
	struct in_addr last = { 0 };
	size_t n = 0;

	while (n < ARRAY_LEN(used) && ipam_choose(&s, gateway, used, n, last, &last)) {
		ck_assert(ipam_is_usable(&s, gateway, last));
		for (size_t i = 0; i < n; i++)
			ck_assert_uint_ne(used[i].s_addr, last.s_addr);
		used[n++] = last;
	}
	ck_assert_uint_eq(n, 253);
}
END_TEST

START_TEST(knows_usable_addresses)
{
	struct subnet s = subnet("10.99.0.0/29");
	struct in_addr gateway = address("10.99.0.3");

	ck_assert(!ipam_is_usable(&s, gateway, address("10.99.0.0")));
	ck_assert(ipam_is_usable(&s, gateway, address("10.99.0.1")));
	ck_assert(!ipam_is_usable(&s, gateway, address("10.99.0.3")));
	ck_assert(ipam_is_usable(&s, gateway, address("10.99.0.6")));
	ck_assert(!ipam_is_usable(&s, gateway, address("10.99.0.7")));
	ck_assert(!ipam_is_usable(&s, gateway, address("10.99.0.9")));
}
END_TEST

START_TEST(chooses_subnets)
{
	static const struct {
		const char *used[4];
		const char *wanted;
	} rows[] = {
		{ { NULL }, "10.88.0.0/24" },
		{ { "192.168.0.0/16" }, "10.88.0.0/24" },
		{ { "10.88.0.0/24" }, "10.88.1.0/24" },
		{ { "10.88.0.128/25", "10.88.1.0/30" }, "10.88.2.0/24" },
		{ { "10.88.0.0/16" }, "10.231.0.0/24" },
		{ { "10.0.0.0/8" }, "172.28.0.0/24" },
		{ { "10.0.0.0/8", "172.16.0.0/12" }, "192.168.192.0/24" },
		{ { "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16" }, NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_subnets struct subnets used = { 0 };
		struct subnet got = { 0 };
		char text[SUBNET_TEXT_MAX];
		bool found;

		for (size_t j = 0; rows[i].used[j]; j++) {
			struct subnet s = subnet(rows[i].used[j]);

			subnets_add(&used, &s);
		}
		found = ipam_choose_subnet(&used, &got);
		ck_assert_msg(found == !!rows[i].wanted, "row %zu", i);
		if (!found)
			continue;
		subnet_format(&got, text);
		ck_assert_str_eq(text, rows[i].wanted);
	}
}
END_TEST

static struct port_mapping port(const char *text)
{
	struct port_mapping mapping = { 0 };
	struct error err = { 0 };

	ck_assert_msg(parse_port(text, &mapping, &err) == 0, "%s", err.msg);
	return mapping;
}

START_TEST(formats_ports)
{
	static const char *const texts[] = {
		"80/tcp",
		"8080:80/tcp",
		"8080-8089:80-89/udp",
		"127.0.0.1:8080:80/tcp",
		"127.0.0.1::80/tcp",
		"90-92/tcp",
		"[::1]:8080:80/sctp",
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct port_mapping mapping = port(texts[i]);
		auto_str struct str text = { 0 };

		port_format(&mapping, &text);
		ck_assert_str_eq(text.text, texts[i]);
	}
}
END_TEST

START_TEST(finds_conflicts)
{
	static const struct {
		const char *a, *b;
		unsigned int port;
	} rows[] = {
		{ "8080:80", "8080:81", 8080 },
		{ "8080:80", "8081:80", 0 },
		{ "8080:80", "8080:80/udp", 0 },
		{ "127.0.0.1:8080:80", "8080:80", 8080 },
		{ "0.0.0.0:8080:80", "127.0.0.1:8080:80", 8080 },
		{ "127.0.0.1:8080:80", "192.0.2.1:8080:80", 0 },
		{ "127.0.0.1:8080:80", "127.0.0.1:8080:81", 8080 },
		{ "8000-8010:1-11", "8010-8020:1-11", 8010 },
		{ "8000-8010:1-11", "8005:80", 8005 },
		{ "8000-8010:1-11", "8011:80", 0 },
		{ "65535:80", "65535:81", 65535 },
		{ "80", "81", 0 },
		{ "8080:80", "80", 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct port_mapping a = port(rows[i].a);
		struct port_mapping b = port(rows[i].b);

		ck_assert_msg(port_conflict(&a, &b) == rows[i].port, "%s and %s", rows[i].a,
			      rows[i].b);
		ck_assert_uint_eq(port_conflict(&b, &a), rows[i].port);
	}
}
END_TEST

START_TEST(names_lease_files)
{
	static const char *const bad[] = {
		"",
		"x",
		"bridge,10.88.0.2",
		"bridge,10.88.0.2,",
		",10.88.0.2,web",
		"bridge,10.88.0.300,web",
		"bridge,10.88.0.2,web,x",
		"bridge,10.88.0.2,.web",
		"../x,10.88.0.2,web",
		".tmp-1,10.88.0.2,web",
		"bridge,10.88.0.2,0123456789012345678901234567890123456789012345678901234567890123x",
	};
	struct lease lease;
	char name[LEASE_NAME_MAX];

	ck_assert(lease_from_file_name("bridge,10.88.0.2,web-1.x", &lease));
	ck_assert_str_eq(lease.network, "bridge");
	ck_assert_str_eq(lease.container_id, "web-1.x");
	ck_assert_uint_eq(lease.address.s_addr, address("10.88.0.2").s_addr);
	lease_file_name(&lease, name);
	ck_assert_str_eq(name, "bridge,10.88.0.2,web-1.x");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(!lease_from_file_name(bad[i], &lease), "'%s' is taken", bad[i]);
}
END_TEST

START_TEST(keeps_leases)
{
	struct port_mapping ports[2] = { port("8080:80"), port("127.0.0.1:53:53/udp") };
	struct lease lease = { .network = "bridge",
			       .container_id = "c1",
			       .container_name = xstrdup("web"),
			       .project = xstrdup("shop"),
			       .service = xstrdup("api"),
			       .is_isolated = true,
			       .ports = ports,
			       .n_ports = ARRAY_LEN(ports) };
	struct leases leases = { 0 };
	struct error err = { 0 };
	struct temp temp;

	temp_make(&temp);
	lease.address = address("10.88.0.2");
	strv_add(&lease.allows, "web:80/tcp");
	ck_assert_int_eq(lease_write(&temp.dir, &lease, &err), 0);
	ck_assert_int_eq(symlinkat("x", temp.dir.fd, FILE_TEMP_PREFIX "1-0"), 0);
	ck_assert_int_eq(leases_list(&temp.dir, &leases, &err), 0);
	ck_assert_uint_eq(leases.n, 1);
	ck_assert_uint_eq(leases.items[0].n_ports, 0);
	ck_assert_int_lt(faccessat(temp.dir.fd, FILE_TEMP_PREFIX "1-0", F_OK, AT_SYMLINK_NOFOLLOW),
			 0);
	ck_assert_int_eq(lease_read(&temp.dir, &leases.items[0], &err), 0);
	ck_assert_str_eq(leases.items[0].container_name, "web");
	ck_assert_uint_eq(leases.items[0].n_ports, 2);
	ck_assert_mem_eq(leases.items[0].ports, ports, sizeof(ports));
	ck_assert_str_eq(leases.items[0].project, "shop");
	ck_assert_str_eq(leases.items[0].service, "api");
	ck_assert(leases.items[0].is_isolated && !leases.items[0].is_ready);
	ck_assert(strv_has(&leases.items[0].allows, "web:80/tcp"));
	/* A second reading takes the place of the first. */
	ck_assert_int_eq(lease_read(&temp.dir, &leases.items[0], &err), 0);
	leases_fini(&leases);

	ck_assert_int_eq(lease_remove(&temp.dir, &lease, &err), 0);
	ck_assert_int_eq(lease_remove(&temp.dir, &lease, &err), 0);
	ck_assert_int_eq(leases_list(&temp.dir, &leases, &err), 0);
	ck_assert_uint_eq(leases.n, 0);
	lease.ports = NULL;
	lease_fini(&lease);
	temp_remove(&temp);
}
END_TEST

START_TEST(refuses_damaged_leases)
{
	static const char *const bad[] = { "",
					   "{",
					   "[]",
					   "{\"ports\":7}",
					   "{\"ports\":[7]}",
					   "{\"ports\":[\"8080:\"]}",
					   "{\"container\":[]}" };
	struct lease lease = { .network = "bridge", .container_id = "c1" };
	struct temp temp;

	temp_make(&temp);
	lease.address = address("10.88.0.2");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct error err = { 0 };

		ck_assert_int_eq(file_replace_at(&temp.dir, "bridge,10.88.0.2,c1", bad[i],
						 strlen(bad[i]), 0600, FILE_FAST, &err),
				 0);
		ck_assert_msg(lease_read(&temp.dir, &lease, &err) < 0, "'%s' is taken", bad[i]);
		ck_assert_ptr_nonnull(strstr(err.msg, "bridge,10.88.0.2,c1"));
		ck_assert_uint_eq(lease.n_ports, 0);
	}
	temp_remove(&temp);
}
END_TEST

START_TEST(remembers_the_last)
{
	struct temp temp;

	temp_make(&temp);
	ck_assert_uint_eq(ipam_last(&temp.dir, "bridge").s_addr, 0);
	ipam_set_last(&temp.dir, "bridge", address("10.88.0.200"));
	ipam_set_last(&temp.dir, "bridge", address("10.88.0.3"));
	ipam_set_last(&temp.dir, "other", address("10.99.0.3"));
	ck_assert_uint_eq(ipam_last(&temp.dir, "bridge").s_addr, address("10.88.0.3").s_addr);
	ck_assert_uint_eq(ipam_last(&temp.dir, "other").s_addr, address("10.99.0.3").s_addr);
	temp_remove(&temp);
}
END_TEST

TEST_MAIN("net/ipam", chooses_addresses, uses_a_subnet_up, knows_usable_addresses, chooses_subnets,
	  formats_ports, finds_conflicts, names_lease_files, keeps_leases, refuses_damaged_leases,
	  remembers_the_last)
