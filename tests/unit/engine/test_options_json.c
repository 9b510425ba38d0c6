/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/resource.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/options.h"
#include "engine/options_json.h"
#include "tests/unit/test.h"

struct holder {
	struct run_options options;
};

static const struct json_field fields[] = {
	JSON_FIELD_BY(struct holder, options, "options", run_options_read),
	JSON_FIELDS_END,
};

static int read_text(const char *text, struct run_options *ret, struct error *err)
{
	auto_json_doc struct json_doc doc = { 0 };
	auto_free char *whole = xasprintf("{\"options\":%s}", text);
	struct holder holder = { 0 };
	int rc = json_doc_parse(&doc, "record.json", whole, strlen(whole), err);

	ck_assert_int_eq(rc, 0);
	rc = json_read(&doc, fields, &holder, err);
	*ret = holder.options;
	return rc;
}

static char *write_text(const struct run_options *o)
{
	auto_json json_t *json = run_options_to_json(o);

	return json_to_text(json, JSON_COMPACT | JSON_SORT_KEYS);
}

/* What has been read writes the same text again. */
static char *there_and_back(const struct run_options *o, struct run_options *ret)
{
	char *text = write_text(o);
	auto_free char *again = NULL;
	struct error err;

	ck_assert_msg(read_text(text, ret, &err) == 0, "%s", err.msg);
	again = write_text(ret);
	ck_assert_str_eq(again, text);
	return text;
}

START_TEST(nothing_asked_for_is_nothing)
{
	struct run_options o = { 0 }, got;
	auto_free char *text = there_and_back(&o, &got);

	ck_assert_str_eq(text, "{}");
	run_options_fini(&got);
}
END_TEST

static void fill_process(struct run_options *o)
{
	o->image = xstrdup("busybox:1");
	o->name = xstrdup("web");
	strv_add(&o->command, "sh");
	strv_add(&o->command, "");
	strv_add(&o->env, "A=b=c");
	strv_add(&o->labels, "x=");
	o->has_entrypoint = true;
	o->is_interactive = o->has_tty = o->is_removed_at_end = o->is_detached = true;
	o->stop_timeout = 3;
	o->project = xstrdup("shop");
	o->service = xstrdup("api");
	strv_add(&o->allows, "web:80/tcp");
	o->restart = (struct restart_config){ RESTART_ON_FAILURE, 5 };
}

static void fill_limits(struct run_options *o)
{
	o->memory = UINT64_C(1) << 40;
	o->has_memory_swap = true;
	o->memory_swap = -1;
	o->cpus_nano = 500000000;
	o->has_pids_limit = o->has_oom_score_adj = true;
	o->oom_score_adj = -7;
	o->ulimits = xcalloc(2, sizeof(*o->ulimits));
	o->n_ulimits = 2;
	o->ulimits[0] = (struct rlimit_text){ "RLIMIT_NOFILE", 10, 20 };
	o->ulimits[1] = (struct rlimit_text){ "RLIMIT_CORE", 0, RLIM_INFINITY };
}

static void fill_files(struct run_options *o)
{
	o->mounts = xcalloc(2, sizeof(*o->mounts));
	o->n_mounts = 2;
	o->mounts[0] = (struct mount_request){
		.kind = MOUNT_KIND_VOLUME,
		.source = xstrdup("data"),
		.target = xstrdup("/data"),
		.is_source_made = true,
	};
	o->mounts[1] = (struct mount_request){
		.kind = MOUNT_KIND_TMPFS,
		.target = xstrdup("/tmp"),
		.is_not_copied = true,
	};
	strv_add(&o->mounts[1].options, "size=1m");
	o->ports = xcalloc(1, sizeof(*o->ports));
	o->n_ports = 1;
	(void)run_options_add_network(o, "front");
	strv_add(&o->networks[0].aliases, "www");
	run_options_add_network(o, "back")->address = xstrdup("10.1.2.3");
	o->ports[0] = (struct port_mapping){ "127.0.0.1", 8080, 80, 1, IPPROTO_UDP };
}

START_TEST(what_is_set_comes_back)
{
	struct run_options o = { 0 }, got;
	auto_free char *text = NULL;

	fill_process(&o);
	fill_limits(&o);
	fill_files(&o);
	text = there_and_back(&o, &got);
	ck_assert_str_eq(got.image, "busybox:1");
	ck_assert_uint_eq(got.command.n, 2);
	ck_assert_str_eq(got.command.items[1], "");
	ck_assert(got.has_entrypoint && got.entrypoint.n == 0);
	ck_assert(got.is_interactive && got.has_tty && got.is_removed_at_end);
	ck_assert_msg(!got.is_detached, "that was the command's");
	ck_assert_str_eq(got.project, "shop");
	ck_assert_str_eq(got.service, "api");
	ck_assert(strv_has(&got.allows, "web:80/tcp"));
	ck_assert_int_eq(got.restart.policy, RESTART_ON_FAILURE);
	ck_assert_int_eq(got.restart.max_retries, 5);
	ck_assert_uint_eq(got.memory, UINT64_C(1) << 40);
	ck_assert(got.has_memory_swap && got.memory_swap == -1);
	ck_assert(got.has_pids_limit && got.pids_limit == 0);
	ck_assert_int_eq(got.oom_score_adj, -7);
	ck_assert_str_eq(got.ulimits[1].name, "RLIMIT_CORE");
	ck_assert_uint_eq(got.ulimits[1].hard, RLIM_INFINITY);
	ck_assert_int_eq(got.mounts[0].kind, MOUNT_KIND_VOLUME);
	ck_assert_ptr_null(got.mounts[1].source);
	ck_assert_str_eq(got.mounts[1].options.items[0], "size=1m");
	ck_assert_uint_eq(got.n_networks, 2);
	ck_assert(strv_has(&got.networks[0].aliases, "www"));
	ck_assert_str_eq(got.networks[1].address, "10.1.2.3");
	ck_assert_mem_eq(&got.ports[0], &o.ports[0], sizeof(got.ports[0]));
	run_options_fini(&o);
	run_options_fini(&got);
}
END_TEST

START_TEST(health_comes_back)
{
	static const char *const lists[][4] = {
		{ "CMD", "probe", "-x" },
		{ "CMD-SHELL", "a && b" },
		{ "HTTP", "http://localhost:8080/up?x=1" },
		{ "TCP", "127.0.0.1:5432" },
		{ "NONE" },
	};

	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		struct run_options o = { .health = { .interval_ns = 5, .retries = 2 } }, got;
		auto_free char *text = NULL;
		struct strv list = { 0 };
		auto_strv struct strv again = { 0 };
		struct error err;

		for (size_t j = 0; lists[i][j]; j++)
			strv_add(&list, lists[i][j]);
		ck_assert_int_eq(health_test_parse(&list, &o.health.test, &err), 0);
		o.health.action = HEALTH_ACT_RESTART;
		text = there_and_back(&o, &got);
		health_test_format(&got.health.test, &again);
		ck_assert_uint_eq(again.n, list.n);
		for (size_t j = 0; j < list.n; j++)
			ck_assert_str_eq(again.items[j], list.items[j]);
		ck_assert_int_eq(got.health.interval_ns, 5);
		ck_assert_int_eq(got.health.action, HEALTH_ACT_RESTART);
		strv_fini(&list);
		run_options_fini(&o);
		run_options_fini(&got);
	}
}
END_TEST

START_TEST(bytes_that_are_no_text_come_back)
{
	struct run_options o = { 0 }, got;
	auto_free char *text = NULL;

	strv_add(&o.command, "\xff\x01z");
	strv_add(&o.command, "gr\xc3\xbc\xc3\x9f");
	o.workdir = xstrdup("/\x80");
	text = there_and_back(&o, &got);
	ck_assert_str_eq(text, "{\"command\":[{\"hex\":\"ff017a\"},\"gr\xc3\xbc\xc3\x9f\"],"
			       "\"workdir\":{\"hex\":\"2f80\"}}");
	ck_assert_str_eq(got.command.items[0], "\xff\x01z");
	ck_assert_str_eq(got.workdir, "/\x80");
	run_options_fini(&o);
	run_options_fini(&got);
}
END_TEST

START_TEST(what_is_wrong_is_named)
{
	static const struct {
		const char *text, *wanted;
	} rows[] = {
		{ "{\"command\":\"sh\"}", "'command'" },
		{ "{\"command\":[1]}", "[0]: expected a text" },
		{ "{\"command\":[{\"hex\":\"f\"}]}", "expected a text" },
		{ "{\"command\":[{\"hex\":\"00\"}]}", "expected a text" },
		{ "{\"command\":[{\"hex\":\"xy\"}]}", "expected a text" },
		{ "{\"memory\":\"1\"}", "'memory'" },
		{ "{\"stop_timeout\":4294967296}", "'stop_timeout'" },
		{ "{\"workdir\":7}", "'workdir'" },
		{ "{\"mounts\":[{\"kind\":\"bind\"}]}", "[0]: no target" },
		{ "{\"mounts\":[{\"kind\":\"x\",\"target\":\"/\"}]}", "no kind of mount" },
		{ "{\"ulimits\":[{\"name\":\"x\"}]}", "no limit is named 'x'" },
		{ "{\"restart\":\"often\"}", "'often'" },
		{ "{\"restart\":1}", "expected a text" },
		{ "{\"health\":{\"test\":[\"PING\"]}}", "'PING'" },
		{ "{\"health\":{\"action\":\"cry\"}}", "no action" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct run_options got = { 0 };
		struct error err = { 0 };

		ck_assert_msg(read_text(rows[i].text, &got, &err) < 0, "%s", rows[i].text);
		ck_assert_msg(strstr(err.msg, rows[i].wanted), "%s: %s", rows[i].text, err.msg);
		run_options_fini(&got);
	}
}
END_TEST

TEST_MAIN("engine/options_json", nothing_asked_for_is_nothing, what_is_set_comes_back,
	  health_comes_back, bytes_that_are_no_text_come_back, what_is_wrong_is_named)
