/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "engine/change.h"
#include "tests/unit/test.h"

static struct change change_of(enum change_kind kind, const char *name)
{
	struct change change = { .kind = kind };

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
	auto_change struct change change = change_of(CHANGE_CONNECT, "front");
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
	auto_change struct change change = change_of(CHANGE_DISCONNECT, "front");
	auto_change struct change other = change_of(CHANGE_DISCONNECT, "back");
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
	auto_change struct change change = change_of(CHANGE_CONNECT, "back");
	auto_change struct change to_host = change_of(CHANGE_CONNECT, "host");
	auto_change struct change from_none = change_of(CHANGE_DISCONNECT, "none");
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

START_TEST(goes_over_the_wire)
{
	auto_change struct change sent = change_of(CHANGE_CONNECT, "front");
	auto_change struct change got = { 0 };
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
		auto_change struct change change = { 0 };
		int pair[2];

		ck_assert_int_eq(pipe(pair), 0);
		close_fd(&pair[1]);
		ck_assert_int_lt(change_unpack(&message, pair[0], &change, &err), 0);
		close_fd(&pair[0]);
	}
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		auto_change struct change change = { 0 };
		FILE *file = tmpfile();

		ck_assert_ptr_nonnull(file);
		ck_assert_int_ge(fputs(texts[i], file), 0);
		ck_assert_int_eq(fflush(file), 0);
		ck_assert_int_lt(change_unpack(&message, fileno(file), &change, &err), 0);
		(void)fclose(file);
	}
	ck_assert_int_lt(change_unpack(&message, -1, &(struct change){ 0 }, &err), 0);
}
END_TEST

TEST_MAIN("engine/change", connects, disconnects, some_are_in_no_network_of_ours,
	  goes_over_the_wire, what_is_not_understood_is_refused)
