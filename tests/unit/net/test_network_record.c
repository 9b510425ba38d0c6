/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "net/network_internal.h"
#include "tests/unit/base/temp.h"
#include "tests/unit/test.h"

static void make(const struct dir *dir, const char *name, char digit)
{
	auto_network_record struct network_record record = { .created_ns = 5 };
	struct error err;

	(void)snprintf(record.network.name, sizeof(record.network.name), "%s", name);
	(void)snprintf(record.network.bridge, sizeof(record.network.bridge), "b-%s", name);
	ck_assert_int_eq(inet_pton(AF_INET, "10.1.2.0", &record.network.subnet), 1);
	ck_assert_int_eq(inet_pton(AF_INET, "10.1.2.1", &record.network.gateway), 1);
	record.network.prefix = 24;
	record.network.is_internal = record.network.is_isolated = true;
	memset(record.id, 'a', 64);
	record.id[3] = digit;
	strv_add(&record.labels, "tier=db");
	ck_assert_int_eq(network_option(&record, "com.docker.network.driver.mtu=1400", &err), 0);
	ck_assert_int_eq(network_record_write(dir, &record, &err), 0);
}

static void put(const struct dir *dir, const char *file, const char *text)
{
	struct error err;

	auto_fd int fd = dir_make_open_at(dir, "networks", 0700, &err);
	const struct dir records = { .fd = fd, .path = "networks" };

	ck_assert_int_eq(file_replace_at(&records, file, text, strlen(text), 0600, FILE_FAST, &err),
			 0);
}

START_TEST(reads_what_was_written)
{
	struct temp temp;
	auto_network_record struct network_record record = { 0 };
	struct error err;

	temp_make(&temp);
	make(&temp.dir, "shop", '0');
	ck_assert_int_eq(network_record_read(&temp.dir, "none", &record, &err), 0);
	ck_assert_int_eq(network_record_read(&temp.dir, "shop", &record, &err), 1);
	ck_assert_str_eq(record.network.name, "shop");
	ck_assert_str_eq(record.network.bridge, "b-shop");
	ck_assert_uint_eq(record.network.prefix, 24);
	ck_assert_uint_eq(record.network.mtu, 1400);
	ck_assert(record.network.is_internal && record.network.is_isolated);
	ck_assert_int_eq(record.created_ns, 5);
	ck_assert(strv_has(&record.labels, "tier=db"));
	ck_assert(strv_has(&record.options, "com.docker.network.driver.mtu=1400"));
	ck_assert_int_eq(record.id[3], '0');
	temp_remove(&temp);
}
END_TEST

START_TEST(finds_by_name_and_id)
{
	struct temp temp;
	struct network_record record = { 0 };
	struct error err;

	temp_make(&temp);
	make(&temp.dir, "shop", '0');
	make(&temp.dir, "aaa1", '1');
	ck_assert_int_eq(network_find(&temp.dir, "nothing", &record, &err), 0);
	ck_assert_int_eq(network_find(&temp.dir, "", &record, &err), 0);
	ck_assert_int_eq(network_find(&temp.dir, "../x", &record, &err), 0);
	ck_assert_int_eq(network_find(&temp.dir, "aaa0", &record, &err), 1);
	ck_assert_str_eq(record.network.name, "shop");
	network_record_fini(&record);
	/* A name comes before an id that begins so. */
	ck_assert_int_eq(network_find(&temp.dir, "aaa1", &record, &err), 1);
	ck_assert_str_eq(record.network.name, "aaa1");
	network_record_fini(&record);
	ck_assert_int_eq(network_find(&temp.dir, "aa", &record, &err), -EINVAL);
	ck_assert_str_eq(err.msg, "several networks have ids that begin with 'aa'");
	temp_remove(&temp);
}
END_TEST

START_TEST(lists_all_that_can_be_read)
{
	struct temp temp;
	auto_network_records struct network_records all = { 0 };
	struct error err;

	temp_make(&temp);
	make(&temp.dir, "shop", '0');
	make(&temp.dir, "bar", '1');
	put(&temp.dir, "broken.json", "{");
	put(&temp.dir, ".tmp-x", "");
	ck_assert_int_eq(network_list(&temp.dir, &all, &err), 0);
	ck_assert_uint_eq(all.n, 2);
	ck_assert_str_eq(all.items[0].network.name, "bar");
	ck_assert_str_eq(all.items[1].network.name, "shop");
	network_records_sweep(&temp.dir);
	ck_assert_int_lt(faccessat(temp.dir.fd, "networks/.tmp-x", F_OK, 0), 0);
	ck_assert_int_eq(network_record_remove(&temp.dir, "shop", &err), 0);
	ck_assert_int_eq(network_record_remove(&temp.dir, "shop", &err), 0);
	ck_assert_int_lt(faccessat(temp.dir.fd, "networks/shop.json", F_OK, 0), 0);
	temp_remove(&temp);
}
END_TEST

START_TEST(refuses_damaged_records)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{ "", "x.json" },
		{ "[]", "expected an object" },
		{ "{\"bridge\":\"b\",\"subnet\":\"10.1.2.0/24\"}", "gateway" },
		{ "{\"bridge\":\"b\",\"subnet\":\"10.1.2.0/24\",\"gateway\":\"10.1.3.1\"}",
		  "gateway '10.1.3.1' is no address of subnet '10.1.2.0/24'" },
		{ "{\"bridge\":\"b\",\"subnet\":\"10.1.2.0/24\",\"gateway\":\"10.1.2.255\"}",
		  "gateway '10.1.2.255' is no address of subnet" },
		{ "{\"bridge\":\"b/c\",\"subnet\":\"10.1.2.0/24\",\"gateway\":\"10.1.2.1\"}",
		  "bridge 'b/c' is no name of an interface" },
		{ "{\"bridge\":\"b\",\"subnet\":\"10.1.2.0/99\",\"gateway\":\"10.1.2.1\"}",
		  "parse subnet '10.1.2.0/99'" },
		{ "{\"bridge\":\"0123456789abcdef\",\"subnet\":\"10.1.2.0/24\","
		  "\"gateway\":\"10.1.2.1\"}",
		  "is no name of an interface" },
	};
	struct temp temp;

	temp_make(&temp);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct network_record record;
		struct error err;

		put(&temp.dir, "x.json", bad[i].text);
		ck_assert_int_lt(network_record_read(&temp.dir, "x", &record, &err), 0);
		ck_assert_msg(str_starts(err.msg, "read network 'x': "), "%s", err.msg);
		ck_assert_msg(strstr(err.msg, bad[i].why), "%s", err.msg);
	}
	temp_remove(&temp);
}
END_TEST

START_TEST(knows_options)
{
	auto_network_record struct network_record record = { 0 };
	struct error err;

	ck_assert_int_eq(network_option(&record, "com.docker.network.bridge.name=br7", &err), 0);
	ck_assert_str_eq(record.network.bridge, "br7");
	ck_assert_int_eq(network_option(&record, "com.docker.network.driver.mtu=0", &err), 0);
	ck_assert_int_eq(network_option(&record, "com.docker.network.driver.mtu=9000", &err), 0);
	ck_assert_uint_eq(record.network.mtu, 9000);
	ck_assert_uint_eq(record.options.n, 2);
	ck_assert_int_lt(network_option(&record, "com.docker.network.driver.mtu=67", &err), 0);
	ck_assert_int_lt(network_option(&record, "com.docker.network.driver.mtu=65536", &err), 0);
	ck_assert_int_lt(network_option(&record, "com.docker.network.driver.mtu", &err), 0);
	ck_assert_int_lt(network_option(&record, "com.docker.network.bridge.name=", &err), 0);
	ck_assert_int_eq(network_option(&record, "isolated", &err), 0);
	ck_assert(record.network.is_isolated);
	ck_assert_str_eq(strv_getenv(&record.options, "isolated"), "true");
	ck_assert_int_eq(network_option(&record, "isolated=false", &err), 0);
	ck_assert(!record.network.is_isolated);
	ck_assert_int_lt(network_option(&record, "isolated=maybe", &err), 0);
	ck_assert_int_eq(
		network_option(&record, "com.docker.network.bridge.enable_icc=false", &err), 0);
	ck_assert(record.network.is_isolated);
	ck_assert_int_eq(network_option(&record, "mtu=9000", &err), -EINVAL);
	ck_assert_str_eq(err.msg, "networks have no option 'mtu'");
}
END_TEST

TEST_MAIN("net/network_record", reads_what_was_written, finds_by_name_and_id,
	  lists_all_that_can_be_read, refuses_damaged_records, knows_options)
