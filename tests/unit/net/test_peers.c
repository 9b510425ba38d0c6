/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/dns_server.h"
#include "net/ipam.h"
#include "net/network_internal.h"
#include "net/peers.h"
#include "tests/unit/base/temp.h"
#include "tests/unit/test.h"

#define OWN   "0000000000000000000000000000000000000000000000000000000000000000"
#define OTHER "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define THIRD "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"

static void add_network(const struct dir *dir, const char *name, bool is_internal)
{
	auto_network_record struct network_record record = { .network.is_internal = is_internal };
	struct error err;

	(void)snprintf(record.network.name, sizeof(record.network.name), "%s", name);
	(void)snprintf(record.network.bridge, sizeof(record.network.bridge), "b-%s", name);
	ck_assert_int_eq(inet_pton(AF_INET, "10.1.0.0", &record.network.subnet), 1);
	ck_assert_int_eq(inet_pton(AF_INET, "10.1.0.1", &record.network.gateway), 1);
	record.network.prefix = 16;
	ck_assert_int_eq(network_record_write(dir, &record, &err), 0);
}

struct entry {
	const char *network, *address, *id, *name, *alias, *service;
	uint32_t index;
	bool is_waiting;
};

static struct lease lease_of(const struct entry *entry)
{
	struct lease lease = {
		.index = entry->index,
		.container_name = xstrdup(entry->name),
		.service = xstrdup(entry->service),
		.is_ready = !entry->is_waiting,
	};

	(void)snprintf(lease.network, sizeof(lease.network), "%s", entry->network);
	(void)snprintf(lease.container_id, sizeof(lease.container_id), "%s", entry->id);
	ck_assert_int_eq(inet_pton(AF_INET, entry->address, &lease.address), 1);
	if (entry->alias)
		strv_split(&lease.aliases, entry->alias, ' ');
	return lease;
}

static void put(const struct dir *dir, const struct entry *entry, bool is_there)
{
	struct error err;
	auto_fd int fd = leases_open(dir, &err);
	const struct dir leases = { .fd = fd, .path = "leases" };
	auto_lease struct lease lease = lease_of(entry);

	if (is_there)
		ck_assert_int_eq(lease_write(&leases, &lease, &err), 0);
	else
		ck_assert_int_eq(lease_remove(&leases, &lease, &err), 0);
}

static const struct entry own = { "front", "10.1.0.2", OWN, "asker", NULL, NULL, 0, false };

/* "-": not known; "": known, without an address; else the addresses. */
static char *look_up(struct peers *peers, const char *name)
{
	struct dns_addresses found;
	struct str text = { 0 };

	found.n_v4 = found.n_v6 = 0;
	if (!peers_lookup(peers, name, &found))
		return xstrdup("-");
	for (size_t i = 0; i < found.n_v4; i++) {
		char address[INET_ADDRSTRLEN];

		ck_assert_ptr_nonnull(inet_ntop(AF_INET, &found.v4[i], address, sizeof(address)));
		str_addf(&text, "%s%s", i ? " " : "", address);
	}
	ck_assert_uint_eq(found.n_v6, 0);
	return str_take(&text);
}

static void check(struct peers *peers, const char *name, const char *expected)
{
	auto_free char *got = look_up(peers, name);

	ck_assert_msg(strcmp(got, expected) == 0, "'%s': got '%s', wanted '%s'", name, got,
		      expected);
}

START_TEST(finds_by_all_names)
{
	static const struct entry web = { "front", "10.1.0.3", OTHER, "web", "www Static.Example",
					  "shop",  0,          false };
	struct temp temp;
	struct peers *peers;
	struct in_addr address;
	char name[DNS_NAME_MAX];

	temp_make(&temp);
	add_network(&temp.dir, "front", false);
	put(&temp.dir, &own, true);
	put(&temp.dir, &web, true);
	peers = peers_new(&temp.dir, OWN);
	check(peers, "web", "10.1.0.3");
	check(peers, "www", "10.1.0.3");
	check(peers, "static.example", "10.1.0.3");
	check(peers, "shop", "10.1.0.3");
	check(peers, "0123456789ab", "10.1.0.3");
	check(peers, "0123456789a", "-");
	check(peers, "0123456789abc", "-");
	check(peers, "web.front", "10.1.0.3");
	check(peers, "www.front", "10.1.0.3");
	check(peers, "web.back", "-");
	check(peers, ".front", "-");
	check(peers, "front", "-");
	check(peers, "asker", "10.1.0.2");
	check(peers, "nothing", "-");
	ck_assert_int_eq(inet_pton(AF_INET, "10.1.0.3", &address), 1);
	ck_assert(peers_reverse(peers, address, name));
	ck_assert_str_eq(name, "web.front");
	ck_assert_int_eq(inet_pton(AF_INET, "10.1.0.9", &address), 1);
	ck_assert(!peers_reverse(peers, address, name));
	peers_free(peers);
	temp_remove(&temp);
}
END_TEST

START_TEST(keeps_to_its_networks)
{
	static const struct entry entries[] = {
		{ "side", "10.3.0.2", OWN, "asker", NULL, NULL, 0, false },
		{ "front", "10.1.0.2", OWN, "asker", NULL, NULL, 1, false },
		{ "bridge", "10.9.0.2", OWN, "asker", NULL, NULL, 2, false },
		{ "front", "10.1.0.3", OTHER, "both", NULL, NULL, 0, false },
		{ "side", "10.3.0.3", OTHER, "both", NULL, NULL, 1, false },
		{ "back", "10.2.0.3", THIRD, "hidden", NULL, NULL, 0, false },
		{ "bridge", "10.9.0.3", THIRD, "plain", NULL, NULL, 1, false },
	};
	struct temp temp;
	struct peers *peers;

	temp_make(&temp);
	add_network(&temp.dir, "front", true);
	add_network(&temp.dir, "side", true);
	for (size_t i = 0; i < ARRAY_LEN(entries); i++)
		put(&temp.dir, &entries[i], true);
	peers = peers_new(&temp.dir, OWN);
	check(peers, "both", "10.3.0.3"); /* by the asker's first network */
	check(peers, "both.front", "10.1.0.3");
	check(peers, "hidden", "-");
	check(peers, "plain", "-"); /* the default network has no names */
	ck_assert(!peers_have_way_out(peers));
	add_network(&temp.dir, "bridge", false);
	put(&temp.dir, &entries[0], true);
	ck_assert(peers_have_way_out(peers));
	peers_free(peers);
	peers = peers_new(&temp.dir, "somebody");
	check(peers, "both", "-");
	ck_assert(!peers_have_way_out(peers));
	peers_free(peers);
	temp_remove(&temp);
}
END_TEST

START_TEST(sends_to_who_is_ready)
{
	struct entry one = { "front", "10.1.0.3", OTHER, "one", "api", NULL, 0, false };
	struct entry two = { "front", "10.1.0.4", THIRD, "api", NULL, "api", 0, false };
	struct temp temp;
	struct peers *peers;

	temp_make(&temp);
	add_network(&temp.dir, "front", false);
	put(&temp.dir, &own, true);
	put(&temp.dir, &one, true);
	peers = peers_new(&temp.dir, OWN);
	check(peers, "api", "10.1.0.3");
	one.is_waiting = true;
	put(&temp.dir, &one, true);
	check(peers, "api", "");
	check(peers, "one", "10.1.0.3");
	put(&temp.dir, &two, true);
	check(peers, "api", "10.1.0.4");
	two.is_waiting = true;
	put(&temp.dir, &two, true);
	check(peers, "api", "10.1.0.4"); /* its own name, whatever its state */
	put(&temp.dir, &two, false);
	check(peers, "api", "");
	put(&temp.dir, &one, false);
	check(peers, "api", "-");
	peers_free(peers);
	temp_remove(&temp);
}
END_TEST

/* However fast: two changes within one tick of the clock are both seen. */
START_TEST(sees_each_change)
{
	struct entry entry = { "front", "10.1.0.3", OTHER, "web", NULL, NULL, 0, false };
	struct temp temp;
	struct peers *peers;

	temp_make(&temp);
	add_network(&temp.dir, "front", false);
	put(&temp.dir, &own, true);
	peers = peers_new(&temp.dir, OWN);
	for (int i = 0; i < 500; i++) {
		put(&temp.dir, &entry, true);
		check(peers, "web", "10.1.0.3");
		put(&temp.dir, &entry, false);
		check(peers, "web", "-");
		if (i % 100 == 0)
			(void)usleep(30000);
	}
	peers_free(peers);
	temp_remove(&temp);
}
END_TEST

START_TEST(survives_damage)
{
	static const char *const files[] = { "front,10.1.0.9," OTHER, "front,10.1.0.8," THIRD,
					     "front,x," OTHER, ",,", "front" };
	struct temp temp;
	struct peers *peers;
	struct error err;

	temp_make(&temp);
	peers = peers_new(&temp.dir, OWN);
	check(peers, "asker", "-"); /* there is nothing yet */
	add_network(&temp.dir, "front", false);
	put(&temp.dir, &own, true);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		auto_fd int dir = leases_open(&temp.dir, &err);
		auto_fd int fd = openat(dir, files[i], O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

		ck_assert_int_eq((int)write(fd, "{\"aliases\":[1]}", i % 2 ? 15 : 3),
				 i % 2 ? 15 : 3);
	}
	check(peers, "asker", "10.1.0.2");
	peers_free(peers);
	temp_remove(&temp);
}
END_TEST

TEST_MAIN("net/peers", finds_by_all_names, keeps_to_its_networks, sends_to_who_is_ready,
	  sees_each_change, survives_damage)
