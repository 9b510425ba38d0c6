/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <string.h>

#include "net/names.h"
#include "tests/unit/test.h"

static struct in_addr address(const char *text)
{
	struct in_addr a;

	ck_assert_int_eq(inet_pton(AF_INET, text, &a), 1);
	return a;
}

START_TEST(names_interfaces)
{
	static const uint8_t mac[6] = { 0x02, 0x42, 10, 88, 0, 2 };
	char name[16];
	char other[16];
	uint8_t got[6];

	names_veth(address("10.88.0.2"), name);
	ck_assert_str_eq(name, "veth0a580002");
	names_veth(address("255.255.255.255"), name);
	ck_assert_str_eq(name, "vethffffffff");

	names_mac(address("10.88.0.2"), got);
	ck_assert_mem_eq(got, mac, sizeof(mac));
	ck_assert_int_eq(got[0] & 3, 2); /* local, and of one station */

	names_bridge("bridge", name);
	ck_assert_str_eq(name, "minictr0");
	names_bridge("frontend", name);
	ck_assert_int_eq(strlen(name), strlen("mc-00000000"));
	names_bridge("backend", other);
	ck_assert_str_ne(name, other);
}
END_TEST

START_TEST(makes_ids_of_networks)
{
	char id[65];
	char other[65];

	names_network_id("bridge", id);
	ck_assert_uint_eq(strlen(id), 64);
	ck_assert_uint_eq(strspn(id, "0123456789abcdef"), 64);
	names_network_id("bridge", other);
	ck_assert_str_eq(id, other);
	names_network_id("host", other);
	ck_assert(strncmp(id, other, 12) != 0);
}
END_TEST

#define LOCALHOST                                     \
	"127.0.0.1\tlocalhost\n"                      \
	"::1\tlocalhost ip6-localhost ip6-loopback\n" \
	"fe00::0\tip6-localnet\n"                     \
	"ff00::0\tip6-mcastprefix\n"                  \
	"ff02::1\tip6-allnodes\n"                     \
	"ff02::2\tip6-allrouters\n"

START_TEST(writes_hosts)
{
	auto_strv struct strv extra = { 0 };
	const struct in_addr own[] = { address("10.88.0.2"), address("10.88.1.7") };
	const struct in_addr gateway = address("10.88.0.1");
	auto_str struct str text = { 0 };

	strv_split(&extra, "db:10.1.2.3 six:fd00::5 nonsense host:host-gateway", ' ');
	names_hosts(&text, own, 1, &gateway, "moon", &extra);
	ck_assert_str_eq(text.text, LOCALHOST "10.88.0.2\tmoon\n10.1.2.3\tdb\nfd00::5\tsix\n"
					      "10.88.0.1\thost\n");
	str_clear(&text);
	names_hosts(&text, own, 2, NULL, "moon", &extra);
	ck_assert_str_eq(text.text, LOCALHOST "10.88.0.2\tmoon\n10.88.1.7\tmoon\n"
					      "10.1.2.3\tdb\nfd00::5\tsix\n");
	str_clear(&text);
	names_hosts(&text, NULL, 0, NULL, "moon", NULL);
	ck_assert_str_eq(text.text, LOCALHOST "127.0.1.1\tmoon\n");
	str_clear(&text);
	names_hosts(&text, own, 2, NULL, NULL, NULL);
	ck_assert_str_eq(text.text, LOCALHOST);
}
END_TEST

#define HEAD "# made by minictr for this container\n"

START_TEST(keeps_the_hosts_resolver)
{
	static const struct {
		const char *host, *wanted;
	} rows[] = {
		{ NULL, "" },
		{ "", "" },
		{ "nameserver 192.0.2.53\n", "nameserver 192.0.2.53\n" },
		{ "nameserver 192.0.2.53", "nameserver 192.0.2.53\n" },
		{ "  nameserver\t192.0.2.53 # first\r\n", "nameserver 192.0.2.53\n" },
		{ "# nameserver 1.1.1.1\n;nameserver 2.2.2.2\nnameserver 3.3.3.3\n",
		  "nameserver 3.3.3.3\n" },
		{ "nameserver 127.0.0.53\nnameserver ::1\nnameserver 127.1.2.3\n", "" },
		{ "nameserver fe80::1%eth0\n", "nameserver fe80::1%eth0\n" },
		{ "search a.example b.example\nnameserver 9.9.9.9\noptions ndots:2 rotate\n",
		  "search a.example b.example\nnameserver 9.9.9.9\noptions ndots:2 rotate\n" },
		{ "domain a.example\nsearch b.example\n", "search b.example\n" },
		{ "search a.example\nsearch\n", "" },
		{ "options ndots:2\noptions rotate\n", "options ndots:2 rotate\n" },
		{ "nameserver\nnameservers 1.2.3.4\nsortlist 1.2.3.4\n\n\n", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_str struct str text = { 0 };
		auto_str struct str wanted = { 0 };

		str_addf(&wanted, HEAD "%s", rows[i].wanted);
		names_resolv_conf(&text, rows[i].host, NULL, NULL, NULL);
		ck_assert_str_eq(text.text, wanted.text);
	}
}
END_TEST

START_TEST(replaces_the_hosts_resolver)
{
	static const char host[] = "search h.example\nnameserver 9.9.9.9\noptions rotate\n";
	auto_strv struct strv some = { 0 };
	auto_strv struct strv domain = { 0 };
	auto_strv struct strv option = { 0 };
	const struct strv none = { 0 };
	auto_str struct str text = { 0 };

	strv_split(&some, "127.0.0.1 10.0.0.1", ' ');
	strv_add(&domain, "x.example");
	strv_add(&option, "ndots:5");
	/* What was asked for is taken as it is, loopback or not. */
	names_resolv_conf(&text, host, &some, &domain, &option);
	ck_assert_str_eq(text.text, HEAD "search x.example\nnameserver 127.0.0.1\n"
					 "nameserver 10.0.0.1\noptions ndots:5\n");
	str_clear(&text);
	names_resolv_conf(&text, host, &none, &domain, &none);
	ck_assert_str_eq(text.text, HEAD "search x.example\nnameserver 9.9.9.9\noptions rotate\n");
}
END_TEST

START_TEST(reads_name_servers)
{
	auto_strv struct strv servers = { 0 };

	names_servers("nameserver 127.0.0.53\n#nameserver 1.1.1.1\n nameserver\tfe80::1%eth0 x\n"
		      "nameserver\nnameservers 2.2.2.2\noptions edns0",
		      &servers);
	ck_assert_uint_eq(servers.n, 2);
	ck_assert_str_eq(servers.items[0], "127.0.0.53");
	ck_assert_str_eq(servers.items[1], "fe80::1%eth0");
	ck_assert(names_is_loopback("127.0.0.53") && names_is_loopback("::1"));
	ck_assert(!names_is_loopback("10.0.0.1") && !names_is_loopback("localhost"));
}
END_TEST

TEST_MAIN("net/names", names_interfaces, makes_ids_of_networks, writes_hosts,
	  keeps_the_hosts_resolver, replaces_the_hosts_resolver, reads_name_servers)
