/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>

#include "net/subnet.h"
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

START_TEST(parses_and_formats)
{
	static const char *const good[] = { "10.88.0.0/24", "10.0.0.0/8", "192.168.1.252/30",
					    "172.16.0.0/12" };
	static const char *const bad[] = { "",
					   "10.88.0.0",
					   "10.88.0.0/",
					   "10.88.0.0/7",
					   "10.88.0.0/31",
					   "10.88.0.0/24x",
					   "10.88.0.1/24",
					   "10.88.0.0/-24",
					   "10.88.0/24",
					   "10.88.0.256/8",
					   "fd00::/64",
					   "10.88.0.0/024/1",
					   "a/24",
					   "10.88.0.128/24",
					   "/24" };

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct subnet s = subnet(good[i]);
		char text[SUBNET_TEXT_MAX];

		subnet_format(&s, text);
		ck_assert_str_eq(text, good[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct subnet s = { 0 };
		struct error err = { 0 };

		ck_assert_msg(subnet_parse(bad[i], &s, &err) == -EINVAL, "'%s' is taken", bad[i]);
		ck_assert_ptr_nonnull(strstr(err.msg, bad[i]));
	}
}
END_TEST

START_TEST(has_addresses)
{
	static const struct {
		const char *subnet, *address;
		bool has;
	} rows[] = {
		{ "10.88.0.0/24", "10.88.0.0", true },
		{ "10.88.0.0/24", "10.88.0.255", true },
		{ "10.88.0.0/24", "10.88.1.0", false },
		{ "10.88.0.0/24", "10.87.255.255", false },
		{ "192.168.1.4/30", "192.168.1.7", true },
		{ "192.168.1.4/30", "192.168.1.8", false },
		{ "10.0.0.0/8", "10.255.255.255", true },
		{ "10.0.0.0/8", "11.0.0.0", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct subnet s = subnet(rows[i].subnet);

		ck_assert_msg(subnet_has(&s, address(rows[i].address)) == rows[i].has, "%s in %s",
			      rows[i].address, rows[i].subnet);
	}
}
END_TEST

START_TEST(overlaps)
{
	static const struct {
		const char *a, *b;
		bool overlap;
	} rows[] = {
		{ "10.88.0.0/24", "10.88.0.0/24", true },
		{ "10.88.0.0/24", "10.88.1.0/24", false },
		{ "10.88.0.0/16", "10.88.7.0/24", true },
		{ "10.0.0.0/8", "10.88.7.128/25", true },
		{ "10.88.0.0/25", "10.88.0.128/25", false },
		{ "172.16.0.0/12", "172.32.0.0/16", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct subnet a = subnet(rows[i].a);
		struct subnet b = subnet(rows[i].b);

		ck_assert_msg(subnet_overlaps(&a, &b) == rows[i].overlap, "%s and %s", rows[i].a,
			      rows[i].b);
		ck_assert_int_eq(subnet_overlaps(&b, &a), rows[i].overlap);
	}
}
END_TEST

START_TEST(counts)
{
	struct subnet s = subnet("10.88.0.0/24");
	const struct subnet all = { .prefix = 0 };

	ck_assert_uint_eq(subnet_size(&s), 256);
	ck_assert_uint_eq(subnet_at(&s, 255).s_addr, address("10.88.0.255").s_addr);
	ck_assert_uint_eq(subnet_offset(&s, address("10.88.0.17")), 17);
	ck_assert_uint_eq(subnet_mask(&s).s_addr, address("255.255.255.0").s_addr);
	ck_assert_uint_eq(subnet_size(&all), UINT32_MAX);
	ck_assert_uint_eq(subnet_mask(&all).s_addr, 0);
	ck_assert(subnet_has(&all, address("8.8.8.8")));
}
END_TEST

TEST_MAIN("net/subnet", parses_and_formats, has_addresses, overlaps, counts)
