/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>

#include "base/mem.h"
#include "cli/ps_filter.h"
#include "tests/unit/test.h"

#define ID_DIGITS "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde"

static struct port_mapping ports[] = {
	{ .host_port = 8080, .container_port = 80, .count = 2, .protocol = IPPROTO_TCP },
	{ .host_port = 53, .container_port = 5353, .count = 1, .protocol = IPPROTO_UDP },
};
static char *labels[] = { (char[]){ "tier=db" }, (char[]){ "empty=" }, (char[]){ "a=b=c" } };

static char *networks[] = { (char[]){ "bridge" }, (char[]){ "back" } };
static char *no_networks[] = { (char[]){ "none" } };

static const struct list_entry entries[] = {
	{
		.record = {
			.id = "a" ID_DIGITS,
			.name = (char[]){ "web" },
			.image = (char[]){ "busybox" },
			.image_id = (char[]){ "sha256:feed01" },
			.labels = { labels, 3 },
			.networks = { networks, 2 },
			.ports = ports,
			.n_ports = 2,
			.created_ns = 20,
		},
		.status = LIST_RUNNING,
	},
	{
		.record = {
			.id = "b" ID_DIGITS,
			.name = (char[]){ "webdb.1" },
			.image = (char[]){ "/some/rootfs" },
			.networks = { no_networks, 1 },
			.exit_code = 3,
			.created_ns = 10,
		},
		.status = LIST_EXITED,
	},
};

/* Which of the two entries pass: "web", "webdb.1", both, none. */
static const char *passing(const char *const *texts)
{
	auto_strv struct strv filters = { 0 };
	bool first, second;

	for (; *texts; texts++) {
		struct error err = { 0 };

		ck_assert_msg(ps_filter_add(*texts, &filters, &err) == 0, "%s", err.msg);
	}
	first = ps_filter_matches(&filters, &entries[0], entries, 2);
	second = ps_filter_matches(&filters, &entries[1], entries, 2);
	return first && second ? "both" : first ? "web" : second ? "webdb.1" : "none";
}

START_TEST(matches)
{
	static const struct {
		const char *filters[4];
		const char *passing;
	} rows[] = {
		{ { NULL }, "both" },
		{ { "id=a0123" }, "web" },
		{ { "id=0123" }, "none" },
		{ { "name=web" }, "both" },
		{ { "name=^web$" }, "web" },
		{ { "name=^/web$" }, "web" },
		{ { "name=db" }, "webdb.1" },
		{ { "name=nosuch", "name=^web$" }, "web" },
		{ { "status=running" }, "web" },
		{ { "status=exited", "status=running" }, "both" },
		{ { "status=dead" }, "none" },
		{ { "exited=3" }, "webdb.1" },
		{ { "exited=0" }, "none" }, /* who runs has not ended with 0 */
		{ { "label=tier" }, "web" },
		{ { "label=tier=db" }, "web" },
		{ { "label=tier=web" }, "none" },
		{ { "label=tie" }, "none" },
		{ { "label=empty=" }, "web" },
		{ { "label=a=b=c" }, "web" },
		{ { "label=tier", "label=nosuch" }, "none" }, /* all of them */
		{ { "label=tier", "label=empty" }, "web" },
		{ { "ancestor=busybox" }, "web" },
		{ { "ancestor=busybox:latest" }, "web" },
		{ { "ancestor=docker.io/library/busybox" }, "web" },
		{ { "ancestor=busybox:1" }, "none" },
		{ { "ancestor=feed" }, "web" },
		{ { "ancestor=sha256:feed01" }, "web" },
		{ { "ancestor=/some/rootfs" }, "webdb.1" },
		{ { "ancestor=" }, "none" },
		{ { "network=none" }, "webdb.1" },
		{ { "publish=8080" }, "web" },
		{ { "publish=8081" }, "web" },
		{ { "publish=8082" }, "none" },
		{ { "publish=8070-8080" }, "web" },
		{ { "publish=53" }, "none" },
		{ { "publish=53/udp" }, "web" },
		{ { "expose=81/tcp" }, "web" },
		{ { "expose=82" }, "none" },
		{ { "before=web" }, "webdb.1" },
		{ { "since=webdb.1" }, "web" },
		{ { "since=b0123" }, "web" },
		{ { "since=web" }, "none" },
		{ { "before=nosuch" }, "none" },
		{ { "name=web", "status=exited", "network=none" }, "webdb.1" },
		{ { "name=web", "status=exited", "network=bridge" }, "none" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_str_eq(passing(rows[i].filters), rows[i].passing);
}
END_TEST

START_TEST(refuses)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{ "", "'' is none of id=, name=, status=, " },
		{ "name", "'name' is none of " },
		{ "colour=red", "'colour=red' is none of " },
		{ "status=up", "'up' is no status of a container" },
		{ "exited=-1", "'-1' is no exit status" },
		{ "exited=x", "'x' is no exit status" },
		{ "exited=256", "'256' is no exit status" },
		{ "name=(", "'(' is no regular expression" },
		{ "publish=x", "'x' is no port" },
		{ "expose=1:2", "'1:2' is no port" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_strv struct strv filters = { 0 };
		struct error err = { 0 };

		ck_assert_int_eq(ps_filter_add(rows[i].text, &filters, &err), -EINVAL);
		ck_assert_msg(str_starts(err.msg, rows[i].error), "%s", err.msg);
		ck_assert_uint_eq(filters.n, 0);
	}
}
END_TEST

START_TEST(wants_all)
{
	static const struct {
		const char *text;
		bool wants;
	} rows[] = {
		{ "name=x", false },
		{ "status=exited", true },
		{ "exited=0", true },
		{ "label=status=exited", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_strv struct strv filters = { 0 };
		struct error err = { 0 };

		ck_assert_int_eq(ps_filter_add(rows[i].text, &filters, &err), 0);
		ck_assert_int_eq(ps_filter_wants_all(&filters), rows[i].wants);
	}
}
END_TEST

TEST_MAIN("cli/ps_filter", matches, refuses, wants_all)
