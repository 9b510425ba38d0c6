/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "cgroups/resources.h"
#include "engine/change.h"
#include "tests/unit/test.h"

static struct container_change change_of(enum change_kind kind, const char *name)
{
	struct container_change change = { .kind = kind };

	(void)run_options_add_network(&change.options, name);
	return change;
}

static struct record record_in(const char *first, const char *second)
{
	struct record record = { .name = xstrdup("box") };

	for (size_t i = 0; i < 2; i++) {
		const char *name = i == 0 ? first : second;

		if (!name)
			continue;
		strv_add(&record.networks, name);
		strv_add(&record.addresses, i == 0 ? "10.0.0.2" : "10.1.0.2");
	}
	return record;
}

START_TEST(connects)
{
	auto_record struct record record = record_in("bridge", NULL);
	auto_change struct container_change change = change_of(CHANGE_CONNECT, "front");
	struct error err = { 0 };

	strv_add(&change.options.networks[0].aliases, "shop");
	change.options.networks[0].address = xstrdup("10.2.0.9");
	ck_assert_int_eq(change_record(&record, &change, &err), 0);
	ck_assert_uint_eq(record.networks.n, 2);
	ck_assert_str_eq(record.networks.items[1], "front");
	ck_assert_str_eq(record.addresses.items[0], "10.0.0.2");
	ck_assert_str_eq(record.addresses.items[1], "");
	/* What was there by default is said from now on, or it would be another one's place. */
	ck_assert_uint_eq(record.options.n_networks, 2);
	ck_assert_str_eq(record.options.networks[0].name, "bridge");
	ck_assert_str_eq(record.options.networks[1].name, "front");
	ck_assert_str_eq(record.options.networks[1].address, "10.2.0.9");
	ck_assert_str_eq(record.options.networks[1].aliases.items[0], "shop");

	ck_assert_int_eq(change_record(&record, &change, &err), -EEXIST);
	ck_assert_str_eq(err.msg, "container 'box' is in network 'front' already");
	ck_assert_uint_eq(record.networks.n, 2);
}
END_TEST

START_TEST(disconnects)
{
	auto_record struct record record = record_in("front", "back");
	auto_change struct container_change change = change_of(CHANGE_DISCONNECT, "front");
	auto_change struct container_change other = change_of(CHANGE_DISCONNECT, "back");
	struct error err = { 0 };

	ck_assert_int_eq(change_record(&record, &change, &err), 0);
	ck_assert_uint_eq(record.networks.n, 1);
	ck_assert_str_eq(record.networks.items[0], "back");
	ck_assert_str_eq(record.addresses.items[0], "10.1.0.2");
	ck_assert_uint_eq(record.options.n_networks, 1);
	ck_assert_str_eq(record.options.networks[0].name, "back");
	ck_assert_int_eq(change_record(&record, &change, &err), -ENOENT);
	ck_assert_str_eq(err.msg, "container 'box' is not in network 'front'");
	ck_assert_int_eq(change_record(&record, &other, &err), 0);
	ck_assert_uint_eq(record.networks.n, 0);
	ck_assert_uint_eq(record.addresses.n, 0);
	ck_assert_uint_eq(record.options.n_networks, 0);
}
END_TEST

START_TEST(some_are_in_no_network_of_ours)
{
	auto_record struct record none = record_in("none", NULL);
	auto_record struct record box = record_in("front", NULL);
	auto_change struct container_change change = change_of(CHANGE_CONNECT, "back");
	auto_change struct container_change to_host = change_of(CHANGE_CONNECT, "host");
	auto_change struct container_change from_none = change_of(CHANGE_DISCONNECT, "none");
	struct error err = { 0 };

	ck_assert_int_eq(change_record(&none, &change, &err), -EINVAL);
	ck_assert_str_eq(err.msg, "container 'box' was made with --network none: it cannot be "
				  "connected to others");
	ck_assert_int_eq(change_record(&none, &from_none, &err), -ENOENT);
	ck_assert_int_eq(change_record(&box, &to_host, &err), -EINVAL);
	ck_assert_str_eq(err.msg, "'host' is no network that containers can be connected to");
	ck_assert_uint_eq(box.networks.n, 1);
	change.kind = 0;
	ck_assert_int_eq(change_record(&box, &change, &err), -EPROTO);
}
END_TEST

static void expect_limits(struct record *record, const struct container_change *change,
			  struct cgroup_resources *ret)
{
	struct error err = { 0 };

	ck_assert_msg(change_record(record, change, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(change_resources(record, change, ret, &err), 0);
}

START_TEST(limits_are_set_and_taken_away)
{
	auto_record struct record record = record_in("bridge", NULL);
	auto_change struct container_change change = { .kind = CHANGE_LIMITS };
	struct cgroup_resources r = { 0 };

	record.options.cpus_nano = 500000000;
	change.limits = LIMIT_MEMORY | LIMIT_PIDS;
	change.options.memory = 64 << 20;
	change.options.has_pids_limit = true;
	change.options.pids_limit = 50;
	strv_add(&change.options.labels, "a=b=c");
	expect_limits(&record, &change, &r);
	ck_assert_uint_eq(record.memory, 64 << 20);
	ck_assert_int_eq(r.memory.limit, 64 << 20);
	ck_assert_int_eq(r.memory.swap, 128 << 20);
	ck_assert_int_eq(r.pids, 50);
	ck_assert_int_eq(r.cpu.quota, 50000); /* as it was */
	ck_assert_str_eq(strv_getenv(&record.labels, "a"), "b=c");
	cgroup_resources_fini(&r);

	change.limits = LIMIT_MEMORY | LIMIT_PIDS | LIMIT_CPUS | LIMIT_CPU_SHARES;
	change.options.memory = 0;
	change.options.pids_limit = -1;
	expect_limits(&record, &change, &r);
	ck_assert(r.memory.has_limit && r.memory.limit == -1);
	ck_assert(r.memory.has_swap && r.memory.swap == -1);
	ck_assert(r.has_pids && r.pids == -1);
	ck_assert(r.cpu.has_quota && r.cpu.quota == -1);
	ck_assert(r.cpu.has_shares && r.cpu.shares == 1024);
	ck_assert_uint_eq(record.memory, 0);
	cgroup_resources_fini(&r);
}
END_TEST

START_TEST(limits_that_contradict_each_other_are_refused)
{
	auto_record struct record record = record_in("bridge", NULL);
	auto_change struct container_change change = {
		.kind = CHANGE_LIMITS,
		.limits = LIMIT_MEMORY | LIMIT_MEMORY_SWAP,
		.options = { .memory = 64 << 20, .has_memory_swap = true, .memory_swap = 1 << 20 },
	};
	struct error err = { 0 };

	ck_assert_int_eq(change_record(&record, &change, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.msg, "--memory-swap"));
	change.limits = LIMIT_CPUS;
	change.options.cpus_nano = INT64_C(1000000) * 1000000000;
	ck_assert_int_eq(change_record(&record, &change, &err), -EINVAL);
}
END_TEST

START_TEST(goes_over_the_wire)
{
	auto_change struct container_change sent = change_of(CHANGE_CONNECT, "front");
	auto_change struct container_change got = { 0 };
	struct control_message message;
	struct error err = { 0 };
	auto_fd int fd = -1;

	strv_add(&sent.options.networks[0].aliases, "a \"b\" \xff");
	ck_assert_int_eq(change_pack(&sent, &message, &fd, &err), 0);
	ck_assert_uint_eq(message.type, CONTROL_CHANGE);
	ck_assert_int_eq(change_unpack(&message, fd, &got, &err), 0);
	ck_assert_int_eq(got.kind, CHANGE_CONNECT);
	ck_assert_str_eq(got.options.networks[0].name, "front");
	ck_assert_uint_eq(got.options.networks[0].aliases.n, 1);
}
END_TEST

START_TEST(what_is_not_understood_is_refused)
{
	static const char *const texts[] = { "",
					     "{",
					     "[]",
					     "{}",
					     "{\"options\": 5}",
					     "{\"options\": {\"networks\": []}}",
					     "{\"options\": {\"networks\": [{}]}}" };
	const struct control_message message = { .type = CONTROL_CHANGE, .value = CHANGE_CONNECT };
	struct error err = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		auto_change struct container_change change = { 0 };
		int pair[2];

		ck_assert_int_eq(pipe(pair), 0);
		close_fd(&pair[1]);
		ck_assert_int_lt(change_unpack(&message, pair[0], &change, &err), 0);
		close_fd(&pair[0]);
	}
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		auto_change struct container_change change = { 0 };
		FILE *file = tmpfile();

		ck_assert_ptr_nonnull(file);
		ck_assert_int_ge(fputs(texts[i], file), 0);
		ck_assert_int_eq(fflush(file), 0);
		ck_assert_int_lt(change_unpack(&message, fileno(file), &change, &err), 0);
		(void)fclose(file);
	}
	ck_assert_int_lt(change_unpack(&message, -1, &(struct container_change){ 0 }, &err), 0);
}
END_TEST

TEST_MAIN("engine/change", connects, disconnects, some_are_in_no_network_of_ours,
	  goes_over_the_wire, limits_are_set_and_taken_away,
	  limits_that_contradict_each_other_are_refused, what_is_not_understood_is_refused)
